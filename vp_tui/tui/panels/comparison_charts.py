"""Charts of the Compare screen: distributions of both sides, and throughput over time."""

from typing import TYPE_CHECKING

from textual import events
from textual.widgets import Static

if TYPE_CHECKING:
    from textual.content import Content

    from vp_tui.core.report.comparison import ComparisonReport

# as in the distribution beside it: what is tested is brighter than what it is held against
_LOOKS = {"baseline": "reference", "candidate": "candidate"}


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

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content":
        raise NotImplementedError

    def copy_text(self) -> str:
        return self.drawn(self._report, *self.content_size).plain.rstrip() if self._report is not None else ""


class DistributionChart(ComparisonChart):
    """The similarity of both sides overlaid, with the limit."""

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content":
        # imports numpy and the store
        from vp_tui.tui.panels.distributions import distributions

        return distributions(report.distributions, report.limits["cosine"], width, height)


class SpeedChart(ComparisonChart):
    """Tokens/s of both candidate runs over time."""

    def drawn(self, report: "ComparisonReport", width: int, height: int) -> "Content":
        from textual.content import Content

        # slow import, not needed for the first frame
        from vp_tui.core.report.comparison_words import LETTERS
        from vp_tui.tui import charts
        from vp_tui.tui.series import legend

        timed = [one for one in report.throughput if one.name == "candidate"]
        if not timed:
            return Content("no data: no timed blocks in these runs")
        found = charts.rates(
            {_LOOKS[one.side]: one.points for one in timed},
            right=max(second for one in timed for second, _ in one.points),
            name="seconds",
            width=width,
            height=height - 1,
        )
        words = legend({_LOOKS[one.side]: LETTERS[one.side] for one in timed})
        return Content("\n").join([words, found.content])
