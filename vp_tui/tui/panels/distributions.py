"""Distributions of the similarity of both sides as shaded bars, distinguishable without colour.

Imported once there is a comparison, like the evidence it draws.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.measures.scale import FLOOR, log_distance
from vp_tui.core.report.comparison_words import LETTERS
from vp_tui.core.report.evidence import BIN, EDGES, SIDES, TOP, Distribution, SideName
from vp_tui.tui.marks import Level, line, lines, styled
from vp_tui.tui.panels.histogram import ticks
from vp_tui.tui.series import look

BASE, CAND, BOTH, LIMIT = "\u2591", "\u2593", "\u2588", "\u2502"
"""A light and a dark shade; the darkest where both overlap."""
STYLES: Final = {BASE: look("reference").style, CAND: look("candidate").style, LIMIT: "$foreground-muted"}
MIN_ROWS: Final = 6
"""Rows of one stratum: legend, axis and enough bars."""
LABEL: Final = 5
"""Columns of the vertical axis."""
MARGIN: Final = 0.3
"""Decades shown beyond the limit, even if nothing fails."""
_PER_DECADE: Final = round(1 / BIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Columns of log10(1 - cosine); the limit has its own column."""

    low: int
    """The decade at the left end."""
    first: int
    """The bin in the first column."""
    bins: int
    per_bin: int
    """Columns of a bin; 1 if several bins share a column."""
    per_column: int
    limit: int
    """Column before which the limit is drawn."""

    @property
    def columns(self) -> int:
        """Columns without that of the limit."""
        return math.ceil(self.bins / self.per_column) * self.per_bin

    def column(self, place: int) -> int:
        """Return the first column of a bin."""
        return (place - self.first) // self.per_column * self.per_bin


def distributions(found: Sequence[Distribution], cosine_limit: float, width: int, height: int) -> Content:
    """Return one chart per stratum if they fit, else one for all."""
    if not found:
        return Content("no data: no stored sequences of these runs")
    if not any(count for one in found for count in one.counts):
        return Content("no data: no sequence has a similarity")
    strata = [name for name in STRATA if any(one.stratum == name for one in found)]
    frame = _frame(found, log_distance(cosine_limit), width - LABEL - 1)
    if len(strata) > 1 and height // len(strata) < MIN_ROWS:
        return lines(_part("all", found, frame, width, height))
    rows: list[Content] = []
    for place, name in enumerate(strata):
        room = height * (place + 1) // len(strata) - len(rows)
        rows += _part(name, [one for one in found if one.stratum == name], frame, width, room)
    return lines(rows)


def _frame(found: Sequence[Distribution], limit: float, columns: int) -> Scale:
    """Return whole decades around all values and the limit, the same for all strata."""
    filled = [place for one in found for place, count in enumerate(one.counts) if count]
    low = max(round(FLOOR), math.floor(min(EDGES[min(filled, default=0)], limit - 1) + 1e-9))
    high = max(EDGES[max(filled, default=0) + 1], min(limit + MARGIN, TOP))
    first = round((low - FLOOR) / BIN)
    bins = min(round((high - low) / BIN), len(EDGES) - 1 - first)
    per_column = math.ceil(bins / max(1, columns))
    frame = Scale(low=low, first=first, bins=bins, per_bin=max(1, columns // bins), per_column=per_column, limit=0)
    return replace(frame, limit=frame.column(first + math.floor((limit - low) / BIN + 1e-9)))


def _part(name: str, found: Sequence[Distribution], frame: Scale, width: int, height: int) -> list[Content]:
    """Return legend, bars and axis: `height` lines."""
    counts = {side: _columns(found, side, frame) for side in SIDES}
    top = max((value for shares in counts.values() for value in shares), default=0.0)
    num_rows = max(1, height - 2)
    heights = {
        side: [math.ceil(value / top * num_rows) if value else 0 for value in shares] for side, shares in counts.items()
    }
    bars = [
        line(_percent(top if row == num_rows else 0.0, is_shown=row in {1, num_rows}), _bars(heights, row, frame))
        for row in range(num_rows, 0, -1)
    ]
    return [_words(name, found, width), *bars, styled(_ticks(frame), "dim")]


def _columns(found: Sequence[Distribution], side: SideName, frame: Scale) -> list[float]:
    """Return the share of the side's sequences in each column."""
    mine = [one for one in found if one.side == side]
    total = sum(one.n for one in mine)
    shares = [0.0] * frame.columns
    for place in range(frame.first, frame.first + frame.bins):
        count = sum(one.counts[place] for one in mine)
        start = frame.column(place)
        for column in range(start, start + frame.per_bin) if count else ():
            shares[column] += count / total
    return shares


def _bars(heights: Mapping[SideName, Sequence[int]], row: int, frame: Scale) -> Content:
    marks = [
        {(True, True): BOTH, (True, False): BASE, (False, True): CAND}.get((base >= row, cand >= row), " ")
        for base, cand in zip(heights["baseline"], heights["candidate"], strict=True)
    ]
    marks.insert(frame.limit, LIMIT)
    # each run of equal characters costs one colour change
    return line(*(Content.styled("".join(run), STYLES.get(mark, "")) for mark, run in itertools.groupby(marks)))


def _percent(share: float, *, is_shown: bool) -> tuple[str, Level]:
    return (f"{fmt.percent(share) if is_shown else '':>{LABEL - 1}} ", "dim")


def _ticks(frame: Scale) -> str:
    """Return the similarities below their columns, as many as fit."""
    at = {decade: frame.column(frame.first + (decade - frame.low) * _PER_DECADE) for decade in range(frame.low, 1)}
    places = {decade: column for decade, column in at.items() if column < frame.columns}
    # the last label, that of the limit, may end right of the bars
    text = ticks(places, frame.columns + 3, frame.limit)
    return f"{'':<{LABEL}}{text[: frame.limit]} {text[frame.limit :]}".rstrip()


def _words(name: str, found: Sequence[Distribution], width: int) -> Content:
    parts = [f"{name:<6}"]
    for side, mark in zip(SIDES, (BASE, CAND), strict=True):
        mine = [one for one in found if one.side == side]
        missing = sum(one.missing for one in mine)
        words = f"{mark} {LETTERS[side]} {fmt.exact(sum(one.n for one in mine))}"
        words += f", {missing} without a similarity" if missing else ""
        median = mine[0].median if len(mine) == 1 else None
        parts.append(words + (f" median {fmt.similarity(1 - 10**median)}" if median is not None else ""))
    legend = "  ".join([*parts, f"{BOTH} both"])
    return Content(legend if fmt.columns(legend) <= width else fmt.clip("  ".join(parts), width))
