"""Bars of block characters with eight heights per row."""

import math
from collections.abc import Sequence

EIGHTHS = 8
_BLOCKS = " " + "".join(chr(0x2580 + eighth) for eighth in range(1, EIGHTHS + 1))


def bars(heights: Sequence[float | None], rows: int) -> list[str]:
    """Return lines from top to bottom, one column per height (clipped to 0..1); any height above 0 is visible.

    None and NaN leave their column empty.
    """
    eighths = [_eighths(height, rows) for height in heights]
    return [
        "".join(_BLOCKS[min(EIGHTHS, max(0, filled - row * EIGHTHS))] for filled in eighths)
        for row in reversed(range(rows))
    ]


def _eighths(height: float | None, rows: int) -> int:
    if height is None or not height > 0:
        return 0
    return math.ceil(min(height, 1.0) * rows * EIGHTHS)
