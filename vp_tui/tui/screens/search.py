"""Screen 4: modules to keep in FP32 first; the automatic search is not implemented yet."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.gates.engine import R4
from vp_tui.core.gates.model import V3
from vp_tui.core.measurements import from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail
from vp_tui.tui.keymap import BY_ID, bindings
from vp_tui.tui.marks import MARKS, Level, line, lines, styled
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.main_screen import MainScreen, empty_words

PURPOSE = (
    "A model may lose its accuracy in FP16 through a few operations only, such as a softmax or a norm that overflows. "
    "An automatic search for the smallest set of operations to keep in FP32 is not implemented yet. Below are the "
    "modules to keep in FP32 first, from the measures of the run."
)
NOTHING = "No measures of single modules: the run ended early, or ran with fewer gates."
_MODULES = 5
_NAME = 34


class SearchBody(VerticalScroll, can_focus=True):
    """The text, with its own scrolling."""

    topic = "search"


class SearchScreen(MainScreen):
    """Modules of the run on the Live screen to keep in FP32 first."""

    BINDINGS = bindings("search")
    AUTO_FOCUS = "#search"

    def body(self) -> list[Widget]:
        return [Panel(id="empty"), SearchBody(Panel(id="hints"), id="search")]

    def show(self, view: StoreView) -> None:
        self.set_class(not view.runs and view.snapshot is None, "-empty")
        self.query_one("#empty", Panel).show(empty_words(view))
        self.query_one("#hints", Panel).show(hints(view.snapshot) if view.snapshot else Content(""))


def hints(snapshot: RunSnapshot, measures_key: str = BY_ID["search.measures"].shown) -> Content:
    """Return the purpose of the search, then the modules that the run points to."""
    details, limits = from_document(snapshot.measures).details, snapshot.limits
    known = [*_first_nonfinite(details), *_rounding(details, limits), *_headroom(details, limits)]
    title = f"Run #{snapshot.run.id}"
    rows = [styled("Search for FP32-only operations", "title"), Content(PURPOSE), Content(""), styled(title, "title")]
    if snapshot.run.verdict == "PASS":
        rows.append(line(("PASS", "good"), ": no operation needs FP32."))
    if not known:
        is_early = snapshot.run.is_active
        known = [Content("Not finished: modules are measured after the last sequence." if is_early else NOTHING)]
    rows += known
    rows += [Content(""), line(("Press ", "dim"), (measures_key, "info"), (" for all its measures.", "dim"))]
    return lines(rows)


def _first_nonfinite(details: Mapping[str, Any]) -> list[Content]:
    """Return the first module with NaN or Inf; modules are listed in the order of computation."""
    broken = detail(details, "nonfinite") or ()
    if not broken:
        return []
    first = broken[0]
    words = f" First NaN/Inf in {fmt.safe(first['module'])} ({fmt.exact(first['count'])} values)"
    return [line((MARKS["fail"], "fail"), words, ": keep this module in FP32 first.")]


def _rounding(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = _listed(detail(details, "rounding"))
    rows = [
        _module(row["module"], f"{fmt.ratio(row['ratio'])}", _level(row["ratio"], limits))
        for row in found
        if row.get("ratio") is not None
    ]
    words = f"Error relative to the FP16 rounding floor (R4, warns above {fmt.limit(limits.fail(R4))}):"
    return [Content(words), *rows] if rows else []


def _level(ratio: float, limits: Thresholds) -> Level:
    return "warn" if ratio > limits.fail(R4) else "plain"


def _headroom(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = sorted(_listed(detail(details, "headroom")), key=lambda row: float(row["bits"]))
    rows = [
        _module(
            row["module"],
            f"{fmt.measure(row['bits'], 'bits')} to overflow",
            "fail" if row["bits"] < limits.fail(V3) else "warn" if row["bits"] < limits.warn(V3) else "plain",
        )
        for row in found
    ]
    return [Content("Closest to overflow (V3):"), *rows] if rows else []


def _listed(found: Any) -> Sequence[Mapping[str, Any]]:
    return (found or ())[:_MODULES]


def _module(name: str, words: str, level: Level) -> Content:
    return line("  ", (f"{MARKS.get(level, ' ')} {fmt.clip(fmt.safe(name), _NAME):<{_NAME}} {words}", level))
