"""Charts of the Compare screen: distributions of both sides, and throughput over time."""

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.widgets import Static

from vp_tui.core import text as fmt

if TYPE_CHECKING:
    from rich.text import Text
    from textual.content import Content

    from vp_tui.core.report.comparison import ComparisonReport

_STYLES = {"baseline": "chart--reference", "candidate": "chart--candidate"}


class ComparisonChart(Static):
    """Draws a report; again only if the report or the size changed."""

    ALLOW_SELECT = False
    can_focus = True

    def __init__(self, *, id: str, topic: str) -> None:
        super().__init__("", id=id, markup=False)
        self.topic = topic
        self._report: ComparisonReport | None = None
        self._drawn: object = None

    def show(self, report: "ComparisonReport") -> None:
        self._report = report
        width, height = self.content_size
        state = (report, width, height, self.app.theme)
        if width < 12 or height < 3 or state == self._drawn:
            return
        self._drawn = state
        self.update(self.drawn(report, width, height))

    def on_resize(self, _: events.Resize) -> None:
        if self._report is not None:
            self.show(self._report)

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content | Text":
        raise NotImplementedError

    def copy_text(self) -> str:
        return self.drawn(self._report, *self.content_size).plain.rstrip() if self._report is not None else ""


class DistributionChart(ComparisonChart):
    """log10(1 - cosine) of both sides overlaid, with the limit."""

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content":
        # imports numpy and the store
        from vp_tui.tui.panels.distributions import distributions

        return distributions(report.distributions, report.limits["cosine"], width, height)


class SpeedChart(ComparisonChart):
    """Tokens/s of both candidate runs over time."""

    COMPONENT_CLASSES: ClassVar[set[str]] = set(_STYLES.values())

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content | Text":
        from textual.content import Content

        # slow import, not needed for the first frame
        from vp_tui.core.report.comparison_words import LETTERS
        from vp_tui.tui import charts

        timed = [one for one in report.throughput if one.name == "candidate"]
        if not timed:
            return Content("no data: no timed blocks in these runs")
        top = max(value for one in timed for _, value in one.points)
        return charts.render(
            [charts.Series(LETTERS[one.side], one.side, one.points) for one in timed],
            axis=charts.Axis(0.0, 1.05 * top, {0.0: "0", top / 2: fmt.number(top / 2), top: fmt.number(top)}),
            width=width,
            height=height,
            palette={side: self.get_component_styles(name).color.rgb for side, name in _STYLES.items()},
        )
