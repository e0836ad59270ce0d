"""Charts of one run as SVG for an HTML page: spread of similarity, similarity by length, speed of both runs.

Better is up, and to the left in the histogram, where a comparison has it too.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import SequenceResult, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measures.scale import FLOOR, log_distance
from vp_tui.core.report import svg
from vp_tui.core.report.evidence import EDGES, Distribution, distributions
from vp_tui.core.store.snapshot import RunSnapshot

MAX_POINTS: Final = 2000
"""Sequences of the chart by length; of more, the less similar half of them and an even choice of the others."""
_NAN_ROW: Final = 0.7
"""Decades below the lowest similarity."""


def distribution(snapshot: RunSnapshot, results: Sequence[SequenceResult], name: str) -> str | None:
    """Return histograms of log10(1 - cosine) per stratum with the limit; None without sequences."""
    cosine_S = np.array([math.nan if one.cosine is None else one.cosine for one in results], float)
    found = distributions({"candidate": ([one.stratum for one in results], cosine_S)})
    if not found:
        return None
    limit = snapshot.limits.fail(M1)

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
        for axes, one in zip(rows, found, strict=True):
            _histogram(axes, one, log_distance(limit))
        rows[-1].set_xlabel("similarity (cosine; further right is worse)")
        svg.x_of_logs(rows[-1], mine_low=svg.lowest(found))
        rows[0].plot([], [], color=svg.LIMIT, linestyle="--", linewidth=1.2, label=_limit_label(limit, "to the right"))
        figure.legend(loc="outside upper right")

    return svg.drawn(name, draw, height=1.2 + 1.35 * len(found))


def _histogram(axes: Axes, one: Distribution, limit: float) -> None:
    shares = [100 * count / one.n for count in one.counts]
    axes.stairs(shares, EDGES, fill=True, color=svg.CAND, alpha=0.75)
    axes.axvline(limit, color=svg.LIMIT, linestyle="--", linewidth=1.2)
    axes.set_ylabel("% of seq.")
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.set_ylim(bottom=0)
    axes.margins(y=0.15)
    title = f"{one.stratum}: {fmt.plural(one.n, 'sequence')}"
    if not one.missing:
        axes.set_title(title)
        return
    axes.set_title(f"{title}, {fmt.exact(one.missing)} of them NaN or Inf: not in the bars", color=svg.LIMIT)


def by_length(snapshot: RunSnapshot, results: Sequence[SequenceResult], name: str) -> str | None:
    """Return the similarity of each sequence by its length, NaN in a row of its own; None without sequences."""
    if not results:
        return None
    limit = snapshot.limits.fail(M1)
    shown = thinned(results)
    known = [(one.num_tokens, log_distance(one.cosine)) for one in shown if one.cosine is not None]
    bottom = max([log_distance(limit), *(distance for _, distance in known)])

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for colour, is_bad in ((svg.CAND, False), (svg.LIMIT, True)):
            mine = [point for point in known if (point[1] >= log_distance(limit)) == is_bad]
            _points(axes, mine, colour, "o", 4)
        lost = [(one.num_tokens, bottom + _NAN_ROW) for one in shown if one.cosine is None]
        _points(axes, lost, svg.LIMIT, "x", 6)
        axes.axhline(log_distance(limit), color=svg.LIMIT, linestyle="--", linewidth=1.2)
        axes.axhline(bottom + _NAN_ROW / 2, color=svg.GRID, linewidth=1)
        axes.plot([], [], color=svg.LIMIT, linestyle="--", linewidth=1.2, label=_limit_label(limit, "below"))
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
        _similarity_axis(axes, known, bottom)
        _length_axis(axes, results)

    return svg.drawn(name, draw, height=3.6)


def thinned(results: Sequence[SequenceResult]) -> list[SequenceResult]:
    """Return at most MAX_POINTS sequences: the worst half of them, and an even choice of the others by length."""
    if len(results) <= MAX_POINTS:
        return list(results)
    ordered = sorted(results, key=lambda one: (-2.0 if one.cosine is None else one.cosine, one.seq_idx))
    worst, others = ordered[: MAX_POINTS // 2], ordered[MAX_POINTS // 2 :]
    others.sort(key=lambda one: (one.num_tokens, one.seq_idx))
    return worst + [others[place] for place in np.linspace(0, len(others) - 1, MAX_POINTS // 2).astype(int)]


def _points(axes: Axes, points: Sequence[tuple[float, float]], colour: str, marker: str, size: int) -> None:
    axes.plot(
        [x for x, _ in points], [y for _, y in points], color=colour, marker=marker, markersize=size, linestyle="",
        alpha=0.75, markeredgewidth=1.4 if marker == "x" else 0,
    )  # fmt: skip


def _similarity_axis(axes: Axes, known: Sequence[tuple[float, float]], bottom: float) -> None:
    best = min([-3.0, *(distance for _, distance in known)])
    axes.set_ylim(bottom + 1.4 * _NAN_ROW, max(FLOOR, math.floor(best)) - 0.2)
    decades = [float(power) for power in range(int(FLOOR), 1) if math.floor(best) <= power <= bottom]
    axes.yaxis.set_major_locator(FixedLocator([*decades, bottom + _NAN_ROW]))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, place: "NaN, Inf" if value > bottom else svg.similarity_at(value, place))
    )
    axes.set_ylabel("similarity (cosine)")


def _length_axis(axes: Axes, results: Sequence[SequenceResult]) -> None:
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.number(value)))
    axes.set_xlabel("length in tokens (log scale)")
    for shorter, longer in pairwise(STRATA):
        below = [one.num_tokens for one in results if one.stratum == shorter]
        above = [one.num_tokens for one in results if one.stratum == longer]
        if below and above:
            axes.axvline(math.sqrt(max(below) * min(above)), color=svg.INK, linestyle=":", linewidth=0.8)


def speed(snapshot: RunSnapshot, _results: Sequence[SequenceResult], name: str) -> str | None:
    """Return tokens/s of both runs per stratum as bars; None where nothing was timed."""
    timed = [one for one in snapshot.strata if one.reference_tokens_per_s and one.candidate_tokens_per_s]
    if not timed:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        labels = (f"{snapshot.run.reference.upper()} (reference)", f"{snapshot.run.precision.upper()} (candidate)")
        for place, one in enumerate(timed):
            _bars(axes, place, one)
        for label, colour in zip(labels, (svg.BASE, svg.CAND), strict=True):
            axes.plot([], [], color=colour, linewidth=6, label=label)
        axes.set_yticks(range(len(timed)), [one.scope for one in timed])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.margins(x=0.12)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.number(value)))
        axes.set_xlabel("tokens/s")
        axes.grid(visible=False, axis="y")
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)

    return svg.drawn(name, draw, height=0.9 + 0.6 * len(timed))


def _bars(axes: Axes, place: int, one: StratumStats) -> None:
    rates = (one.reference_tokens_per_s or 0.0, one.candidate_tokens_per_s or 0.0)
    for rate, offset, colour in zip(rates, (-0.19, 0.19), (svg.BASE, svg.CAND), strict=True):
        axes.barh(place + offset, rate, height=0.34, color=colour)
    axes.text(rates[1], place + 0.19, f"  {fmt.ratio(one.speedup)}", va="center")


def _limit_label(limit: float, side: str) -> str:
    return f"limit {fmt.limit(limit)}: fails {side}"
