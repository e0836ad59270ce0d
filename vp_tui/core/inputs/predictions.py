"""Predictions that any program wrote: a table with a header, ids, and a probability of virus.

VirNucPro writes two, both separated by tabs: prediction_results.txt (Sequence_ID, Prediction, score1, score2: one row
per frame) and prediction_results_highestscore.csv (Modified_ID, Is_Virus, max_score_0, max_score_1: one per chunk). A
table of other columns is read by their names.
"""

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np

from vp_tui.core.config import PredictionColumns
from vp_tui.core.errors import InputError
from vp_tui.core.inputs.records import printable

Known = TypeVar("Known")

SUFFIXES: Final = (".txt", ".csv", ".tsv")
_ID: Final = ("sequence_id", "modified_id", "id", "seq_id", "name")
_VIRUS: Final = ("score2", "max_score_1", "score", "probability", "p")
_OTHERS: Final = ("score1", "max_score_0")
_LABEL: Final = ("prediction", "is_virus", "label", "truth")
_POSITIVE: Final = frozenset({"virus", "viral", "1", "true", "yes"})
_NEGATIVE: Final = frozenset({"others", "other", "non-virus", "nonviral", "0", "false", "no"})
_CHUNK: Final = re.compile(r"_chunk_\d+(?=[FR][123]$|$)")
_FRAME: Final = re.compile(r"[FR][123]$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictions:
    """One side's predictions."""

    path: Path
    ids: tuple[str, ...]
    scores_S2: np.ndarray
    """Others and virus, float64; one score alone is taken for the probability of virus."""
    contradicted: int
    """Rows whose label is not that of the larger score."""


def read_predictions(path: Path, columns: PredictionColumns) -> Predictions:
    """Return the predictions of a table.

    Raises InputError: missing, no table, a column that is not there, or a score that is no number (NaN is one).
    """
    header, rows = _table(path)
    id_at = _column(path, header, columns.id, _ID, "id")
    virus_at = _column(path, header, columns.score, _VIRUS, "score")
    others_at = None if columns.score else _found(header, _OTHERS)
    label_at = header.index(columns.label) if columns.label in header else _found(header, _LABEL)
    virus_S = np.array([_number(path, row[virus_at], line) for line, row in enumerate(rows, 2)])
    others_S = 1.0 - virus_S
    if others_at is not None:
        others_S = np.array([_number(path, row[others_at], line) for line, row in enumerate(rows, 2)])
    contradicted = 0
    if label_at is not None:
        labels = [_label(path, row[label_at]) for row in rows]
        contradicted = sum(
            label != (virus > others) for label, virus, others in zip(labels, virus_S, others_S, strict=True)
        )
    return Predictions(
        path=path,
        ids=tuple(printable(row[id_at]) for row in rows),
        scores_S2=np.stack([others_S, virus_S], axis=1),
        contradicted=contradicted,
    )


def read_truth(path: Path) -> dict[str, bool]:
    """Return id -> is virus of a table of labels.

    Raises InputError: as read_predictions, and for an id with two labels.
    """
    header, rows = _table(path)
    id_at, label_at = (_found(header, known) for known in (_ID, _LABEL))
    if id_at is None or label_at is None:
        told = ", ".join(map(repr, map(printable, header)))
        raise InputError(f"{path}: its first line must name the columns id and label, and is {told}")
    found: dict[str, bool] = {}
    for row in rows:
        name, label = printable(row[id_at]), _label(path, row[label_at])
        if found.setdefault(name, label) != label:
            raise InputError(f"{path}: {name!r} has two labels; give each id once")
    return found


def chunk_of(name: str) -> str:
    """Return the chunk of a frame: the id without the frame's name (F1 to R3)."""
    return _FRAME.sub("", name)


def contig_of(name: str) -> str:
    """Return the contig of a frame or chunk, as VirNucPro names both."""
    return _CHUNK.sub("", chunk_of(name)) if _CHUNK.search(name) else name


def known_of(ids: Iterable[str], table: Mapping[str, Known]) -> list[Known | None]:
    """Return what `table` has for every id, or for its chunk or contig; None where it has none of them."""
    return [next((table[one] for one in (name, chunk_of(name), contig_of(name)) if one in table), None) for name in ids]


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    first = text.partition("\n")[0]
    rows = [row for row in csv.reader(text.splitlines(), delimiter="\t" if "\t" in first else ",") if row]
    if len(rows) < 2:
        raise InputError(f"{path} has no predictions: a line of column names and a row per sequence are needed")
    short = next((line for line, row in enumerate(rows, 1) if len(row) != len(rows[0])), None)
    if short is not None:
        raise InputError(f"{path}: line {short} has {len(rows[short - 1])} columns, the first has {len(rows[0])}")
    return rows[0], rows[1:]


def _found(header: Sequence[str], known: Sequence[str]) -> int | None:
    lower = [name.strip().lower() for name in header]
    return next((lower.index(name) for name in known if name in lower), None)


def _column(path: Path, header: Sequence[str], asked: str, known: Sequence[str], what: str) -> int:
    at = (header.index(asked) if asked in header else None) if asked else _found(header, known)
    if at is None:
        told = ", ".join(map(repr, map(printable, header)))
        raise InputError(f"{path} has no column {asked or what!r}, only {told}; name it with --{what}-column")
    return at


def _number(path: Path, text: str, line: int) -> float:
    try:
        return float(text) if text.strip() else math.nan
    except ValueError as error:
        raise InputError(f"{path}: line {line}: {printable(text)!r} is no score") from error


def _label(path: Path, text: str) -> bool:
    word = text.strip().lower()
    if word not in _POSITIVE | _NEGATIVE:
        raise InputError(f"{path}: {printable(text)!r} is no label; use virus and others, 1 and 0, true and false")
    return word in _POSITIVE
