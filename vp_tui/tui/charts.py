"""Charts as text, drawn by plotext; no other module imports it.

plotext draws on one module-level figure, so every chart clears it first and is drawn in the thread of the event loop.
Similarity is drawn as log10(1 - cosine), because all values of interest are just below 1; the log is taken here,
because plotext's own log axis misplaces its limits. Points are thinned first: plotext is slow above some thousands.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import plotext
from rich.text import Text

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, BlockEncoded
from vp_tui.core.measures.scale import FLOOR, log_distance
from vp_tui.core.store.snapshot import SimilarityPoint

Rgb = tuple[int, int, int]
Palette = Mapping[str, Rgb]
"""Colours by name: short, medium, long, reference, candidate, limit; they come from app.tcss."""
Point = tuple[float, float]

POINTS_PER_COLUMN = 2
X_AXIS_ROWS = 2
X_AXIS_FROM = 8
"""Rows from which a chart has a horizontal axis; below, its two rows are better spent on the lines."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line; its label stands on the line, so that it is known without colour."""

    name: str
    label: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """The vertical axis: its range, and the height and text of each tick."""

    low: float
    high: float
    ticks: Mapping[float, str]


def render(
    series: Sequence[Series],
    *,
    axis: Axis,
    width: int,
    height: int,
    palette: Palette,
    limit: float | None = None,
    marks: Sequence[float] = (),
) -> Text:
    """Draw the lines, a limit line, and a ! at the top for each x in `marks`."""
    plotext.clear_figure()
    # else a chart is no larger than the terminal was when plotext was imported
    plotext.limit_size(False, False)
    plotext.theme("clear")
    plotext.plot_size(max(width, 12), max(height, 4))
    if limit is not None:
        plotext.hline(limit, color=palette.get("limit"))
    for place, line in enumerate(series):
        _draw(line, place=(place + 1) / len(series), color=palette.get(line.name))
    for x in marks:
        plotext.text("!", x=x, y=axis.high, color=palette.get("limit"))
    plotext.ylim(axis.low, axis.high)
    plotext.yticks(list(axis.ticks), list(axis.ticks.values()))
    has_x_axis = height >= X_AXIS_FROM
    _label_x(series, is_shown=has_x_axis)
    plotext.xaxes(has_x_axis, False)
    plotext.yaxes(True, False)
    return Text.from_ansi(plotext.build(), no_wrap=True)


def _draw(line: Series, *, place: float, color: Rgb | None) -> None:
    xs, ys = [x for x, _ in line.points], [y for _, y in line.points]
    if not xs:
        return
    plotext.plot(xs, ys, marker="braille", color=color)
    # labels are spread along the width: at one x those of close lines would hide each other
    at = min(len(xs) - 1, round(place * len(xs)))
    plotext.text(line.label, x=xs[at], y=ys[at], color=color, alignment="right")


def _label_x(series: Sequence[Series], *, is_shown: bool) -> None:
    # one point at 0 is no axis
    right = max((x for line in series for x, _ in line.points), default=1.0) or 1.0
    ticks = [right * part / 4 for part in range(5)] if is_shown else []
    plotext.xlim(0, right)
    plotext.xticks(ticks, [fmt.short(tick) for tick in ticks])


def thin(points: Sequence[Point], most: int, pick: Callable[[Iterable[float]], float]) -> tuple[Point, ...]:
    """At most `most` points: neighbours become one, its height picked from theirs, its x the last."""
    if len(points) <= most:
        return tuple(points)
    size = math.ceil(len(points) / most)
    groups = (points[start : start + size] for start in range(0, len(points), size))
    return tuple((group[-1][0], pick(y for _, y in group)) for group in groups)


def similarity(
    points: Sequence[SimilarityPoint], *, cosine_limit: float, width: int, height: int, palette: Palette
) -> Text:
    """Worst log10(1 - cosine) of each block per stratum, over the sequences compared so far."""
    lines: dict[str, list[Point]] = {name: [] for name in STRATA}
    broken: list[float] = []
    compared = 0
    for point in points:
        compared += point.sequences
        if point.cosine_min is None or not math.isfinite(point.cosine_min):
            broken.append(compared)
        else:
            lines.setdefault(point.stratum, []).append((compared, log_distance(point.cosine_min)))
    most = width * POINTS_PER_COLUMN
    series = [Series(name, name, thin(line, most, max)) for name, line in lines.items() if line]
    return render(
        series,
        axis=_log_axis(series, log_distance(cosine_limit), height),
        width=width,
        height=height,
        palette=palette,
        limit=log_distance(cosine_limit),
        marks=[x for x, _ in thin([(x, 0.0) for x in broken], width, max)],
    )


def _log_axis(series: Sequence[Series], limit: float, height: int) -> Axis:
    """Whole decades around the data and the limit; ticks are counted from the limit, which so has always one."""
    heights = [y for line in series for _, y in line.points]
    low = min(math.floor(min(heights, default=FLOOR)), round(limit) - 2)
    high = max(math.ceil(max(heights, default=limit)), round(limit) + 1)
    # two ticks in one row would overwrite each other, and a label would stand beside the wrong height
    step = math.ceil((high - low) / max(1, height - (X_AXIS_ROWS if height >= X_AXIS_FROM else 0) - 1))
    first = round(limit) - step * ((round(limit) - low) // step)
    return Axis(low, high, {float(tick): f"1e{tick}" for tick in range(first, high + 1, step)})


def throughput(
    blocks: Sequence[BlockEncoded], *, labels: Mapping[str, str], width: int, height: int, palette: Palette
) -> Text:
    """Tokens/s of each block for both arms, warm-up apart, over the sequences encoded by that arm."""
    series = []
    for arm in ARMS:
        points: list[Point] = []
        encoded = 0
        for block in blocks:
            if block.arm == arm and not block.is_warmup and block.encode_s > 0:
                encoded += block.sequences
                points.append((encoded, block.tokens / block.encode_s))
        if points:
            thinned = thin(points, width * POINTS_PER_COLUMN, fmean)
            series.append(Series(arm, labels.get(arm, arm), thinned))
    return render(series, axis=_rate_axis(series), width=width, height=height, palette=palette)


def _rate_axis(series: Sequence[Series]) -> Axis:
    """From 0, so that twice as fast looks twice as high; about four ticks of 1, 2 or 5."""
    top = (max((y for line in series for _, y in line.points), default=1.0) or 1.0) * 1.05
    unit = 10.0 ** math.floor(math.log10(top / 4))
    step = next(unit * factor for factor in (1, 2, 5, 10) if top / (unit * factor) <= 4)
    ticks = [step * index for index in range(int(top / step) + 1)]
    return Axis(0.0, top, {tick: fmt.number(tick) if tick else "0" for tick in ticks})


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
    axis = _rate_axis([Series("", "", tuple((0.0, point.y) for point in points))])
    plotext.ylim(axis.low, axis.high)
    plotext.yticks(list(axis.ticks), list(axis.ticks.values()))
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
