"""S5 and S6: the two arms dimension by dimension, each as a distribution: shift, spread, shape, outliers."""

from dataclasses import dataclass

import numpy as np

from vp_tui.core.compare.choice import chunks
from vp_tui.core.compare.statistics import ReferenceStatistics

MIN_ROWS_KS = 100
"""A single swap of neighbours in rank moves the Kolmogorov-Smirnov distance by 1 / n: below 100 rows that is 1 %."""
OUTLIER = 3.0
"""Standard deviations of the reference."""
_CHUNK_ELEMENTS = 1 << 19
"""Of one arm: 2 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionMeasures:
    """float64 [D] each; sigma is the scale of the whole reference. NaN where the reference or the rows have no spread.

    shift_D: |mean(y) - mean(x)| / sigma. std_ratio_D: std(y) / std(x), neither below sigma's floor.
    ks_D: Kolmogorov-Smirnov distance (NaN below 100 rows). wasserstein_D: 1-Wasserstein distance / sigma.
    """

    mean_x_D: np.ndarray
    mean_y_D: np.ndarray
    std_x_D: np.ndarray
    std_y_D: np.ndarray
    shift_D: np.ndarray
    std_ratio_D: np.ndarray
    ks_D: np.ndarray
    wasserstein_D: np.ndarray


def dimension_measures(x_SD: np.ndarray, y_SD: np.ndarray, statistics: ReferenceStatistics) -> DimensionMeasures:
    """Compare the distributions of every dimension over the rows of two finite sets (population std)."""
    num, width = x_SD.shape
    columns = {name: np.full(width, np.nan) for name in DimensionMeasures.__dataclass_fields__}
    scale_D = statistics.scale_D if statistics.spread else np.full(width, np.nan)
    for part in chunks(width if num else 0, max(1, _CHUNK_ELEMENTS // max(num, 1))):
        x_CS, y_CS = np.ascontiguousarray(x_SD[:, part].T), np.ascontiguousarray(y_SD[:, part].T)
        columns["mean_x_D"][part], columns["std_x_D"][part] = _mean_std(x_CS)
        columns["mean_y_D"][part], columns["std_y_D"][part] = _mean_std(y_CS)
        if num < 2 or not statistics.spread:
            continue
        x_CS.sort(axis=1)
        y_CS.sort(axis=1)
        columns["wasserstein_D"][part] = _mean_gap(x_CS, y_CS) / scale_D[part]
        if num >= MIN_ROWS_KS:
            columns["ks_D"][part] = ks_distance(x_CS, y_CS)
    if num >= 2 and statistics.spread:
        columns["shift_D"] = np.abs(columns["mean_y_D"] - columns["mean_x_D"]) / scale_D
        x_std_D, y_std_D = (np.maximum(columns[name], statistics.floor) for name in ("std_x_D", "std_y_D"))
        columns["std_ratio_D"] = y_std_D / x_std_D
    return DimensionMeasures(**columns)


def ks_distance(x_CS: np.ndarray, y_CS: np.ndarray) -> np.ndarray:
    """Largest gap between the distribution functions of two sets of equal size, sorted: [C, S] each, [C] out.

    The gap is k / n or more just when the distribution functions are somewhere k steps apart: when the (i + k)-th
    smallest of one is below the (i + 1)-th of the other for some i. The largest such k is searched, for all
    dimensions at a time; equal arms are done after one look.
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
        apart = _apart(x_CS[members], y_CS[members], steps)
        open_groups += [(members[apart], steps, high), (members[~apart], low, steps - 1)]
    distance_C: np.ndarray = steps_C / num
    return distance_C


def _apart(x_CS: np.ndarray, y_CS: np.ndarray, steps: int) -> np.ndarray:
    """bool [C]: whether the distribution functions are `steps` or more apart somewhere."""
    late = slice(steps - 1, None)
    early = slice(None, x_CS.shape[1] - steps + 1)
    x_ahead_C: np.ndarray = np.any(x_CS[:, late] < y_CS[:, early], axis=1)
    y_ahead_C: np.ndarray = np.any(y_CS[:, late] < x_CS[:, early], axis=1)
    apart_C: np.ndarray = x_ahead_C | y_ahead_C
    return apart_C


def outlier_share(x_SD: np.ndarray, statistics: ReferenceStatistics) -> np.ndarray:
    """S6: share of each row's elements over 3 sigma from the mean, both the reference's; NaN without spread."""
    share_S = np.full(len(x_SD), np.nan)
    if not statistics.spread:
        return share_S
    border_D = OUTLIER * statistics.scale_D
    for part in chunks(len(x_SD)):
        share_S[part] = np.count_nonzero(np.abs(x_SD[part] - statistics.mean_D) > border_D, axis=1) / x_SD.shape[1]
    return share_S


def over_elements(mean_D: np.ndarray, std_D: np.ndarray) -> tuple[float | None, float | None]:
    """Mean and standard deviation of all elements, from those of every dimension; None for no rows."""
    if not mean_D.size or np.isnan(mean_D).any():
        return None, None
    return float(mean_D.mean()), float(np.sqrt(np.square(std_D).mean() + mean_D.var()))


def _mean_std(x_CS: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    wide_CS = x_CS.astype(np.float64)
    mean_C = wide_CS.mean(axis=1)
    wide_CS -= mean_C[:, None]
    return mean_C, np.sqrt(np.einsum("ds,ds->d", wide_CS, wide_CS) / x_CS.shape[1])


def _mean_gap(x_CS: np.ndarray, y_CS: np.ndarray) -> np.ndarray:
    """Mean |x - y| of sorted values: the 1-Wasserstein distance of two sets of equal size, [C]."""
    gap_CS = np.subtract(y_CS, x_CS, dtype=np.float64)
    mean_C: np.ndarray = np.abs(gap_CS, out=gap_CS).mean(axis=1)
    return mean_C
