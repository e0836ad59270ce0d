"""The two sides of `vp-tui judge`: files opened, a checkpoint recognized, ids matched, lengths found."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vp_tui.core.config import Judged, RunConfig
from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.events import ARMS, Arm
from vp_tui.core.files import user_path
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.adapter import is_adapter
from vp_tui.core.inputs.embeddings import matching
from vp_tui.core.inputs.embeddings.folder import OPENERS, SUFFIXES, TORCH_SUFFIXES, open_table
from vp_tui.core.inputs.embeddings.matching import Matching
from vp_tui.core.inputs.embeddings.table import EmbeddingTable
from vp_tui.core.inputs.predictions import SUFFIXES as PREDICTIONS
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.source import resolve
from vp_tui.core.runs.launch import from_anywhere


def recognized(reference: str, candidate: str, *, has_sequences: bool) -> Judged:
    """Return what each side is.

    Raises UsageError: two checkpoints, or one without sequences. ModelError: no such checkpoint.
    """
    given: dict[Arm, str] = {"reference": reference, "candidate": candidate}
    tables = [side for side in ARMS if Path(given[side]).suffix.lower() in PREDICTIONS]
    if len(tables) == 2:
        both = {"reference": from_anywhere(reference), "candidate": from_anywhere(candidate)}
        return Judged(**both, has_sequences=has_sequences, kind="predictions")
    if tables:
        raise UsageError(f"{given[tables[0]]} is a table of predictions: both sides must be one")
    models = [side for side in ARMS if _is_model(given[side])]
    for side in models:
        resolve(given[side])
    if len(models) == 2:
        raise UsageError("both sides are checkpoints: `vp-tui run -m MODEL -i FASTA` encodes and compares both")
    if models and not has_sequences:
        raise UsageError(f"{given[models[0]]} is a checkpoint: give the sequences to encode with -i FASTA")
    return Judged(
        reference=from_anywhere(reference),
        candidate=from_anywhere(candidate),
        encoded=models[0] if models else None,
        has_sequences=has_sequences,
    )


def checkpoint_of(config: RunConfig) -> str:
    """Return the side that is a checkpoint; only of a run that has one."""
    judged = config.judged
    assert judged is not None, "only of a judged run"
    return judged.reference if judged.encoded == "reference" else judged.candidate


def _is_model(given: str) -> bool:
    path = user_path(given)
    if path.is_dir():
        return (path / "config.json").is_file() or is_adapter(path)
    if path.suffix.lower() in TORCH_SUFFIXES and path.is_file():
        # torch is loaded only for its own files
        from vp_tui.core.workers.judged.torch_tables import holds_embeddings

        return not holds_embeddings(path)
    return path.suffix.lower() not in SUFFIXES and not path.is_file()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Both sides, matched; row i of `matching` is sequence i of the run."""

    tables: dict[Arm, EmbeddingTable]
    """Without the side that is encoded."""
    encoded: Arm | None
    sequences: SequenceSet | None
    """The matched sequences, where a FASTA file was given."""
    ids: tuple[str, ...]
    matching: Matching
    lengths_S: np.ndarray | None
    """Residues or bases; None where neither a FASTA file nor a file of `vp-tui embed` says them."""
    hash_S: np.ndarray | None
    """Content hashes that a file has, where there is no FASTA file."""
    width: int | None
    """None where only the checkpoint knows it."""


def opened(config: RunConfig) -> Sides:
    """Open both sides and match them.

    Raises InputError: unreadable files, two widths, no common ids, a FASTA file without some of them.
    UsageError: a package is missing.
    """
    judged = config.judged
    assert judged is not None, "only of a judged run"
    data = sequences.read(config.input) if judged.has_sequences else None
    paths: dict[Arm, str] = {"reference": judged.reference, "candidate": judged.candidate}
    tables = {side: _table(Path(paths[side])) for side in ARMS if side != judged.encoded}
    if len({table.shape[1] for table in tables.values()}) > 1:
        told = " and ".join(f"{table.path} has {table.shape[1]}" for table in tables.values())
        raise InputError(f"embeddings of two widths cannot be compared: {told} numbers each")
    ids = {side: _ids(tables.get(side), data) for side in ARMS}
    found = matching.match(ids["reference"], ids["candidate"])
    names = tuple(ids["reference"][row] for row in found.reference_S)
    chosen = None if data is None else _taken(data, names)
    rows: dict[Arm, np.ndarray] = {"reference": found.reference_S, "candidate": found.candidate_S}
    return Sides(
        tables=tables,
        encoded=judged.encoded,
        sequences=chosen,
        ids=names,
        matching=found,
        lengths_S=chosen.lengths_S if chosen is not None else _of_files(tables, rows, "lengths_S"),
        hash_S=None if chosen is not None else _of_files(tables, rows, "hash_S"),
        width=next(iter(tables.values())).shape[1],
    )


def _table(path: Path) -> EmbeddingTable:
    openers = dict(OPENERS)
    if path.suffix.lower() in TORCH_SUFFIXES or (path.is_dir() and any(_torch_files(path))):
        from vp_tui.core.workers.judged.torch_tables import open_pt

        openers |= dict.fromkeys(TORCH_SUFFIXES, open_pt)
    return open_table(path, openers)


def _torch_files(folder: Path) -> list[Path]:
    return [one for suffix in TORCH_SUFFIXES for one in folder.glob(f"*{suffix}")]


def _ids(table: EmbeddingTable | None, data: SequenceSet | None) -> Sequence[str]:
    """Return the ids of a side; those of the FASTA file for a checkpoint and for a file without any."""
    if table is not None and table.ids is not None:
        return table.ids
    if data is None:
        path = "the file" if table is None else table.path
        raise InputError(f"{path} has no ids: give the FASTA file that it was made from with -i")
    if table is not None and table.shape[0] != len(data):
        raise InputError(
            f"{table.path} has no ids and {table.shape[0]} embeddings, the FASTA file has {len(data)} sequences: give "
            "the file that it was made from"
        )
    return data.ids


def _taken(data: SequenceSet, names: Sequence[str]) -> SequenceSet:
    """Return the sequences of these ids, in that order.

    Raises InputError: the FASTA file lacks some.
    """
    place = {name: row for row, name in enumerate(data.ids)}
    lacking = [name for name in names if name not in place]
    if lacking:
        raise InputError(
            f"the FASTA file lacks {len(lacking)} of {len(names)} ids that both sides have, the first is "
            f"{lacking[0]!r}; give the file that they were made from, or leave -i out"
        )
    return data.take([place[name] for name in names])


def _of_files(tables: dict[Arm, EmbeddingTable], rows: dict[Arm, np.ndarray], name: str) -> np.ndarray | None:
    for side, table in tables.items():
        values_S: np.ndarray | None = getattr(table, name)
        if values_S is not None:
            chosen_S: np.ndarray = values_S[rows[side]]
            return chosen_S
    return None
