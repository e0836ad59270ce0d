"""All measures of a finished run: M1 to M6, S1, S2, S5 and S6, per stratum and over all, from stored embeddings.

The measures themselves are in core.compare; here they get the ids and names that the run document promises. While a
run is going on, core.tally uses the same functions block by block.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vp_tui.core.compare import statistics as sets
from vp_tui.core.compare import summary
from vp_tui.core.compare.choice import finite_rows
from vp_tui.core.compare.dimensions import DimensionMeasures, dimension_measures, outlier_share, over_elements
from vp_tui.core.compare.elements import ElementMeasures, element_measures, element_numbers
from vp_tui.core.compare.neighbours import NeighbourMeasures, content_hash, neighbour_measures
from vp_tui.core.compare.pairs import SetMeasures, set_measures, sqnr_db
from vp_tui.core.compare.statistics import BetweenSequences, ReferenceStatistics
from vp_tui.core.compare.structure import StructureMeasures, structure_measures
from vp_tui.core.config import STRATA
from vp_tui.core.measured import Measured, Numbers

ALL: Final = "all"
SPREAD_CAP: Final = 1e9
"""M4: the spread where the median sequence has no error and the worst one has; no spread is larger."""
SAMPLE: Final = 2048
"""S1, S2: rows that are asked for their neighbours and correlated with each other; half as many in one stratum."""
WORST_DIMENSIONS: Final = 5
SET_MEASURES: Final = frozenset({"S1", "S2", "S5", "S6"})
SMALLEST_SET: Final = 12
"""Rows below which there is no set: ten neighbours need eleven others, and a spread of a few is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The finite rows sorted by stratum, so that a stratum is a slice, and what is measured row by row."""

    x_SD: np.ndarray
    y_SD: np.ndarray
    stratum_S: np.ndarray
    index_S: np.ndarray
    hash_S: np.ndarray
    statistics: ReferenceStatistics
    pairs: SetMeasures
    elements: ElementMeasures
    outliers_x_S: np.ndarray
    outliers_y_S: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scope:
    """The rows of one scope, and what is measured over them as a set; index_S is theirs in what the caller gave."""

    index_S: np.ndarray
    broken: int
    """Rows that are not finite on either side: they have no cosine, so they are not above its limit."""
    pairs: SetMeasures
    elements: Numbers
    outliers_x: float | None
    outliers_y: float | None
    between_x: BetweenSequences
    between_y: BetweenSequences
    neighbours: NeighbourMeasures
    structure: StructureMeasures
    dimensions: DimensionMeasures


def after_run(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    stratum_S: np.ndarray,
    *,
    cosine_limit: float,
    hash_S: np.ndarray | None = None,
    statistics: ReferenceStatistics | None = None,
) -> Measured:
    """Measure a candidate y against a reference x, float32 [S, D], per stratum (0, 1, 2 of STRATA) and over all.

    `hash_S` (int64) is the content of each sequence, for finding duplicates. `statistics` are those of a baseline;
    by default they are made from x. They stand for the whole reference in every stratum. Rows that are not finite on
    both sides take part in nothing. A number that does not exist is None. Sequences in `details` are rows of x_SD.
    ValueError for shapes that do not fit and for other strata.
    """
    if x_SD.shape != y_SD.shape or x_SD.shape[:1] != stratum_S.shape:
        raise ValueError(f"shapes do not fit: {x_SD.shape}, {y_SD.shape}, {stratum_S.shape}")
    if not np.isin(stratum_S, np.arange(len(STRATA))).all():
        raise ValueError(f"a stratum is 0 to {len(STRATA) - 1}")
    rows = _measured_rows(x_SD, y_SD, stratum_S, hash_S, statistics)
    borders = np.searchsorted(rows.stratum_S, np.arange(len(STRATA) + 1)).tolist()
    parts = dict(zip(STRATA, map(slice, borders, borders[1:]), strict=True)) | {ALL: slice(0, len(rows.x_SD))}
    broken = _broken(rows, stratum_S)
    scopes = {
        name: _scope(rows, part, SAMPLE if name == ALL else SAMPLE // 2, broken[name]) for name, part in parts.items()
    }
    numbers = {name: _judgeable(_numbers(scope, cosine_limit), len(scope.index_S)) for name, scope in scopes.items()}
    values = {measure: {name: numbers[name][measure] for name in scopes} for measure in numbers[ALL]}
    return Measured(values=values, details=_details(rows, scopes))


def _measured_rows(
    x_SD: np.ndarray,
    y_SD: np.ndarray,
    stratum_S: np.ndarray,
    hash_S: np.ndarray | None,
    statistics: ReferenceStatistics | None,
) -> _Rows:
    index_S = np.flatnonzero(finite_rows(x_SD, y_SD))
    index_S = index_S[np.argsort(stratum_S[index_S], kind="stable")]
    x_SD, y_SD = x_SD[index_S], y_SD[index_S]
    statistics = sets.reference_statistics(x_SD) if statistics is None else statistics
    return _Rows(
        x_SD=x_SD,
        y_SD=y_SD,
        stratum_S=stratum_S[index_S],
        index_S=index_S,
        hash_S=content_hash(x_SD) if hash_S is None else hash_S[index_S],
        statistics=statistics,
        pairs=set_measures(x_SD, y_SD, statistics),
        elements=element_measures(x_SD, y_SD),
        outliers_x_S=outlier_share(x_SD, statistics),
        outliers_y_S=outlier_share(y_SD, statistics),
    )


def _broken(rows: _Rows, stratum_S: np.ndarray) -> dict[str, int]:
    """Rows of the caller's in each scope that are not measured."""
    lost_S = np.delete(stratum_S, rows.index_S)
    return {name: int((lost_S == index).sum()) for index, name in enumerate(STRATA)} | {ALL: len(lost_S)}


def _scope(rows: _Rows, part: slice, sample: int, broken: int) -> _Scope:
    x_SD, y_SD = rows.x_SD[part], rows.y_SD[part]
    return _Scope(
        index_S=rows.index_S[part],
        broken=broken,
        pairs=rows.pairs.of(part),
        elements=element_numbers(rows.elements, part),
        outliers_x=summary.mean(rows.outliers_x_S[part]),
        outliers_y=summary.mean(rows.outliers_y_S[part]),
        between_x=sets.between_sequences(x_SD),
        between_y=sets.between_sequences(y_SD),
        neighbours=neighbour_measures(x_SD, y_SD, rows.statistics, rows.hash_S[part], max_queries=sample),
        structure=structure_measures(x_SD, y_SD, rows.statistics, max_rows=sample),
        dimensions=dimension_measures(x_SD, y_SD, rows.statistics),
    )


def _numbers(scope: _Scope, cosine_limit: float) -> Mapping[str, Numbers]:
    pairs, between, structure = scope.pairs, scope.between_x.cosine, scope.structure
    below = summary.count_at_or_below(pairs.cosine_S, cosine_limit) + scope.broken
    num = len(scope.index_S) + scope.broken
    return {
        "M1": {
            **_lowest_first(pairs.cosine_S),
            "below": float(below) if num else None,
            "between_cosine": between,
            "needed_centred_cosine": sets.needed_centred_cosine(between, cosine_limit),
            "failure_bound": summary.failure_bound(below, num),
        },
        "M2": _lowest_first(pairs.centred_cosine_S),
        "M3": _lowest_first(pairs.standardized_cosine_S),
        "M4": _errors(pairs),
        "M5": {
            "norm_ratio_worst": summary.farthest_from_one(pairs.norm_ratio_S),
            "scale_worst": summary.farthest_from_one(pairs.scale_S),
        },
        "M6": scope.elements,
        "S1": {"overlap": scope.neighbours.overlap, "nearest": scope.neighbours.nearest},
        "S2": {
            "cka": structure.cka,
            "cka_debiased": structure.cka_debiased,
            "rdm_spearman": structure.rdm_spearman,
        },
        "S5": {**_distributions(scope.dimensions), "energy_distance": structure.energy_distance},
        "S6": _outliers(scope),
    }


def _judgeable(numbers: Mapping[str, Numbers], num: int) -> Mapping[str, Numbers]:
    """Without the measures of a set where there is none; what only describes an arm stays."""
    if num >= SMALLEST_SET:
        return numbers
    return {
        measure: found
        if measure not in SET_MEASURES
        else {name: value if name.endswith(("_reference", "_candidate")) else None for name, value in found.items()}
        for measure, found in numbers.items()
    }


def _lowest_first(cosine_S: np.ndarray) -> Numbers:
    return {
        "min": summary.lowest(cosine_S),
        "p01": summary.percentile(cosine_S, 1),
        "mean": summary.mean(cosine_S),
    }


def _errors(pairs: SetMeasures) -> Numbers:
    median, worst = summary.percentile(pairs.relative_l2_S, 50), summary.highest(pairs.relative_l2_S)
    sqnr_S = sqnr_db(pairs.relative_l2_S)
    return {
        "relative_l2_p50": median,
        "relative_l2_p99": summary.percentile(pairs.relative_l2_S, 99),
        "relative_l2_max": worst,
        "spread": _spread(median, worst),
        "centred_l2_p99": summary.percentile(pairs.centred_l2_S, 99),
        "sqnr_p01_db": summary.percentile(sqnr_S, 1),
        "sqnr_p50_db": summary.percentile(sqnr_S, 50),
    }


def _spread(median: float | None, worst: float | None) -> float | None:
    if not worst or median is None:
        return None
    return min(worst / median, SPREAD_CAP) if median > 0 else SPREAD_CAP


def _distributions(found: DimensionMeasures) -> Numbers:
    mean_x, std_x = over_elements(found.mean_x_D, found.std_x_D)
    mean_y, std_y = over_elements(found.mean_y_D, found.std_y_D)
    return {
        "mean_shift_max": summary.highest(found.shift_D),
        "std_ratio_min": summary.lowest(found.std_ratio_D),
        "std_ratio_max": summary.highest(found.std_ratio_D),
        "ks_max": summary.highest(found.ks_D),
        "wasserstein_max": summary.highest(found.wasserstein_D),
        "mean_reference": mean_x,
        "std_reference": std_x,
        "mean_candidate": mean_y,
        "std_candidate": std_y,
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


def _details(rows: _Rows, scopes: Mapping[str, _Scope]) -> dict[str, Any]:
    whole = scopes[ALL]
    dominant = sets.dominant_dimension(rows.x_SD)
    worst = {name: _worst(scope) for name, scope in scopes.items()}
    return {
        "dominant_dimension": None if dominant is None else _named_share(*dominant),
        "rogue_dimensions": {
            arm: [_named_share(*found) for found in sets.rogue_dimensions(between)]
            for arm, between in (("reference", whole.between_x), ("candidate", whole.between_y))
        },
        "worst": {measure: {name: worst[name][measure] for name in scopes} for measure in worst[ALL]},
        "neighbours": {
            "queries": whole.neighbours.num_queries,
            "gallery": whole.neighbours.num_gallery,
            "duplicates_removed": whole.neighbours.num_duplicates,
        },
        "worst_dimensions": _worst_dimensions(whole.dimensions),
    }


def _named_share(index: int, share: float) -> dict[str, Any]:
    return {"index": index, "share": share}


def _worst(scope: _Scope) -> dict[str, int | None]:
    """Measure -> row of the caller's that is worst by it."""
    pairs = scope.pairs
    found = {
        "M1": summary.index_lowest(pairs.cosine_S),
        "M2": summary.index_lowest(pairs.centred_cosine_S),
        "M3": summary.index_lowest(pairs.standardized_cosine_S),
        "M4": summary.index_lowest(-pairs.relative_l2_S),
        "M5": summary.index_farthest_from_one(pairs.norm_ratio_S),
    }
    return {measure: None if row is None else int(scope.index_S[row]) for measure, row in found.items()}


def _worst_dimensions(found: DimensionMeasures) -> list[dict[str, Any]]:
    """The dimensions whose mean moved most, at most five; ks is None below 100 rows."""
    if np.isnan(found.shift_D).any():
        return []
    return [
        {
            "index": int(d),
            "shift": float(found.shift_D[d]),
            "std_ratio": float(found.std_ratio_D[d]),
            "ks": None if np.isnan(found.ks_D[d]) else float(found.ks_D[d]),
        }
        for d in np.argsort(-found.shift_D, kind="stable")[:WORST_DIMENSIONS]
    ]
