"""Charts as text: similarity and tokens/s as marks on a grid; plans drawn by plotext, which no other module imports.

Similarity is drawn on a log scale of 1 - cosine, because all values of interest are just below 1: better is up, equal
embeddings are at the top, the limit and the row of NaN have their fixed place at the foot.
plotext draws on one module-level figure, so a chart clears it first and is drawn in the thread of the event loop.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from rich.text import Text
from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.measures.scale import FLOOR, log_distance, nines
from vp_tui.tui.canvas import Canvas, axis_line, framed
from vp_tui.tui.marks import styled
from vp_tui.tui.series import FAILS, look

Rgb = tuple[int, int, int]
Palette = Mapping[str, Rgb]
"""Colours by name; they come from app.tcss."""
Point = tuple[float, float]
BELOW_SHARE = 4
"""One row of so many is for similarities below the limit, where there are any."""
TALL = 12
"""Rows from which a chart gives more of them for its ticks."""


@dataclass(frozen=True, slots=True)
class Dot:
    """One sequence or block on the chart of similarity."""

    x: float
    """Its place on the horizontal axis."""
    series: str
    cosine: float | None
    """None: NaN or Inf."""

    @property
    def is_finite(self) -> bool:
        return self.cosine is not None and math.isfinite(self.cosine)

    @property
    def rank(self) -> float:
        """Lower is worse; no number is worse than any."""
        return self.cosine if self.cosine is not None and math.isfinite(self.cosine) else -2.0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart, and for the cursor what each of its columns holds."""

    content: Content
    columns: Mapping[int, tuple[int, ...]]
    """Column -> indices of its points, the worst first."""


class _Scale:
    """Rows of similarity: NaN, below the limit, the limit, above it; `rows` is at least 3."""

    def __init__(self, dots: Sequence[Dot], limit: float, rows: int) -> None:
        failing = [dot.rank for dot in dots if dot.is_finite and dot.rank <= limit]
        self._limit, self._at = limit, -log_distance(limit)
        self._first = math.floor(self._at + 1e-9)
        below = max(1, (rows - 2) // BELOW_SHARE) if failing and rows > 3 else 0
        self._above, self._step = _even(max(1, rows - 2 - below), round(-FLOOR) - self._first)
        self._below = rows - 2 - self._above
        self._depth = self._at - min((-log_distance(cosine) for cosine in failing), default=self._at)
        self.limit_row = 1 + self._below

    def row(self, dot: Dot) -> int:
        """Return the row of a dot: 0 for NaN; one at the limit fails and is below it."""
        if dot.cosine is None or not dot.is_finite:
            return 0
        nines = -log_distance(dot.cosine)
        if dot.cosine > self._limit:
            share = (nines - self._first) / (-FLOOR - self._first)
            return self.limit_row + max(1, min(self._above, round(share * self._above)))
        deep = (self._at - nines) / self._depth if self._depth > 0 else 0.0
        return self.limit_row - max(1, min(self._below, math.ceil(deep * self._below))) if self._below else 0

    def labels(self) -> dict[int, str | Content]:
        """Return the texts of the rows: NaN, limit, equal, and nines at equal distances between them."""
        found: dict[int, str | Content] = {0: "NaN", self.limit_row: f"limit {fmt.limit(self._limit)}"}
        decades = round(-FLOOR) - self._first
        for count in range(self._step, decades, self._step):
            found[self.limit_row + count * self._above // decades] = nines(self._first + count)
        found[self.limit_row + self._above] = "equal"
        return found


def _even(rows: int, decades: int) -> tuple[int, int]:
    """Return how many of `rows` to use, and the decades between two ticks, equally many rows apart.

    As many ticks as possible; one tick is worth one row, in a tall chart two.
    """
    spare, worth = (5, 2) if rows >= TALL else (2, 1)
    choices = [
        (worth * ticks - (rows - used), used, step)
        for used in range(max(1, rows - spare), rows + 1)
        for step in range(1, decades + 1)
        if step * used % decades == 0
        for ticks in (decades // step - 1,)
    ]
    _, used, step = max(choices, key=lambda choice: choice[:2])
    return used, step


def similarity(
    dots: Sequence[Dot],
    *,
    cosine_limit: float,
    right: float,
    name: str,
    width: int,
    height: int,
    cursor: int | None = None,
) -> Drawn:
    """Draw `dots` in at most `width` columns and `height` rows; the horizontal axis ends at `right` and counts `name`.

    A column shows the worst of a series; what fails is red, and NaN has its own row at the foot.
    """
    scale = _Scale(dots, cosine_limit, max(3, height - 1))
    labels = scale.labels()
    canvas = Canvas(width - max(map(len, labels.values())) - 1, max(3, height - 1))
    canvas.fill(scale.limit_row, "\u254c", "$foreground-muted")
    columns: dict[int, list[int]] = {}
    worst: dict[tuple[int, str], Dot] = {}
    for index, dot in enumerate(dots):
        column = _column(dot.x, right, canvas.columns)
        columns.setdefault(column, []).append(index)
        before = worst.get((column, dot.series))
        if before is None or dot.rank < before.rank:
            worst[column, dot.series] = dot
    # the worst is put last and so is seen where two series share a cell
    for (column, series), dot in sorted(worst.items(), key=lambda item: -item[1].rank):
        fails = not (dot.is_finite and dot.rank > cosine_limit)
        canvas.put(column, scale.row(dot), look(series).mark, FAILS if fails else look(series).style)
    if any(not dot.is_finite for dot in worst.values()):
        labels[0] = styled("NaN", "fail")
    content = framed(canvas, labels, axis_line(canvas.columns, right, name), cursor)
    ordered = {column: tuple(sorted(mine, key=lambda at: dots[at].rank)) for column, mine in sorted(columns.items())}
    return Drawn(content, ordered)


def _column(x: float, right: float, columns: int) -> int:
    return max(0, min(columns - 1, int(x / right * columns))) if right > 0 else 0


def rates(
    series: Mapping[str, Sequence[Point]],
    *,
    right: float,
    name: str,
    width: int,
    height: int,
    cursor: int | None = None,
) -> Drawn:
    """Draw tokens/s of each series (of series.LOOKS) over x from 0 to `right`; a column shows the mean.

    Indices of Drawn count the points of all series, one series after the other.
    """
    rows = max(2, height - 1)
    top, ticks = _ticks(max((y for points in series.values() for _, y in points), default=0.0), rows)
    labels: dict[int, str | Content] = {
        round(tick / top * (rows - 1)): fmt.number(tick) if tick else "0" for tick in ticks
    }
    canvas = Canvas(width - max(len(label) for label in labels.values()) - 1, rows)
    columns: dict[int, list[int]] = {}
    first = 0
    for each, points in series.items():
        mine: dict[int, list[float]] = {}
        for index, (x, y) in enumerate(points):
            column = _column(x, right, canvas.columns)
            mine.setdefault(column, []).append(y)
            columns.setdefault(column, []).append(first + index)
        for column, values in mine.items():
            canvas.put(column, round(fmean(values) / top * (rows - 1)), look(each).mark, look(each).style)
        first += len(points)
    content = framed(canvas, labels, axis_line(canvas.columns, right, name), cursor)
    return Drawn(content, {column: tuple(mine) for column, mine in sorted(columns.items())})


def _ticks(most: float, rows: int) -> tuple[float, list[float]]:
    """Return the end of the axis and its ticks: from 0, so that twice as fast looks twice as high, in steps of 1, 2, 5.

    The ends are ticks, and there are never more than one for two rows.
    """
    most = most or 1.0
    number = max(1, min(5, rows // 2))
    unit = 10.0 ** math.floor(math.log10(most / number))
    step = next(unit * factor for factor in (1, 2, 5, 10) if most / (unit * factor) <= number)
    parts = math.ceil(most / step - 1e-9)
    return step * parts, [step * part for part in range(parts + 1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """A point with its name."""

    label: str
    style: str
    """Its colour in the palette."""
    mark: str
    x: float | None
    """log10(1 - cosine); None: not finite, drawn at the right edge."""
    y: float
    """tokens/s"""


def tradeoff(points: Sequence[Labelled], *, width: int, height: int, palette: Palette) -> Text:
    """Draw tokens/s over log10(1 - cosine): the upper left point is the fastest and the most accurate."""
    # slow to import, and only a search has plans
    import plotext

    xs = [point.x for point in points if point.x is not None]
    low, high = math.floor(min(xs, default=FLOOR)), math.ceil(max(xs, default=FLOOR)) + 1
    plotext.clear_figure()
    plotext.limit_size(False, False)
    plotext.theme("clear")
    plotext.plot_size(max(width, 12), max(height, 5))
    for point in points:
        x = high if point.x is None else point.x
        # towards the middle, so that no name is cut off
        is_left = x - low < (high - low) / 2
        words = f"{point.mark} {point.label}" if is_left else f"{point.label} {point.mark}"
        alignment = "left" if is_left else "right"
        plotext.text(words, x=x, y=point.y, color=palette.get(point.style), alignment=alignment)
    top, ticks_y = _ticks(max((point.y for point in points), default=0.0), max(12, height) - 3)
    plotext.ylim(0.0, top)
    plotext.yticks(ticks_y, [fmt.number(tick) if tick else "0" for tick in ticks_y])
    plotext.xlim(low, high)
    step = math.ceil((high - low) / 5)
    ticks = {float(tick): f"1e{tick}" for tick in range(low, high, step)}
    if low == FLOOR:
        # an exact one has no logarithm
        ticks[float(low)] = f"<1e{low}"
    if any(point.x is None for point in points):
        ticks[float(high)] = "NaN"
    plotext.xticks(list(ticks), list(ticks.values()))
    plotext.xlabel("worst 1 - cosine")
    plotext.ylabel("tokens/s")
    plotext.xaxes(True, False)
    plotext.yaxes(True, False)
    return Text.from_ansi(plotext.build(), no_wrap=True)
