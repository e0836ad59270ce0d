"""M6: the measures of single numbers: how many match at which tolerance, and how many roundings apart they are."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.compare import summary
from vp_tui.core.compare.choice import chunks

TOLERANCES: Final = (1e-4, 1e-3, 1e-2, 1e-1)
NAMES: Final = ("match_1e-4", "match_1e-3", "match_1e-2", "match_1e-1")

_EXPONENT_BITS = np.uint32(0x7F800000)
_SMALLEST_NORMAL, _LAST_BINADE, _SPACING = 2.0**-14, 2.0**15, 2.0**-10
_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementMeasures:
    """Per row: share of matching elements at each of TOLERANCES, largest |y - x|; per element |y - x| in FP16 ULPs."""

    matching_ST: np.ndarray
    max_abs_S: np.ndarray
    ulps_SD: np.ndarray


def element_measures(x_SD: np.ndarray, y_SD: np.ndarray) -> ElementMeasures:
    """Compare two finite float32 sets number by number.

    An element matches at rtol when |y - x| <= rtol (|x| + m), m the median |x| of its row: numbers near 0 are judged
    beside their row. ULPs are float32 and saturate at the largest float32.
    """
    num, width = x_SD.shape
    matching_ST = np.empty((num, len(TOLERANCES)))
    max_abs_S, ulps_SD = np.empty(num), np.empty((num, width), dtype=np.float32)
    for part in chunks(num):
        size_CD = np.abs(x_SD[part].astype(np.float64))
        error_CD = np.abs(y_SD[part] - x_SD[part].astype(np.float64))
        max_abs_S[part] = error_CD.max(axis=1, initial=0.0)
        ulps_SD[part] = np.minimum(error_CD / ulp16(x_SD[part]), _MOST)
        size_CD += _median(np.abs(x_SD[part]))[:, None]
        for column, tolerance in enumerate(TOLERANCES):
            matching_ST[part, column] = np.count_nonzero(error_CD <= tolerance * size_CD, axis=1) / width
    return ElementMeasures(matching_ST=matching_ST, max_abs_S=max_abs_S, ulps_SD=ulps_SD)


def _median(size_CD: np.ndarray) -> np.ndarray:
    """Median of each row in float64; halves the time of np.median, and its mean of two cannot overflow."""
    middle = [(size_CD.shape[1] - 1) // 2, size_CD.shape[1] // 2]
    median_C: np.ndarray = np.partition(size_CD, middle, axis=1)[:, middle].mean(axis=1, dtype=np.float64)
    return median_C


def ulp16(x_SD: np.ndarray) -> np.ndarray:
    """Distance of neighbouring FP16 numbers at x, float32: 2^(e - 10), e the exponent of x, within -14 and 15.

    Below the normal numbers the distance is constant (2^-24); beyond 65,504 that of the last binade (32) goes on.
    """
    binade_SD = (np.abs(x_SD.astype(np.float32)).view(np.uint32) & _EXPONENT_BITS).view(np.float32)
    return np.clip(binade_SD, _SMALLEST_NORMAL, _LAST_BINADE) * np.float32(_SPACING)


def element_numbers(found: ElementMeasures, rows: slice) -> dict[str, float | None]:
    """M6 over some rows: match rates, largest |y - x|, and ULPs: median, 99th percentile, largest."""
    rates = [summary.mean(found.matching_ST[rows, column]) for column in range(len(TOLERANCES))]
    ulps_N = found.ulps_SD[rows].reshape(-1)
    half, p99 = np.percentile(ulps_N, [50, 99]).tolist() if ulps_N.size else (None, None)
    return {
        **dict(zip(NAMES, rates, strict=True)),
        "max_abs": summary.highest(found.max_abs_S[rows]),
        "ulp16_p50": half,
        "ulp16_p99": p99,
        "ulp16_max": float(ulps_N.max()) if ulps_N.size else None,
    }
