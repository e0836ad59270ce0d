"""S5 and S6: distribution of every dimension in both arms: shift, spread, shape, outliers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from vp_tui.core.measures.selection import chunks, on_all_cores
from vp_tui.core.measures.statistics import ReferenceStatistics, Sums

MIN_ROWS_KS = 100
"""A single swap of neighbours in rank moves the Kolmogorov-Smirnov distance by 1 / n: below 100 rows that is 1 %."""
MAX_ROWS = 10_000
"""Rows whose distributions are compared: the resolution 1 / n is then a hundredth of the warn limit."""
OUTLIER = 3.0
"""Distance from the mean of an outlier, in standard deviations of the reference."""
_LISTED = 5
_CHUNK_ELEMENTS = 1 << 19
"""Elements of one arm in a chunk: 2 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionMeasures:
    """Measures of every dimension, float64 [D]; NaN where the reference or the rows have no spread.

    sigma is the scale of the whole reference.

    shift_D: |mean(y) - mean(x)| / sigma. std_ratio_D: std(y) / std(x), neither below sigma's floor.
    ks_D: Kolmogorov-Smirnov distance of differences beyond the floor of sigma (NaN below 100 rows). wasserstein_D:
    1-Wasserstein distance / sigma.
    """

    mean_x_D: np.ndarray
    mean_y_D: np.ndarray
    std_x_D: np.ndarray
    std_y_D: np.ndarray
    shift_D: np.ndarray
    std_ratio_D: np.ndarray
    ks_D: np.ndarray
    wasserstein_D: np.ndarray


def dimension_measures(
    x: Sums, y: Sums, x_SD: np.ndarray, y_SD: np.ndarray, *, statistics: ReferenceStatistics
) -> DimensionMeasures:
    """Compare every dimension over the rows of two finite sets.

    Means and deviations are those of `x` and `y`, over all rows; distances of distributions are over x_SD and y_SD,
    which are all rows or evenly spread ones.
    """
    width = len(x.mean_D)
    nothing_D = np.full(width, np.nan)
    is_set = x.num > 1 and statistics.spread
    scale_D = statistics.scale_D if is_set else nothing_D
    floor = statistics.floor if is_set else np.nan
    wasserstein_D, ks_D = _distances(x_SD, y_SD, floor) if is_set else (nothing_D, nothing_D)
    x_std_D, y_std_D = x.std_D, y.std_D
    return DimensionMeasures(
        mean_x_D=x.mean_D if x.num else nothing_D,
        mean_y_D=y.mean_D if y.num else nothing_D,
        std_x_D=x_std_D if x.num else nothing_D,
        std_y_D=y_std_D if y.num else nothing_D,
        shift_D=np.abs(y.mean_D - x.mean_D) / scale_D,
        std_ratio_D=np.maximum(y_std_D, floor) / np.maximum(x_std_D, floor),
        ks_D=ks_D,
        wasserstein_D=wasserstein_D / scale_D,
    )


def _distances(x_SD: np.ndarray, y_SD: np.ndarray, floor: float) -> tuple[np.ndarray, np.ndarray]:
    """1-Wasserstein and Kolmogorov-Smirnov distance of every dimension [D]; the latter NaN below 100 rows."""
    num, width = x_SD.shape
    wasserstein_D, ks_D = np.empty(width), np.full(width, np.nan)

    def fill(part: slice) -> None:
        x_CS, y_CS = _sorted_columns(x_SD, part), _sorted_columns(y_SD, part)
        wasserstein_D[part] = _mean_gap(x_CS, y_CS)
        if num >= MIN_ROWS_KS:
            ks_D[part] = ks_distance(x_CS, y_CS, floor)

    on_all_cores(fill, chunks(width, max(1, _CHUNK_ELEMENTS // num)))
    return wasserstein_D, ks_D


def _sorted_columns(x_SD: np.ndarray, part: slice) -> np.ndarray:
    """Some columns as sorted rows [C, S]; copied before they are transposed, else every number is a cache miss."""
    x_CS = np.ascontiguousarray(np.ascontiguousarray(x_SD[:, part]).T)
    x_CS.sort(axis=1)
    return x_CS


def ks_distance(x_CS: np.ndarray, y_CS: np.ndarray, floor: float = 0.0) -> np.ndarray:
    """Return the largest gap between the distribution functions of two sorted sets of equal size, [C, S] -> [C].

    Values that differ by at most `floor` count as equal: in a dimension that hardly varies, rounding moves every rank.

    The gap is k / n or more just when the distribution functions are somewhere k steps apart: when the (i + k)-th
    smallest of one is below the (i + 1)-th of the other for some i. The largest such k is searched for all
    dimensions at once; equal arms take one step.
    """
    num = x_CS.shape[1]
    steps_C = np.zeros(len(x_CS), dtype=np.int64)
    open_groups = [(np.arange(len(x_CS)), 0, num)]
    while open_groups:
        members, low, high = open_groups.pop()
        if low == high or not members.size:
            steps_C[members] = low
            continue
        steps = min((low + high + 1) // 2, 2 * low + 1)
        apart = _apart(x_CS[members], y_CS[members], steps, x_CS.dtype.type(floor))
        open_groups += [(members[apart], steps, high), (members[~apart], low, steps - 1)]
    distance_C: np.ndarray = steps_C / num
    return distance_C


def _apart(x_CS: np.ndarray, y_CS: np.ndarray, steps: int, floor: np.floating) -> np.ndarray:
    """True where the distribution functions are `steps` or more apart somewhere, bool [C]."""
    late = slice(steps - 1, None)
    early = slice(None, x_CS.shape[1] - steps + 1)
    x_ahead_C: np.ndarray = np.any(y_CS[:, early] - x_CS[:, late] > floor, axis=1)
    y_ahead_C: np.ndarray = np.any(x_CS[:, early] - y_CS[:, late] > floor, axis=1)
    apart_C: np.ndarray = x_ahead_C | y_ahead_C
    return apart_C


def worst_dimensions(found: DimensionMeasures) -> list[dict[str, Any]]:
    """Return the dimensions whose mean shifted most, at most five; ks is None below 100 rows."""
    if np.isnan(found.shift_D).any():
        return []
    return [
        {
            "index": int(d),
            "shift": float(found.shift_D[d]),
            "std_ratio": float(found.std_ratio_D[d]),
            "ks": None if np.isnan(found.ks_D[d]) else float(found.ks_D[d]),
        }
        for d in np.argsort(-found.shift_D, kind="stable")[:_LISTED]
    ]


def outlier_share(x_CD: np.ndarray, statistics: ReferenceStatistics) -> np.ndarray:
    """Return the share of each row's elements beyond 3 sigma of the reference's mean (S6); NaN without spread.

    Takes a few rows in float64.
    """
    if not statistics.spread:
        return np.full(len(x_CD), np.nan)
    border_D = OUTLIER * statistics.scale_D
    share_C: np.ndarray = np.count_nonzero(np.abs(x_CD - statistics.mean_D) > border_D, axis=1) / x_CD.shape[1]
    return share_C


def over_elements(mean_D: np.ndarray, std_D: np.ndarray) -> tuple[float | None, float | None]:
    """Return mean and standard deviation of all elements, from those of every dimension; None for no rows."""
    if not mean_D.size or np.isnan(mean_D).any():
        return None, None
    return float(mean_D.mean()), float(np.sqrt(np.square(std_D).mean() + mean_D.var()))


def _mean_gap(x_CS: np.ndarray, y_CS: np.ndarray) -> np.ndarray:
    """Mean |x - y| of sorted values: the 1-Wasserstein distance of two sets of equal size, [C]."""
    gap_CS = np.subtract(y_CS, x_CS, dtype=np.float64)
    mean_C: np.ndarray = np.abs(gap_CS, out=gap_CS).mean(axis=1)
    return mean_C
