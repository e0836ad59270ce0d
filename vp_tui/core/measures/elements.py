"""M6: single elements: share that matches at each tolerance, and distance in units in the last place (ULPs)."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.measures import summary

TOLERANCES: Final = (1e-4, 1e-3, 1e-2, 1e-1)
NAMES: Final = ("match_1e-4", "match_1e-3", "match_1e-2", "match_1e-1")

_EXPONENT_BITS = np.uint32(0x7F800000)
_SMALLEST_NORMAL, _LAST_BINADE, _SPACING = 2.0**-14, 2.0**15, 2.0**-10
_MOST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementMeasures:
    """Share of matching elements at each of TOLERANCES, largest |y - x|, and largest |y - x| in FP16 ULPs, per row."""

    matching_ST: np.ndarray
    max_abs_S: np.ndarray
    max_ulps_S: np.ndarray


def element_measures(x_CD: np.ndarray, y_CD: np.ndarray) -> ElementMeasures:
    """Compare a few finite float32 rows element by element.

    An element matches at rtol when |y - x| <= rtol (|x| + m), m the median |x| of its row: numbers near 0 are
    compared relative to their row.
    """
    size_CD = np.abs(x_CD)
    ulps_C = ulps(x_CD, y_CD).max(axis=1, initial=0.0)
    error_CD = np.abs(np.subtract(y_CD, x_CD, dtype=np.float64))
    near_CD = np.add(size_CD, _median(size_CD)[:, None], dtype=np.float64)
    matching = [np.count_nonzero(error_CD <= tolerance * near_CD, axis=1) / x_CD.shape[1] for tolerance in TOLERANCES]
    return ElementMeasures(
        matching_ST=np.stack(matching, axis=1), max_abs_S=error_CD.max(axis=1, initial=0.0), max_ulps_S=ulps_C
    )


def ulps(x_CD: np.ndarray, y_CD: np.ndarray) -> np.ndarray:
    """Return |y - x| of every element in FP16 ULPs of x, float32; saturates at the largest float32."""
    error_CD = np.abs(np.subtract(y_CD, x_CD, dtype=np.float64))
    error_CD /= ulp16(x_CD)
    ulps_CD: np.ndarray = np.minimum(error_CD, _MOST, out=error_CD).astype(np.float32)
    return ulps_CD


def _median(size_CD: np.ndarray) -> np.ndarray:
    """Median of each row in float64; twice as fast as np.median, and its mean of two cannot overflow."""
    middle = [(size_CD.shape[1] - 1) // 2, size_CD.shape[1] // 2]
    median_C: np.ndarray = np.partition(size_CD, middle, axis=1)[:, middle].mean(axis=1, dtype=np.float64)
    return median_C


def ulp16(x_SD: np.ndarray) -> np.ndarray:
    """Return the distance of neighbouring FP16 numbers at x, float32: 2^(e - 10), e the exponent of x in -14 to 15.

    Below the normal numbers the distance is constant (2^-24); beyond 65,504 it is that of the last binade (32).
    """
    binade_SD = (np.abs(x_SD.astype(np.float32)).view(np.uint32) & _EXPONENT_BITS).view(np.float32)
    return np.clip(binade_SD, _SMALLEST_NORMAL, _LAST_BINADE) * np.float32(_SPACING)


def element_numbers(found: ElementMeasures, ulps_N: np.ndarray) -> dict[str, float | None]:
    """Return M6 over all rows: match rates, largest |y - x|, largest ULPs, median and 99th percentile of `ulps_N`."""
    rates = [summary.mean(found.matching_ST[:, column]) for column in range(len(TOLERANCES))]
    half, p99 = np.percentile(ulps_N, [50, 99], overwrite_input=True).tolist() if ulps_N.size else (None, None)
    return {
        **dict(zip(NAMES, rates, strict=True)),
        "max_abs": summary.highest(found.max_abs_S),
        "ulp16_p50": half,
        "ulp16_p99": p99,
        "ulp16_max": summary.highest(found.max_ulps_S),
    }
