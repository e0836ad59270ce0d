"""The sequences of a judged run and their embeddings, in the form in which a run compares them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from vp_tui.core.config import STRATA, PrecisionPlan, RunConfig
from vp_tui.core.engine.probe.diagnose import Diagnosis
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.embeddings.matching import Matching
from vp_tui.core.inputs.embeddings.table import EmbeddingTable
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import Alphabet, default_cuts
from vp_tui.core.measures.neighbours import content_hash
from vp_tui.core.measures.run_measures import NO_STRATUM
from vp_tui.core.measures.selection import chunks
from vp_tui.core.workers.judged.sides import Sides

_CHUNK: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedData:
    """The judged sequences."""

    ids: tuple[str, ...]
    stratum_S: np.ndarray
    """Index into STRATA, or NO_STRATUM for all."""
    tokens_S: np.ndarray
    """Residues or bases; 0 where the length is not known."""
    known_hash_S: np.ndarray | None
    """Content hashes; None where only embeddings are known."""
    sequences: SequenceSet | None
    matching: Matching
    rows: Mapping[str, np.ndarray]
    """Side -> row of each sequence in its file."""
    cuts: tuple[int, int]
    alphabet: Alphabet | None
    in_file: Mapping[str, int]
    """Stratum -> matched sequences, before a sample was drawn; empty where lengths are not known."""

    @property
    def hash_S(self) -> np.ndarray:
        """Return the content hashes; `hashed` comes first."""
        assert self.known_hash_S is not None, "hashed() comes first"
        return self.known_hash_S

    def hashed(self, x_SD: np.ndarray) -> "JudgedData":
        """Return the data with content hashes: without letters those of the reference's embeddings."""
        return self if self.known_hash_S is not None else replace(self, known_hash_S=content_hash(x_SD))

    @property
    def planned(self) -> dict[str, int]:
        """Return the number of sequences per stratum."""
        return {name: int((self.stratum_S == index).sum()) for index, name in enumerate(STRATA)}


def judged_data(config: RunConfig, found: Sides) -> JudgedData:
    """Return the sequences to judge: all, or a sample of them where one side must be encoded first."""
    alphabet = _alphabet(found)
    cuts = config.strata or default_cuts(alphabet or "protein")
    num = len(found.ids)
    known_S = found.lengths_S
    stratum_S = np.full(num, NO_STRATUM) if known_S is None else sequences.strata_of(known_S, cuts)
    chosen_S = np.arange(num)
    if found.encoded is not None:
        chosen_S = sequences.stratified_sample(stratum_S, config.sample, config.seed)
    data = None if found.sequences is None else found.sequences.take(chosen_S.tolist())
    lengths_S = np.zeros(num, np.int64) if known_S is None else known_S
    counts = np.bincount(np.maximum(stratum_S, 0), minlength=len(STRATA))
    return JudgedData(
        ids=tuple(found.ids[row] for row in chosen_S),
        stratum_S=stratum_S[chosen_S],
        tokens_S=lengths_S[chosen_S],
        known_hash_S=_hashes(found, data, chosen_S),
        sequences=data,
        matching=found.matching,
        rows={
            "reference": found.matching.reference_S[chosen_S],
            "candidate": found.matching.candidate_S[chosen_S],
        },
        cuts=cuts,
        alphabet=alphabet,
        in_file={} if known_S is None else dict(zip(STRATA, map(int, counts), strict=True)),
    )


def _alphabet(found: Sides) -> Alphabet | None:
    if found.sequences is not None:
        return sequences.alphabet_of(found.sequences)
    told = {table.alphabet for table in found.tables.values()}
    return "dna" if told == {"dna"} else "protein" if "protein" in told else None


def _hashes(found: Sides, data: SequenceSet | None, chosen_S: np.ndarray) -> np.ndarray | None:
    if data is not None:
        return data.hash_S
    return None if found.hash_S is None else found.hash_S[chosen_S]


def copy_rows(table: EmbeddingTable, rows_S: np.ndarray, into_SD: np.ndarray) -> Iterator[int]:
    """Copy the rows `rows_S` of a table into `into_SD`, in that order; yield the number of rows read so far."""
    target_F = np.full(table.shape[0], -1, np.int64)
    target_F[rows_S] = np.arange(len(rows_S))
    done = 0
    for piece_RD in table.pieces():
        target_R = target_F[done : done + len(piece_RD)]
        wanted_R = target_R >= 0
        into_SD[target_R[wanted_R]] = piece_RD[wanted_R]
        done += len(piece_RD)
        yield done


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedArm:
    """One side as a run's arm; its NaN and infinities are those of the embeddings themselves."""

    plan: PrecisionPlan
    embeddings_SD: np.ndarray
    nan_S: np.ndarray
    inf_S: np.ndarray
    pack_S: None = None

    def diagnose(self, row: int, /) -> Diagnosis | None:
        """Return None: the model is not at hand."""
        del row
        return None


def judged_arm(plan: PrecisionPlan, embeddings_SD: np.ndarray) -> JudgedArm:
    """Return the arm of these embeddings, with what is not finite counted."""
    nan_S, inf_S = (np.zeros(len(embeddings_SD), np.int64) for _ in range(2))
    for part in chunks(len(embeddings_SD), _CHUNK):
        values_CD = embeddings_SD[part]
        nan_S[part], inf_S[part] = np.isnan(values_CD).sum(axis=1), np.isinf(values_CD).sum(axis=1)
    return JudgedArm(plan=plan, embeddings_SD=embeddings_SD, nan_S=nan_S, inf_S=inf_S)


def data_facts(config: RunConfig, data: JudgedData, found: Sides, digest: str) -> dict[str, Any]:
    """Return the run document's `dataset`; `digest` stands for the sequences where only their ids are known."""
    return {
        "name": config.input.rpartition("/")[2],
        "path": config.input,
        "sha256": digest if data.sequences is None else sequences.content_hash(data.sequences),
        "alphabet": data.alphabet,
        "tokenizer": None,
        "n_file": len(found.ids),
        "n": len(data.ids),
        "seed": config.seed,
        "cuts": list(data.cuts),
        "strata": data.planned,
        "strata_file": dict(data.in_file),
        "tokens": int(data.tokens_S.sum()),
        "matching": data.matching.facts,
    }
