"""The histogram of similarity on a log scale: one row of bars per stratum, the limit as a line through all of them.

Each stratum has its own row, scaled to its own fullest bin, so that a few bad sequences among thousands of good ones
are visible without colour.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.measures.scale import FLOOR, log_distance, nines
from vp_tui.tui.marks import MARKS, bars, line, lines, styled
from vp_tui.tui.series import look

Cosines = Mapping[str, Sequence[float | None]]
"""Stratum -> the cosine of each sequence; None where an embedding is not finite."""

LEFT, RIGHT = 12, 7
"""Columns for name and size of a stratum, and for the number of bad sequences."""
BINS_PER_DECADE = 10
LIMIT = "\u2502"


def histogram(cosines: Cosines, *, cosine_limit: float, width: int, height: int) -> Content:
    """Return at most `height` lines of at most `width` columns."""
    found: dict[str, Sequence[float | None]] = {name: cosines[name] for name in STRATA if cosines.get(name)}
    if not found:
        return Content("no data: no sequence compared")
    scale = _Scale(found, cosine_limit, width - LEFT - RIGHT)
    if scale.per_decade < 1:
        return Content("too narrow for a histogram")
    has_axis = height > len(found)
    rows = max(1, (height - has_axis) // len(found))
    drawn = [part for name, values in found.items() for part in _stratum(name, values, scale, rows, cosine_limit)]
    if has_axis:
        drawn.append(_axis(scale))
    return lines(drawn[:height])


class _Scale:
    """Columns of log10(1 - cosine): whole decades around data and limit; the limit has its own column."""

    def __init__(self, cosines: Cosines, cosine_limit: float, columns: int) -> None:
        heights = [log_distance(value) for values in cosines.values() for value in _finite(values)]
        self.limit = log_distance(cosine_limit)
        self.low = min(math.floor(min(heights, default=self.limit)), math.floor(self.limit) - 1)
        self.high = max(math.ceil(max(heights, default=self.limit)), math.ceil(self.limit) + 1)
        # one column is the limit
        self.per_decade = (columns - 1) // (self.high - self.low)
        # thinner bins would show noise
        self.columns_per_bin = math.ceil(self.per_decade / BINS_PER_DECADE) if self.per_decade > 0 else 1
        self.per_decade -= self.per_decade % self.columns_per_bin
        self.bins = (self.high - self.low) * self.per_decade // self.columns_per_bin
        self.limit_bin = round((self.limit - self.low) * self.per_decade / self.columns_per_bin)

    def bin_of(self, value: float) -> int:
        """Return the bin of a cosine; bins left of the limit hold exactly the passing ones."""
        at = log_distance(value)
        place = min(self.bins - 1, int((at - self.low) * self.per_decade / self.columns_per_bin))
        return max(place, self.limit_bin) if at >= self.limit else min(place, self.limit_bin - 1)

    def with_limit(self, text: str) -> str:
        at = self.limit_bin * self.columns_per_bin
        return text[:at] + LIMIT + text[at:]


def _finite(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _stratum(name: str, values: Sequence[float | None], scale: _Scale, rows: int, cosine_limit: float) -> list[Content]:
    numbers = _finite(values)
    counts = Counter(map(scale.bin_of, numbers))
    most = max(counts.values(), default=1)
    heights = [counts[place] / most for place in range(scale.bins) for _ in range(scale.columns_per_bin)]
    bad = len(values) - len(numbers) + sum(value <= cosine_limit for value in numbers)
    drawn = [scale.with_limit(row) for row in bars(heights, rows)]
    style = look(name).style
    above = [line(" " * LEFT, Content.styled(row, style)) for row in drawn[:-1]]
    label = f"{name:<6} {fmt.short(len(values)):>4} "
    count = styled(f" {MARKS['fail']}{fmt.short(bad)}", "fail") if bad else styled(" 0", "dim")
    return [*above, line(label, Content.styled(drawn[-1], style), count)]


def _axis(scale: _Scale) -> Content:
    """Return the similarities below their columns, and the title of the number at the end of a row."""
    places = {decade: (decade - scale.low) * scale.per_decade for decade in range(scale.low, scale.high)}
    labels = ticks(places, scale.bins * scale.columns_per_bin, scale.limit_bin * scale.columns_per_bin)
    return styled(f"{'':<{LEFT}}{scale.with_limit(labels)} bad", "dim")


def ticks(places: Mapping[int, int], room: int, limit: int) -> str:
    """Return the similarity of each power of ten at its column; of two that would touch the one nearer to the limit.

    A line may be drawn before the column `limit`: no label crosses it.
    """
    text = " " * room
    for decade, at in sorted(places.items(), key=lambda one: abs(one[1] - limit)):
        label = "equal" if decade <= FLOOR else nines(-decade)
        last = at + len(label)
        is_free = last <= room and not text[max(0, at - 1) : last + 1].strip()
        if is_free and not at < limit < last:
            text = f"{text[:at]}{label}{text[last:]}"
    return text
