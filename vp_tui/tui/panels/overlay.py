"""Several runs in one chart of characters, and per stratum; each run has a letter, which the legend names."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.measures.scale import log_distance, nines
from vp_tui.core.report import headings
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.header import run_names

LETTERS = "abcdefgh"
STYLES = ("$primary", "$accent", "$secondary", "$foreground")
"""Neither red nor gold: those mean a failure and a warning."""
BAD = "bad"
LABEL = 14
"""Columns of the vertical axis."""
Points = Sequence[tuple[float, float | None]]
"""(share of the run from 0 to 1, value); None: not finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One quantity of all runs: better is up."""

    title: str
    series: tuple[Points, ...]
    ticks: Mapping[float, str]


def similarity_chart(snapshots: Sequence[RunSnapshot]) -> Chart:
    """Return the lowest similarity of each block as digits that agree: 4 is a cosine of 0.9999."""
    series = tuple(
        _by_share([None if p.cosine_min is None else -log_distance(p.cosine_min) for p in one.similarity])
        for one in snapshots
    )
    known = [value for points in series for _, value in points if value is not None]
    decades = range(max(0, math.floor(min(known, default=0.0)) - 1), math.ceil(max(known, default=2.0)) + 1)
    return Chart(
        title="lowest similarity of each block, better is up",
        series=series,
        ticks={float(decade): nines(decade) for decade in decades},
    )


def speed_chart(snapshots: Sequence[RunSnapshot]) -> Chart:
    """Return tokens/s of each block of the candidate."""
    series = tuple(
        _by_share(
            [b.tokens / b.encode_s for b in one.blocks if b.arm == "candidate" and not b.is_warmup and b.encode_s > 0]
        )
        for one in snapshots
    )
    top = max((value for points in series for _, value in points if value is not None), default=1.0)
    return Chart(
        title="tokens/s of each block, better is up",
        series=series,
        ticks={top * part / 4: fmt.number(top * part / 4) if part else "0" for part in range(5)},
    )


def _by_share(values: Sequence[float | None]) -> Points:
    last = max(1, len(values) - 1)
    return [(place / last, value) for place, value in enumerate(values)]


def legend(snapshots: Sequence[RunSnapshot]) -> Content:
    """Return `a #41 nightly  b #40 ..`."""
    parts = [
        Content.styled(f"{letter} #{one.run.id} {run_names(one.run)}", style)
        for letter, style, one in zip(LETTERS, _styles(len(snapshots)), snapshots, strict=False)
    ]
    return Content("   ").join(parts)


def _styles(count: int) -> list[str]:
    return [STYLES[place % len(STYLES)] for place in range(count)]


def drawn(chart: Chart, width: int, height: int) -> Content:
    """Return `height` lines: the chart with a row for values that are not finite, and the axis of the share."""
    rows, columns = max(2, height - 3), max(8, width - LABEL)
    low, top = min(chart.ticks), max(chart.ticks)
    span = (top - low) or 1.0
    grid: list[list[int | None]] = [[None] * columns for _ in range(rows + 1)]
    for number, points in enumerate(chart.series):
        for share, value in points:
            at = rows if value is None else rows - 1 - round((max(low, value) - low) / span * (rows - 1))
            column = min(columns - 1, round(share * (columns - 1)))
            # of two runs in one place both are seen where they have other points
            if grid[at][column] is None or (column + at) % 2:
                grid[at][column] = number
    labels = {rows - 1 - round((tick - low) / span * (rows - 1)): words for tick, words in chart.ticks.items()}
    labels[rows] = BAD
    painted = [
        line((f"{labels.get(at, ''):>{LABEL - 2}} |", "dim"), _row(row, len(chart.series)))
        for at, row in enumerate(grid)
    ]
    axis = styled(" " * LABEL + f"{'start':<{max(6, columns - 3)}}end", "dim")
    return lines([styled(chart.title, "dim"), *painted, axis])


def _row(row: Sequence[int | None], count: int) -> Content:
    styles = _styles(count)
    return Content("").join(
        [Content(" ") if number is None else Content.styled(LETTERS[number], styles[number]) for number in row]
    )


def by_stratum(snapshots: Sequence[RunSnapshot]) -> Content:
    """Return lowest similarity, bad sequences, tokens/s and speed-up per stratum, the runs below one another."""
    lowest, speedup = headings.LOWEST_SHORT, headings.SPEEDUP
    rows = [styled(f"{'stratum':<8} {'run':<10} {lowest:>10} {'bad':>8} {'tokens/s':>9} {speedup:>9}", "dim")]
    styles = _styles(len(snapshots))
    for scope in ("short", "medium", "long", "all"):
        for number, one in enumerate(snapshots):
            stats = next((found for found in one.strata if found.scope == scope and found.n), None)
            if stats is None:
                continue
            cosine = fmt.similarity(stats.cosine_min, nonfinite=stats.nan + stats.inf)
            text = (
                f"{scope:<8} {LETTERS[number]} #{one.run.id:<7} {cosine:>10} {stats.bad:>8} "
                f"{fmt.number(stats.candidate_tokens_per_s):>9} {fmt.ratio(stats.speedup):>9}"
            )
            rows.append(Content.styled(text, styles[number]))
    return lines(rows)
