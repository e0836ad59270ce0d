"""Paired sequences of two runs, and metrics of several runs: the input of a comparison."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, select

from vp_tui.core.errors import RunNotFoundError
from vp_tui.core.store import tables

_NUMBERS = ("cosine", "relative_l2", "norm_ratio")
_COLUMNS = ("seq_hash", "sequence_id", "stratum", "num_tokens", *_NUMBERS, "nan_count", "inf_count")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSequences:
    """Results of one run for the paired sequences, float64 [S]; NaN for a missing number."""

    cosine_S: np.ndarray
    relative_l2_S: np.ndarray
    norm_ratio_S: np.ndarray
    nonfinite_S: np.ndarray
    """NaN and Inf among the candidate's token outputs, int64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Sequences that two runs share, in the order of the first run; all arrays [S]."""

    sequence_ids: tuple[str, ...]
    """Ids in the first run."""
    strata: tuple[str, ...]
    num_tokens_S: np.ndarray
    a: RunSequences
    b: RunSequences
    only_a: int
    """Sequences of the first run without a partner."""
    only_b: int

    def __len__(self) -> int:
        return len(self.sequence_ids)


Metrics = Mapping[tuple[str, str], float | None]
"""(name, scope) -> value of a run; None if not finite."""


def paired(connection: Connection, run_a: int, run_b: int) -> Pairs:
    """Pair the sequences of two runs by content hash; the n-th of equal sequences with the n-th.

    Both runs are read by primary key in one statement and paired in memory: a join would multiply duplicates.
    """
    table = tables.sequence_result
    columns = (table.c.run_id, *(table.c[name] for name in _COLUMNS))
    rows = connection.execute(select(*columns).where(table.c.run_id.in_({run_a, run_b}))).all()
    found: dict[str, Sequence[Any]] = dict.fromkeys(("run_id", *_COLUMNS), ())
    if rows:
        found = dict(zip(found, zip(*rows, strict=True), strict=True))
    run_S = np.array(found["run_id"], np.int64)
    members = [np.flatnonzero(run_S == run_id) for run_id in (run_a, run_b)]
    a_S, b_S = _matched(np.array(found["seq_hash"], np.int64), *members)
    return Pairs(
        sequence_ids=tuple(found["sequence_id"][i] for i in a_S),
        strata=tuple(found["stratum"][i] for i in a_S),
        num_tokens_S=np.array(found["num_tokens"], np.int64)[a_S],
        a=_run_sequences(found, a_S),
        b=_run_sequences(found, b_S),
        only_a=len(members[0]) - len(a_S),
        only_b=len(members[1]) - len(a_S),
    )


def _matched(key_S: np.ndarray, a_S: np.ndarray, b_S: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows of a that have a partner, in order, and their partners in b; a_S and b_S index key_S."""
    _, code_S = np.unique(key_S, return_inverse=True)
    # One integer for a key and its occurrence number, which is below the number of rows.
    numbers_a, numbers_b = (code_S[rows_S] * len(key_S) + _occurrence(code_S[rows_S]) for rows_S in (a_S, b_S))
    _, in_a, in_b = np.intersect1d(numbers_a, numbers_b, assume_unique=True, return_indices=True)
    order = np.argsort(in_a)
    return a_S[in_a[order]], b_S[in_b[order]]


def _occurrence(code_S: np.ndarray) -> np.ndarray:
    """Return the number of earlier occurrences of each code, int64 [S]."""
    order = np.argsort(code_S, kind="stable")
    ordered = code_S[order]
    nth_S = np.empty(len(code_S), np.int64)
    nth_S[order] = np.arange(len(code_S)) - np.searchsorted(ordered, ordered, side="left")
    return nth_S


def _run_sequences(found: Mapping[str, Sequence[Any]], rows_S: np.ndarray) -> RunSequences:
    numbers = {f"{name}_S": np.array(found[name], np.float64)[rows_S] for name in _NUMBERS}
    broken_S = np.array(found["nan_count"], np.int64) + np.array(found["inf_count"], np.int64)
    return RunSequences(nonfinite_S=broken_S[rows_S], **numbers)


def metrics(connection: Connection, run_ids: Sequence[int]) -> dict[int, Metrics]:
    """Return the metrics of several runs by run id, read in one statement.

    Raises:
        RunNotFoundError: a run does not exist.
    """
    run, metric = tables.run, tables.metric
    statement = (
        select(run.c.id, metric.c.name, metric.c.scope, metric.c.value)
        .join_from(run, metric, metric.c.run_id == run.c.id, isouter=True)
        .where(run.c.id.in_(run_ids))
    )
    found: dict[int, dict[tuple[str, str], float | None]] = {}
    for row in connection.execute(statement).all():
        values = found.setdefault(row.id, {})
        if row.name is not None:
            values[row.name, row.scope] = row.value
    missing = sorted(set(run_ids) - found.keys())
    if missing:
        raise RunNotFoundError(f"no run {missing[0]}; `vp-tui runs` lists them")
    return dict(found)
