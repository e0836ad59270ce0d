"""Pages as one HTML file: no script, no external resources; for light mode, dark mode and print."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from vp_tui.core.events import SequenceResult
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.comparison_page import comparison_page
from vp_tui.core.report.heat_map import QUANTITIES, heat_map
from vp_tui.core.report.heat_map_svg import heat_map_svg, title_of
from vp_tui.core.report.page import Page
from vp_tui.core.report.run_page import run_page
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import limit

_TEMPLATE: Final = "page.html.j2"


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """One chart, or a sentence in its place."""

    name: str
    title: str
    svg: str | None
    without: str
    reading: str = ""
    """How to read it."""


@dataclass(frozen=True, slots=True)
class Illustrated:
    """A page and its charts."""

    page: Page
    figures: tuple[ChartFigure, ...]


def comparison_html(report: ComparisonReport, *, everything: bool = False) -> str:
    """Return the comparison with its four charts and the history as a table."""
    # matplotlib takes most of a second; only a page with charts needs it
    from vp_tui.core.report import charts

    devices = {run.device for run in (report.base[0], report.cand[0])}
    no_gpu = "Both runs used the CPU." if devices == {"cpu"} else "GPU utilization was not reported."
    figures = tuple(
        ChartFigure(name, title, draw(report), without)
        for name, title, draw, without in (
            ("distribution", "Similarity to the reference, by stratum", charts.distribution, "No sequences stored."),
            ("throughput", "Tokens/s over time, first run of each side", charts.throughput, "No timed blocks."),
            ("utilization", "GPU utilization over time, first run of each side", charts.utilization, no_gpu),
            ("history", "History of comparable runs", charts.history, "No other comparable runs."),
        )
    )
    page = comparison_page(report, everything=everything, with_history=True)
    return pages_html(f"{page.title}: {page.word}", [Illustrated(page, figures)])


def runs_html(runs: Sequence[tuple[RunSnapshot, Sequence[SequenceResult]]]) -> str:
    """Return one page per run with its charts, below each other in one file."""
    pages = [Illustrated(run_page(snapshot, results), _run_figures(snapshot, results)) for snapshot, results in runs]
    title = f"{pages[0].page.title}: {pages[0].page.word}" if len(pages) == 1 else "Runs"
    return pages_html(title, pages)


def _run_figures(snapshot: RunSnapshot, results: Sequence[SequenceResult]) -> tuple[ChartFigure, ...]:
    """The charts in their order on the page; a further one is a further row here."""
    from vp_tui.core.report import run_charts

    needed = limit(snapshot.limits.fail(M1))
    kinds = (
        (
            "distribution", "How similar: number of sequences by similarity", run_charts.distribution,
            f"Each step to the left is ten times closer to the reference. To the right of {needed} a sequence fails.",
        ),
        (
            "length", "Similarity of each sequence, by length", run_charts.by_length,
            f"One point per sequence, better is up; crosses at the foot are sequences with NaN or Inf. Below {needed} "
            f"a sequence fails. Of more than {run_charts.MAX_POINTS} sequences, the least similar and an even choice "
            "of the others are drawn.",
        ),
        (
            "speed", "Speed of both precisions, by length", run_charts.speed,
            "Tokens per second while encoding, longer is faster; the number is the speed-up.",
        ),
    )  # fmt: skip
    without = {"speed": "No speed was measured."}
    figures = []
    for kind, title, draw, reading in kinds:
        name = f"run{snapshot.run.id}-{kind}"
        missing = without.get(kind, "No sequences stored.")
        figures.append(ChartFigure(name, title, draw(snapshot, results, name), missing, reading))
    return (*figures, *_maps(snapshot))


def _maps(snapshot: RunSnapshot) -> list[ChartFigure]:
    """The maps of a run by module and block; without any the reason of the first."""
    found = [heat_map(snapshot, quantity) for quantity in QUANTITIES]
    figures = [
        ChartFigure(name, title_of(one), heat_map_svg(one, snapshot.limits, name), one.note)
        for one in found
        for name in (f"run{snapshot.run.id}-{one.quantity}-map",)
    ]
    return [figure for figure in figures if figure.svg] or figures[:1]


def pages_html(title: str, pages: Sequence[Illustrated]) -> str:
    """Return the pages as a document; everything is escaped except charts, which escape what they show."""
    environment = Environment(
        loader=PackageLoader("vp_tui.core.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    return environment.get_template(_TEMPLATE).render(title=title, pages=pages) + "\n"
