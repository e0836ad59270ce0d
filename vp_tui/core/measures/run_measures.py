"""All measures of a finished run: M1 to M6 and S1 to S10, per stratum and over all, from stored embeddings.

This module gives the measures the ids and names of the run document. During a run,
workers.validate.tally calls the same functions block by block.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.measurements import Measured
from vp_tui.core.measures import dimensions, rows, summary
from vp_tui.core.measures import statistics as sets
from vp_tui.core.measures.arrays import BY_NUMPY, Array, Arrays
from vp_tui.core.measures.consequences import consequence_measures
from vp_tui.core.measures.dimensions import dimension_measures
from vp_tui.core.measures.elements import element_numbers
from vp_tui.core.measures.neighbours import content_hash, first_of_each, neighbour_measures
from vp_tui.core.measures.rows import RowMeasures
from vp_tui.core.measures.scopes import (
    ALL,
    SCOPES,
    PairsOfScope,
    RowsOfScope,
    Scope,
    details_of,
    judgeable,
    numbers_of,
)
from vp_tui.core.measures.selection import finite_rows, on_all_cores, require_fitting
from vp_tui.core.measures.statistics import ReferenceStatistics, Sums
from vp_tui.core.measures.structure import structure_measures

SAMPLE: Final = 2048
"""S1, S2: number of query rows, and of rows correlated with each other; half as many in one stratum."""
NO_STRATUM: Final = -1
"""Stratum of sequences whose length is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Arms:
    """Both arms, and everything that is computed once for all scopes."""

    x_SD: np.ndarray
    y_SD: np.ndarray
    index_S: np.ndarray
    """The finite rows of both, sorted by stratum, so that a stratum is a slice of them."""
    parts: Mapping[str, slice]
    """Scope -> its part of index_S."""
    broken: Mapping[str, int]
    """Scope -> number of rows that are not finite."""
    hash_S: np.ndarray
    """Content hash of the rows of index_S."""
    x: Mapping[str, Sums]
    """Scope -> sums of the reference."""
    y: Mapping[str, Sums]
    statistics: ReferenceStatistics
    arrays: Arrays


def after_run(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    stratum_S: np.ndarray,
    *,
    cosine_limit: float,
    hash_S: np.ndarray | None = None,
    statistics: ReferenceStatistics | None = None,
    arrays: Arrays = BY_NUMPY,
) -> Measured:
    """Measure a candidate y against a reference x, float32 [S, D], per stratum (0, 1, 2 of STRATA) and over all.

    Where every stratum is NO_STRATUM there are measures over all only.

    `hash_S` (int64) is the content of each sequence, for finding duplicates. `statistics` are those of a baseline; by
    default they are computed from x. They describe the whole reference, also in a stratum. `arrays` computes the
    measures over pairs of sequences. Rows that are not finite on both sides are left out. A number that does not exist
    is None. Sequences in `details` are rows of x_SD. Both sets are read in chunks, so they may be memory-mapped files.
    Raises ValueError for shapes that do not match and for unknown strata.
    """
    if len(stratum_S) and (stratum_S == NO_STRATUM).all():
        found = _in_strata(x_SD, y_SD, np.zeros_like(stratum_S), hash_S, statistics, arrays)
        return _over_all(_measured(found, cosine_limit))
    return _measured(_in_strata(x_SD, y_SD, stratum_S, hash_S, statistics, arrays), cosine_limit)


def _in_strata(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    stratum_S: np.ndarray,
    hash_S: np.ndarray | None,
    statistics: ReferenceStatistics | None,
    arrays: Arrays,
) -> _Arms:
    """Both arms with their finite rows sorted by stratum, and everything that is computed once."""
    require_fitting(x_SD, y_SD, stratum_S, num_strata=len(STRATA))
    index_S = np.flatnonzero(finite_rows(x_SD, y_SD))
    index_S = index_S[np.argsort(stratum_S[index_S], kind="stable")]
    borders = np.searchsorted(stratum_S[index_S], np.arange(len(STRATA) + 1)).tolist()
    parts = dict(zip(STRATA, map(slice, borders, borders[1:]), strict=True)) | {ALL: slice(0, len(index_S))}
    x, y = (_sums(arm_SD, index_S, parts) for arm_SD in (x_SD, y_SD))
    statistics = x[ALL].statistics if statistics is None else statistics
    return _Arms(
        x_SD=x_SD,
        y_SD=y_SD,
        index_S=index_S,
        parts=parts,
        broken=_broken(index_S, stratum_S),
        hash_S=content_hash(x_SD, index_S) if hash_S is None else hash_S[index_S],
        x=x,
        y=y,
        statistics=statistics,
        arrays=arrays,
    )


def _over_all(measured: Measured) -> Measured:
    """Drop what was measured in strata."""
    values = {measure: {ALL: scopes[ALL]} for measure, scopes in measured.values.items()}
    worst = {measure: {ALL: scopes[ALL]} for measure, scopes in measured.details["worst"].items()}
    return Measured(values=values, details={**measured.details, "worst": worst})


def _sums(x_SD: np.ndarray, index_S: np.ndarray, parts: Mapping[str, slice]) -> dict[str, Sums]:
    found: dict[str, Sums] = {name: rows.sums_of_rows(x_SD, index_S[parts[name]]) for name in STRATA}
    return found | {ALL: sets.added(found.values(), x_SD.shape[1])}


def _broken(index_S: np.ndarray, stratum_S: np.ndarray) -> dict[str, int]:
    lost_S = np.delete(stratum_S, index_S)
    return {name: int((lost_S == index).sum()) for index, name in enumerate(STRATA)} | {ALL: len(lost_S)}


def _measured(arms: _Arms, cosine_limit: float) -> Measured:
    scopes = _scopes(arms)
    numbers = {name: judgeable(numbers_of(one, cosine_limit), one.num_distinct) for name, one in scopes.items()}
    values = {measure: {name: numbers[name][measure] for name in scopes} for measure in numbers[ALL]}
    return Measured(values=values, details=details_of(scopes, arms.x[ALL].dominant_dimension))


def _scopes(arms: _Arms) -> dict[str, Scope]:
    """All scopes; what a device measures is done while other threads measure what is left to the host."""
    groups = [SCOPES] if arms.arrays.by_one_thread else [(name,) for name in SCOPES]
    over_pairs: dict[str, PairsOfScope] = {}
    by_row: dict[str, RowsOfScope] = {}
    works = [lambda group=group: over_pairs.update(_over_pairs(arms, group)) for group in groups]
    on_all_cores(lambda work: work(), [*works, lambda: by_row.update(_by_row(arms))])
    return {name: Scope(rows=by_row[name], over_pairs=over_pairs[name]) for name in SCOPES}


def _over_pairs(arms: _Arms, names: Iterable[str]) -> dict[str, PairsOfScope]:
    arrays = arms.arrays
    with arrays.here():
        held = arrays.hold(arms.x_SD), arrays.hold(arms.y_SD)
        return {name: _pairs_of(arms, *held, name) for name in names}


def _by_row(arms: _Arms) -> dict[str, RowsOfScope]:
    measures = rows.row_measures(arms.x_SD, arms.y_SD, arms.index_S, arms.statistics)
    return dict(zip(SCOPES, on_all_cores(partial(_rows_of, arms, measures), SCOPES), strict=True))


def _pairs_of(arms: _Arms, x_SD: Array, y_SD: Array, name: str) -> PairsOfScope:
    part, statistics, arrays = arms.parts[name], arms.statistics, arms.arrays
    index_S, hash_S, sample = arms.index_S[part], arms.hash_S[part], SAMPLE if name == ALL else SAMPLE // 2
    distinct_S = index_S[first_of_each(hash_S)]
    return PairsOfScope(
        neighbours=neighbour_measures(
            x_SD, y_SD, statistics, hash_S, rows_S=index_S, max_queries=sample, arrays=arrays
        ),
        structure=structure_measures(x_SD, y_SD, statistics, rows_S=index_S, max_rows=sample, arrays=arrays),
        consequences=consequence_measures(x_SD, y_SD, statistics, rows_S=distinct_S, arrays=arrays),
    )


def _rows_of(arms: _Arms, all_measures: RowMeasures, name: str) -> RowsOfScope:
    part, both = arms.parts[name], (arms.x_SD, arms.y_SD)
    index_S, measures = arms.index_S[part], all_measures.of(part)
    few_SDs = [rows.gathered(arm_SD, index_S, dimensions.MAX_ROWS) for arm_SD in both]
    return RowsOfScope(
        index_S=index_S,
        broken=arms.broken[name],
        pairs=measures.pairs,
        elements=element_numbers(measures.elements, rows.some_ulps(*both, index_S)),
        outliers_x=summary.mean(measures.outliers_x_S),
        outliers_y=summary.mean(measures.outliers_y_S),
        between_x=arms.x[name].between,
        between_y=arms.y[name].between,
        dimensions=dimension_measures(arms.x[name], arms.y[name], *few_SDs, statistics=arms.statistics),
    )
