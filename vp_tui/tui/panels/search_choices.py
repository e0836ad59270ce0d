"""The plans to choose from: a table, and where there is room a chart of accuracy against speed."""

from textual import events
from textual.content import Content
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.measures.scale import log_distance
from vp_tui.core.report import headings as words
from vp_tui.core.report.page import aligned
from vp_tui.core.runs.search.records import Choice, SearchResult
from vp_tui.tui.marks import MARKS, Level, line, styled

_TITLES = ("plan", "kept", "passes", words.LOWEST, words.TOKENS, "weights")
_STYLES = {"passes": "chart--candidate", "fails": "chart--fails"}


def table(result: SearchResult) -> list[Content]:
    """Return a line per plan, the fastest first, and what to know of them."""
    head, *rows = aligned([_TITLES, *map(_cells, result.choices)], right=range(1, len(_TITLES)))
    shown = [styled(head, "title")] if rows else []
    shown += [styled(row, _level(one)) for row, one in zip(rows, result.choices, strict=True)]
    remarks = [slower(result), *(f"Note: {note}" for note in result.notes)]
    return [*shown, *(line((f"{MARKS['warn']} ", "warn"), fmt.safe(words)) for words in remarks if words)]


def _cells(one: Choice) -> tuple[str, ...]:
    gap = "NaN" if one.cosine_min is None else fmt.similarity(one.cosine_min)
    passes = "yes" if one.passed else f"{MARKS['fail']} no"
    return (
        fmt.safe(one.name), str(one.kept), passes, gap, fmt.number(one.tokens_per_s), fmt.size(one.weight_bytes),
    )  # fmt: skip


def _level(one: Choice) -> Level:
    return "plain" if one.passed else "fail"


def slower(result: SearchResult) -> str:
    """Return that the plan is not worth it here, where keeping everything is as fast; empty where it is not."""
    by_name = {one.name: one for one in result.choices}
    whole = by_name.get(result.question.keep)
    plan = by_name.get(f"plan:{result.plan.name}") if result.plan is not None else None
    if whole is None or plan is None or not whole.passed or whole.tokens_per_s < plan.tokens_per_s:
        return ""
    return f"On this device ({result.device}) {whole.name} is as fast as the plan: the plan only saves memory"


class ChoicesChart(Static):
    """Accuracy against speed, a point per plan; drawn again only when result or size changed."""

    ALLOW_SELECT = False
    can_focus = True
    topic = "choices"
    COMPONENT_CLASSES = set(_STYLES.values())

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self._result: SearchResult | None = None
        self._drawn: object = None
        self.border_title = "accuracy against speed: upper left is best"

    def show(self, result: SearchResult) -> None:
        self._result = result
        width, height = self.content_size
        state = (result.choices, width, height, self.app.theme)
        if width < 20 or height < 5 or state == self._drawn or not result.choices:
            return
        self._drawn = state
        # slow import, not needed for the first frame
        from vp_tui.tui import charts

        points = [
            charts.Labelled(
                label=one.name,
                style="passes" if one.passed else "fails",
                mark="o" if one.passed else MARKS["fail"],
                x=None if one.cosine_min is None else log_distance(one.cosine_min),
                y=one.tokens_per_s,
            )
            for one in result.choices
        ]
        palette = {style: self.get_component_styles(name).color.rgb for style, name in _STYLES.items()}
        self.update(charts.tradeoff(points, width=width, height=height, palette=palette))

    def on_resize(self, _: events.Resize) -> None:
        if self._result is not None:
            self.show(self._result)
