"""The measures of a scope (a stratum, or all sequences) by the ids and names of the run document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.measurements import Numbers
from vp_tui.core.measures import dimensions, named, rows, summary
from vp_tui.core.measures import statistics as sets
from vp_tui.core.measures.consequences import Consequences
from vp_tui.core.measures.dimensions import DimensionMeasures
from vp_tui.core.measures.neighbours import NeighbourMeasures
from vp_tui.core.measures.pairs import SetMeasures
from vp_tui.core.measures.statistics import BetweenSequences
from vp_tui.core.measures.structure import StructureMeasures

ALL: Final = "all"
SCOPES: Final = (ALL, *STRATA)
"""The largest first, because they are measured in parallel."""
SET_MEASURES: Final = frozenset({"S1", "S2", "S5", "S6", "S7", "S8", "S9", "S10"})
SMALLEST_SET: Final = 12
"""Fewer rows have no set measures: ten neighbours need eleven other rows, and the spread of a few is chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfScope:
    """Measures of the rows of one scope, one by one and by dimension."""

    index_S: np.ndarray
    """Their indices in the caller's arrays."""
    broken: int
    """Rows that are not finite on either side: they have no cosine and count as below its limit."""
    pairs: SetMeasures
    elements: Numbers
    outliers_x: float | None
    outliers_y: float | None
    between_x: BetweenSequences
    between_y: BetweenSequences
    dimensions: DimensionMeasures


@dataclass(frozen=True, slots=True, kw_only=True)
class PairsOfScope:
    """Measures over the pairs of sequences of one scope."""

    neighbours: NeighbourMeasures
    structure: StructureMeasures
    consequences: Consequences


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """All measures of one scope."""

    rows: RowsOfScope
    over_pairs: PairsOfScope

    @property
    def num_distinct(self) -> int:
        """Return the number of sequences without copies."""
        return len(self.rows.index_S) - self.over_pairs.neighbours.num_duplicates


def numbers_of(scope: Scope, cosine_limit: float) -> Mapping[str, Numbers]:
    by_row, neighbours, structure = scope.rows, scope.over_pairs.neighbours, scope.over_pairs.structure
    pairs, between = by_row.pairs, by_row.between_x.cosine
    below = summary.count_at_or_below(pairs.cosine_S, cosine_limit) + by_row.broken
    num = len(by_row.index_S) + by_row.broken
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
        "M6": by_row.elements,
        "S1": {"overlap": neighbours.overlap, "nearest": neighbours.nearest},
        "S2": {
            "cka": structure.cka,
            "cka_debiased": structure.cka_debiased,
            "rdm_spearman": structure.rdm_spearman,
        },
        "S5": {**named.distributions(by_row.dimensions), "energy_distance": structure.energy_distance},
        "S6": _outliers(by_row),
        **named.consequences(scope.over_pairs.consequences),
    }


def judgeable(numbers: Mapping[str, Numbers], num: int) -> Mapping[str, Numbers]:
    """Drop the set measures where there are too few rows (`num`, without copies).

    Numbers that describe a single arm stay.
    """
    if num >= SMALLEST_SET:
        return numbers
    return {
        measure: found
        if measure not in SET_MEASURES
        else {name: value if name.endswith(("_reference", "_candidate")) else None for name, value in found.items()}
        for measure, found in numbers.items()
    }


def _outliers(scope: RowsOfScope) -> Numbers:
    x, y = scope.outliers_x, scope.outliers_y
    comparable = scope.between_x.cosine is not None
    return {
        "outlier_share_reference": x,
        "outlier_share_candidate": y,
        "outlier_share_change": None if x is None or y is None else abs(y - x),
        "rogue_differences": float(sets.rogue_differences(scope.between_x, scope.between_y)) if comparable else None,
    }


def details_of(scopes: Mapping[str, Scope], dominant: tuple[int, float] | None) -> dict[str, Any]:
    whole = scopes[ALL]
    worst = {name: _worst(scope) for name, scope in scopes.items()}
    return {
        "dominant_dimension": None if dominant is None else _named_share(*dominant),
        "rogue_dimensions": {
            arm: [_named_share(*found) for found in sets.rogue_dimensions(between)]
            for arm, between in (("reference", whole.rows.between_x), ("candidate", whole.rows.between_y))
        },
        "worst": {measure: {name: worst[name][measure] for name in scopes} for measure in worst[ALL]},
        "sampled": {
            "distributions": min(len(whole.rows.index_S), dimensions.MAX_ROWS),
            "ulps": min(len(whole.rows.index_S), rows.ULP_ROWS),
        },
        "neighbours": {
            "queries": whole.over_pairs.neighbours.num_queries,
            "gallery": whole.over_pairs.neighbours.num_gallery,
            "duplicates_removed": whole.over_pairs.neighbours.num_duplicates,
        },
        "worst_dimensions": dimensions.worst_dimensions(whole.rows.dimensions),
    }


def _named_share(index: int, share: float) -> dict[str, Any]:
    return {"index": index, "share": share}


def _worst(scope: Scope) -> dict[str, int | None]:
    """Measure -> the caller's index of its worst row."""
    pairs = scope.rows.pairs
    found = {
        "M1": summary.index_lowest(pairs.cosine_S),
        "M2": summary.index_lowest(pairs.centred_cosine_S),
        "M3": summary.index_lowest(pairs.standardized_cosine_S),
        "M4": summary.index_lowest(-pairs.relative_l2_S),
        "M5": summary.index_farthest_from_one(pairs.norm_ratio_S),
    }
    rows_of_caller = {measure: None if row is None else int(scope.rows.index_S[row]) for measure, row in found.items()}
    return rows_of_caller | {"S7": scope.over_pairs.consequences.first_miss}
