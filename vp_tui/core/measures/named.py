"""Names of the numbers in the run document, by measure."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from vp_tui.core.measurements import Numbers
from vp_tui.core.measures import summary
from vp_tui.core.measures.consequences import Consequences
from vp_tui.core.measures.dimensions import DimensionMeasures, over_elements
from vp_tui.core.measures.pairs import SetMeasures, sqnr_db

SPREAD_CAP: Final = 1e9
"""M4: upper bound of the spread, also used where only the worst sequence has an error."""


def lowest_first(cosine_S: np.ndarray) -> Numbers:
    """Return min, p01 and mean of cosines."""
    return {
        "min": summary.lowest(cosine_S),
        "p01": summary.percentile(cosine_S, 1),
        "mean": summary.mean(cosine_S),
    }


def errors(pairs: SetMeasures) -> Numbers:
    """Return the numbers of M4."""
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


def distributions(found: DimensionMeasures) -> Numbers:
    """Return the numbers of S5 that belong to single dimensions."""
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


def scales(pairs: SetMeasures) -> Numbers:
    """Return the numbers of M5."""
    return {
        "norm_ratio_worst": summary.farthest_from_one(pairs.norm_ratio_S),
        "norm_ratio_p50": summary.percentile(pairs.norm_ratio_S, 50),
        "scale_worst": summary.farthest_from_one(pairs.scale_S),
        "scale_p50": summary.percentile(pairs.scale_S, 50),
    }


def consequences(found: Consequences) -> Mapping[str, Numbers]:
    """Return the numbers of S7 to S10."""
    return {
        "S7": {"identity_misses": _count(found.identity_misses)},
        "S8": {"gap_p50": found.gap_p50, "gap_p99": found.gap_p99},
        "S9": {"lost": _count(found.lost), "lost_share": found.lost_share},
        "S10": {"far_flip_share": found.far_flip_share},
    }


def _count(count: int | None) -> float | None:
    return None if count is None else float(count)
