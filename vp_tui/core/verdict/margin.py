"""The margin of a similarity: how many times nearer to 1 it is than its limit, (1 - limit) / (1 - similarity)."""

import math
from typing import Final

from vp_tui.core import text as fmt

ONE: Final = 5e-8
"""A similarity nearer to 1 than this is written as 1.0000000, and rounding of FP32 decides how near."""


def margin(similarity: float | None, limit: float, *, nonfinite: int = 0) -> str:
    """Return `1,700x`, two digits; `>200,000x` from 1.0000000 on; below 1 the limit is missed.

    A dash without a similarity, and with sequences (`nonfinite`) that have none.
    """
    if nonfinite or similarity is None or not math.isfinite(similarity):
        return fmt.DASH
    times = (1 - limit) / max(1 - similarity, ONE)
    if similarity > 1 - ONE:
        return f">{_two_digits((1 - limit) / ONE)}x"
    # cut, so that a similarity below its limit never reads as 1
    return fmt.ratio(math.floor(100 * times) / 100) if times < 1 else f"{_two_digits(times)}x"


def _two_digits(times: float) -> str:
    rounded = round(times, 1 - math.floor(math.log10(times)))
    return fmt.number(rounded) if rounded < 10 else fmt.exact(rounded)
