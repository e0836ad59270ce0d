"""The scale of similarity on every chart: log10(1 - cosine), because all that matters lies a hair below 1."""

import math
from collections.abc import Iterable

FLOOR = -8
"""log10(1 - cosine) of equal embeddings: below the resolution of an FP32 cosine."""


def log_distance(cosine: float) -> float:
    """log10(1 - cosine), held above FLOOR."""
    return max(float(FLOOR), math.log10(max(1 - cosine, 10.0**FLOOR)))


def finite(values: Iterable[float | None]) -> list[float]:
    """The numbers there are: without None, NaN and infinities."""
    return [value for value in values if value is not None and math.isfinite(value)]
