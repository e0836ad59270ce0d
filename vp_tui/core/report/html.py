"""Pages as one HTML file: no script, no external resources; for light mode, dark mode and print."""

from collections.abc import Sequence
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.comparison_page import comparison_page
from vp_tui.core.report.heat_map import QUANTITIES, heat_map
from vp_tui.core.report.heat_map_svg import heat_map_svg, title_of
from vp_tui.core.report.page import Page
from vp_tui.core.store.snapshot import RunSnapshot

_TEMPLATE = "page.html.j2"


@dataclass(frozen=True, slots=True)
class ChartFigure:
    """One chart, or a sentence in its place."""

    name: str
    title: str
    svg: str | None
    without: str


def comparison_html(report: ComparisonReport, *, everything: bool = False) -> str:
    """Return the comparison with its four charts and the history as a table."""
    # matplotlib takes most of a second; an export of runs has no charts
    from vp_tui.core.report import charts

    devices = {run.device for run in (report.base[0], report.cand[0])}
    no_gpu = "Both runs used the CPU." if devices == {"cpu"} else "GPU utilization was not reported."
    figures = [
        ChartFigure(name, title, draw(report), without)
        for name, title, draw, without in (
            ("distribution", "Similarity to the reference, by stratum", charts.distribution, "No sequences stored."),
            ("throughput", "Tokens/s over time, first run of each side", charts.throughput, "No timed blocks."),
            ("utilization", "GPU utilization over time, first run of each side", charts.utilization, no_gpu),
            ("history", "History of comparable runs", charts.history, "No other comparable runs."),
        )
    ]
    page = comparison_page(report, everything=everything, with_history=True)
    return pages_html(f"{page.title}: {page.word}", [page], figures)


def maps(snapshot: RunSnapshot) -> list[ChartFigure]:
    """Return the maps of a run by module and block, each a chart or the reason why there is none."""
    found = [heat_map(snapshot, quantity) for quantity in QUANTITIES]
    return [
        ChartFigure(f"{one.quantity}-map", title_of(one), heat_map_svg(one, snapshot.limits), one.note) for one in found
    ]


def pages_html(title: str, pages: Sequence[Page], figures: Sequence[ChartFigure] = ()) -> str:
    """Return the pages, charts in the last; everything is escaped except charts, which hold no stored text."""
    environment = Environment(
        loader=PackageLoader("vp_tui.core.report", ""), autoescape=True, undefined=StrictUndefined, trim_blocks=False
    )
    return environment.get_template(_TEMPLATE).render(title=title, pages=pages, figures=figures) + "\n"
