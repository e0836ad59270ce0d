"""Scale of similarity on charts: log10(1 - cosine), because all relevant cosines are just below 1."""

import math
from typing import Final

FLOOR: Final = -8.0
"""log10(1 - cosine) of equal embeddings: below the resolution of an FP32 cosine."""


def log_distance(cosine: float) -> float:
    """Return log10(1 - cosine), at least FLOOR."""
    return max(FLOOR, math.log10(max(1.0 - cosine, 10.0**FLOOR)))


def nines(decades: int) -> str:
    """Return the similarity that is so many powers of ten from 1: 0.999; 0 for none."""
    return f"0.{'9' * decades}" if decades else "0"
