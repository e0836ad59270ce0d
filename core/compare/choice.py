"""Which rows are looked at where all of them are too many, and in which portions."""

from collections.abc import Iterator

import numpy as np

ROW_CHUNK = 64
"""64 x 2,560 doubles are 1.3 MB: a chunk and its temporaries stay in a core's second cache."""


def finite_rows(x_SD: np.ndarray, y_SD: np.ndarray) -> np.ndarray:
    """bool [S]: rows that are finite on both sides."""
    usable_S = np.empty(len(x_SD), dtype=bool)
    for part in chunks(len(x_SD), 1024):
        usable_S[part] = np.isfinite(x_SD[part]).all(axis=1) & np.isfinite(y_SD[part]).all(axis=1)
    return usable_S


def chunks(num: int, size: int = ROW_CHUNK) -> Iterator[slice]:
    """Slices of at most `size` that cover range(num)."""
    return (slice(start, min(start + size, num)) for start in range(0, num, size))


def evenly(num: int, limit: int) -> np.ndarray:
    """int64: all of range(num), or `limit` of them at even distances, the first always among them."""
    if num <= limit:
        return np.arange(num)
    return np.arange(limit) * num // max(limit, 1)
