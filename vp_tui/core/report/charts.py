"""Charts of a comparison as SVG for an HTML page; only the HTML renderer imports it."""

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.measures.scale import log_distance
from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.comparison_words import LETTERS
from vp_tui.core.report.evidence import EDGES, SIDES, Distribution, PastRun, TimeSeries
from vp_tui.core.report.svg import BASE, CAND, INK, LIMIT, drawn, lowest, similarity_at, x_of_logs

_COLOURS: Final = {"baseline": BASE, "candidate": CAND}


def distribution(report: ComparisonReport) -> str | None:
    """Return histograms of log10(1 - cosine) per stratum with the limit; None without sequences."""
    strata = [stratum for stratum in STRATA if any(one.stratum == stratum for one in report.distributions)]
    if not strata:
        return None

    def draw(figure: Figure) -> None:
        rows = figure.subplots(len(strata), 1, sharex=True, squeeze=False)[:, 0]
        for axes, stratum in zip(rows, strata, strict=True):
            mine = [one for one in report.distributions if one.stratum == stratum]
            _histogram(axes, mine, log_distance(report.limits["cosine"]))
            missing = sum(one.missing for one in mine)
            counts = ", ".join(f"{one.n} of the {one.side}" for one in mine)
            lost = f"; {missing} without a cosine not shown" if missing else ""
            axes.set_title(f"{stratum}: {counts}{lost}")
        rows[-1].set_xlabel("similarity (cosine; further right is worse)")
        x_of_logs(rows[-1], mine_low=lowest(report.distributions))
        _legend(figure, rows[0], f"limit {fmt.limit(report.limits['cosine'])}: fails to the right")

    return drawn("distribution", draw, height=1.4 + 1.5 * len(strata))


def throughput(report: ComparisonReport) -> str | None:
    """Return tokens/s of both arms over time; None without timed blocks."""
    if not report.throughput:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for line in report.throughput:
            style = "-" if line.name == "candidate" else ":"
            run = report.base[0] if line.side == "baseline" else report.cand[0]
            arm = run.precision if line.name == "candidate" else run.reference
            _line(axes, line, style, f"{LETTERS[line.side]}, {arm.upper()}")
        axes.set_ylabel("tokens/s")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.number(value)))
        _over_time(axes, legend_columns=2)

    return drawn("throughput", draw, height=3.2)


def utilization(report: ComparisonReport) -> str | None:
    """Return GPU utilization over time with the goal; None where it was not reported."""
    if not report.utilization:
        return None

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for line in report.utilization:
            _line(axes, line, "-", line.side)
        goal = report.limits["gpu_utilization"]
        axes.axhline(goal, color=LIMIT, linestyle="--", linewidth=1, label=f"goal {fmt.limit(goal)}% on average")
        axes.set_ylabel("GPU utilization, %")
        _over_time(axes)
        axes.set_ylim(0, 104)

    return drawn("utilization", draw, height=2.8)


def history(report: ComparisonReport) -> str | None:
    """Return tokens/s and worst cosine of comparable runs by run id, baselines marked; None for fewer than two runs."""
    runs = report.history
    if len(runs) < 2:
        return None

    def draw(figure: Figure) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        _past(upper, runs, [run.tokens_per_s if run.same_clock else None for run in runs])
        upper.set_ylabel("tokens/s")
        upper.yaxis.set_major_formatter(FuncFormatter(lambda value, _: fmt.number(value)))
        worst = [None if run.cosine_min is None else log_distance(run.cosine_min) for run in runs]
        _past(lower, runs, worst)
        lower.axhline(log_distance(report.limits["cosine"]), color=LIMIT, linestyle="--", linewidth=1)
        lower.set_ylabel("lowest similarity")
        lower.yaxis.set_major_formatter(FuncFormatter(similarity_at))
        lower.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        shown = range(0, len(runs), -(-len(runs) // 12))
        lower.set_xticks(list(shown), [str(runs[place].id) for place in shown])
        lower.set_xlabel("run, oldest first")
        _marks_legend(upper, runs)

    return drawn("history", draw, height=4.4)


def _histogram(axes: Axes, found: Sequence[Distribution], limit: float) -> None:
    """Shares in percent, so that runs of different sizes compare."""
    for one in found:
        shares = [100 * count / one.n for count in one.counts]
        is_base = one.side == "baseline"
        axes.stairs(
            shares, EDGES, fill=is_base, color=_COLOURS[one.side], alpha=0.45 if is_base else 1.0, linewidth=1.6
        )
    axes.axvline(limit, color=LIMIT, linestyle="--", linewidth=1.2)
    axes.set_ylabel("% of seq.")
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.set_ylim(bottom=0)
    axes.margins(y=0.15)


def _line(axes: Axes, line: TimeSeries, style: str, label: str) -> None:
    xs, ys = zip(*line.points, strict=True)
    marker = "o" if len(xs) == 1 else ""
    axes.plot(
        xs, ys, color=_COLOURS[line.side], linestyle=style, marker=marker, markersize=4, linewidth=1.5, label=label
    )


def _over_time(axes: Axes, *, legend_columns: int = 3) -> None:
    axes.set_xlabel("seconds since the first sample of the run")
    # from 0, so that twice as fast looks twice as high
    axes.set_ylim(bottom=0)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=legend_columns, borderaxespad=0)


def _past(axes: Axes, runs: Sequence[PastRun], values: Sequence[float | None]) -> None:
    at = [(place, value) for place, value in enumerate(values) if value is not None]
    axes.plot([x for x, _ in at], [y for _, y in at], color=INK, linewidth=0.8, alpha=0.5)
    for place, value in at:
        run = runs[place]
        colour = _COLOURS[run.role] if run.role else INK
        axes.plot(place, value, color=colour, marker="o", markersize=8 if run.role else 4)
        if run.baselines:
            axes.plot(place, value, color=LIMIT, marker="D", markersize=13, fillstyle="none", markeredgewidth=1.4)
    axes.margins(x=0.04, y=0.25)


def _marks_legend(axes: Axes, runs: Sequence[PastRun]) -> None:
    for side in SIDES:
        axes.plot(
            [],
            [],
            color=_COLOURS[side],
            marker="o",
            markersize=8,
            linestyle="",
            label=f"{LETTERS[side]} of this comparison",
        )
    if any(run.baselines for run in runs):
        axes.plot(
            [], [], color=LIMIT, marker="D", markersize=11, fillstyle="none", linestyle="", label="pinned baseline"
        )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)


def _legend(figure: Figure, axes: Axes, limit: str) -> None:
    for side in SIDES:
        axes.plot([], [], color=_COLOURS[side], linewidth=5 if side == "baseline" else 1.6, label=LETTERS[side])
    axes.plot([], [], color=LIMIT, linestyle="--", linewidth=1.2, label=limit)
    figure.legend(loc="outside upper right", ncols=3)
