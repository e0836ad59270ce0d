"""All measures of a finished run: M1 to M6 and S1 to S10, per stratum and over all, from stored embeddings.

This module gives the measures the ids and names of the run document. During a run,
workers.validate.tally calls the same functions block by block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.measures import dimensions, named, rows, summary
from vp_tui.core.measures import statistics as sets
from vp_tui.core.measures.arrays import BY_NUMPY, Array, Arrays
from vp_tui.core.measures.consequences import Consequences, consequence_measures
from vp_tui.core.measures.dimensions import DimensionMeasures, dimension_measures
from vp_tui.core.measures.elements import element_numbers
from vp_tui.core.measures.neighbours import NeighbourMeasures, content_hash, first_of_each, neighbour_measures
from vp_tui.core.measures.pairs import SetMeasures
from vp_tui.core.measures.rows import RowMeasures
from vp_tui.core.measures.selection import finite_rows, on_all_cores, require_fitting
from vp_tui.core.measures.statistics import BetweenSequences, ReferenceStatistics, Sums
from vp_tui.core.measures.structure import StructureMeasures, structure_measures

ALL: Final = "all"
SCOPES: Final = (ALL, *STRATA)
"""The largest first, because they are measured in parallel."""
SAMPLE: Final = 2048
"""S1, S2: number of query rows, and of rows correlated with each other; half as many in one stratum."""
SET_MEASURES: Final = frozenset({"S1", "S2", "S5", "S6", "S7", "S8", "S9", "S10"})
NO_STRATUM: Final = -1
"""Stratum of sequences whose length is not known."""
SMALLEST_SET: Final = 12
"""Fewer rows have no set measures: ten neighbours need eleven other rows, and the spread of a few is chance."""


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
    measures: RowMeasures
    """Measures of the rows of index_S."""
    arrays: Arrays
    held: tuple[Array, Array]
    """x_SD and y_SD for the measures over pairs of sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """Measures of the rows of one scope as a set; index_S are their indices in the caller's arrays."""

    index_S: np.ndarray
    broken: int
    """Rows that are not finite on either side: they have no cosine and count as below its limit."""
    pairs: SetMeasures
    elements: Numbers
    outliers_x: float | None
    outliers_y: float | None
    between_x: BetweenSequences
    between_y: BetweenSequences
    neighbours: NeighbourMeasures
    structure: StructureMeasures
    dimensions: DimensionMeasures
    consequences: Consequences


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
    with arrays.here():
        held = arrays.hold(x_SD), arrays.hold(y_SD)
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
        measures=rows.row_measures(x_SD, y_SD, index_S, statistics),
        arrays=arrays,
        held=held,
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
    scopes = dict(zip(SCOPES, on_all_cores(partial(_scope, arms), SCOPES), strict=True))
    numbers = {name: _judgeable(_numbers(scope, cosine_limit), len(scope.index_S)) for name, scope in scopes.items()}
    values = {measure: {name: numbers[name][measure] for name in scopes} for measure in numbers[ALL]}
    return Measured(values=values, details=_details(arms, scopes))


def _scope(arms: _Arms, name: str) -> _Scope:
    part, both = arms.parts[name], (arms.x_SD, arms.y_SD)
    index_S, hash_S, measures = arms.index_S[part], arms.hash_S[part], arms.measures.of(part)
    few_SDs = [rows.gathered(arm_SD, index_S, dimensions.MAX_ROWS) for arm_SD in both]
    arrays, statistics, sample = arms.arrays, arms.statistics, SAMPLE if name == ALL else SAMPLE // 2
    with arrays.here():
        neighbours = neighbour_measures(
            *arms.held, statistics, hash_S, rows_S=index_S, max_queries=sample, arrays=arrays
        )
        structure = structure_measures(*arms.held, statistics, rows_S=index_S, max_rows=sample, arrays=arrays)
        distinct_S = index_S[first_of_each(hash_S)]
        consequences = consequence_measures(*arms.held, statistics, rows_S=distinct_S, arrays=arrays)
    return _Scope(
        index_S=index_S,
        broken=arms.broken[name],
        pairs=measures.pairs,
        elements=element_numbers(measures.elements, rows.some_ulps(*both, index_S)),
        outliers_x=summary.mean(measures.outliers_x_S),
        outliers_y=summary.mean(measures.outliers_y_S),
        between_x=arms.x[name].between,
        between_y=arms.y[name].between,
        dimensions=dimension_measures(arms.x[name], arms.y[name], *few_SDs, statistics=statistics),
        neighbours=neighbours,
        structure=structure,
        consequences=consequences,
    )


def _numbers(scope: _Scope, cosine_limit: float) -> Mapping[str, Numbers]:
    pairs, between, structure = scope.pairs, scope.between_x.cosine, scope.structure
    below = summary.count_at_or_below(pairs.cosine_S, cosine_limit) + scope.broken
    num = len(scope.index_S) + scope.broken
    return {
        "M1": {
            **named.lowest_first(pairs.cosine_S),
            "below": float(below) if num else None,
            "between_cosine": between,
            "needed_centred_cosine": sets.needed_centred_cosine(between, cosine_limit),
            "failure_bound": summary.failure_bound(below, num),
        },
        "M2": named.lowest_first(pairs.centred_cosine_S),
        "M3": named.lowest_first(pairs.standardized_cosine_S),
        "M4": named.errors(pairs),
        "M5": named.scales(pairs),
        "M6": scope.elements,
        "S1": {"overlap": scope.neighbours.overlap, "nearest": scope.neighbours.nearest},
        "S2": {
            "cka": structure.cka,
            "cka_debiased": structure.cka_debiased,
            "rdm_spearman": structure.rdm_spearman,
        },
        "S5": {**named.distributions(scope.dimensions), "energy_distance": structure.energy_distance},
        "S6": _outliers(scope),
        **named.consequences(scope.consequences),
    }


def _judgeable(numbers: Mapping[str, Numbers], num: int) -> Mapping[str, Numbers]:
    """Drop the set measures where there are too few rows; numbers that describe a single arm stay."""
    if num >= SMALLEST_SET:
        return numbers
    return {
        measure: found
        if measure not in SET_MEASURES
        else {name: value if name.endswith(("_reference", "_candidate")) else None for name, value in found.items()}
        for measure, found in numbers.items()
    }


def _outliers(scope: _Scope) -> Numbers:
    x, y = scope.outliers_x, scope.outliers_y
    comparable = scope.between_x.cosine is not None
    return {
        "outlier_share_reference": x,
        "outlier_share_candidate": y,
        "outlier_share_change": None if x is None or y is None else abs(y - x),
        "rogue_differences": float(sets.rogue_differences(scope.between_x, scope.between_y)) if comparable else None,
    }


def _details(arms: _Arms, scopes: Mapping[str, _Scope]) -> dict[str, Any]:
    whole, dominant = scopes[ALL], arms.x[ALL].dominant_dimension
    worst = {name: _worst(scope) for name, scope in scopes.items()}
    return {
        "dominant_dimension": None if dominant is None else _named_share(*dominant),
        "rogue_dimensions": {
            arm: [_named_share(*found) for found in sets.rogue_dimensions(between)]
            for arm, between in (("reference", whole.between_x), ("candidate", whole.between_y))
        },
        "worst": {measure: {name: worst[name][measure] for name in scopes} for measure in worst[ALL]},
        "sampled": {
            "distributions": min(len(whole.index_S), dimensions.MAX_ROWS),
            "ulps": min(len(whole.index_S), rows.ULP_ROWS),
        },
        "neighbours": {
            "queries": whole.neighbours.num_queries,
            "gallery": whole.neighbours.num_gallery,
            "duplicates_removed": whole.neighbours.num_duplicates,
        },
        "worst_dimensions": dimensions.worst_dimensions(whole.dimensions),
    }


def _named_share(index: int, share: float) -> dict[str, Any]:
    return {"index": index, "share": share}


def _worst(scope: _Scope) -> dict[str, int | None]:
    """Measure -> the caller's index of its worst row."""
    pairs = scope.pairs
    found = {
        "M1": summary.index_lowest(pairs.cosine_S),
        "M2": summary.index_lowest(pairs.centred_cosine_S),
        "M3": summary.index_lowest(pairs.standardized_cosine_S),
        "M4": summary.index_lowest(-pairs.relative_l2_S),
        "M5": summary.index_farthest_from_one(pairs.norm_ratio_S),
    }
    rows_of_caller = {measure: None if row is None else int(scope.index_S[row]) for measure, row in found.items()}
    return rows_of_caller | {"S7": scope.consequences.first_miss}
