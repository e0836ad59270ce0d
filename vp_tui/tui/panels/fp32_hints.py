"""What is known already about operations that must stay in FP32: the modules that a search would begin with."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.gates.model import R4, V3
from vp_tui.core.measurements import from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail
from vp_tui.tui.keymap import BY_ID
from vp_tui.tui.marks import MARKS, Level, line, lines, styled

PURPOSE = (
    "Some models lose their accuracy in FP16 through a few operations only, as a softmax or a norm that overflows. "
    "The search will find them: it keeps groups of operations in FP32, runs the rest in FP16, and narrows down to the "
    "smallest group with which all gates pass. It does not exist yet."
)
_MODULES = 5
_NAME = 34


def hints(snapshot: RunSnapshot, measures_key: str = BY_ID["search.measures"].shown) -> Content:
    """What the search is for, then what the run on the Live screen says about single modules."""
    details, limits = from_document(snapshot.measures).details, snapshot.limits
    known = [*_born(details), *_rounding(details, limits), *_headroom(details, limits)]
    title = f"What run #{snapshot.run.id} says already"
    rows = [styled("Search for FP32-only operations", "title"), Content(PURPOSE), Content(""), styled(title, "title")]
    if snapshot.run.verdict == "PASS":
        rows.append(line(("PASS", "good"), ": nothing to search for, every operation may run in this precision."))
    rows += known or [Content(_nothing(snapshot))]
    rows += [Content(""), line(("Press ", "dim"), (measures_key, "info"), (" for all its measures.", "dim"))]
    return lines(rows)


def _nothing(snapshot: RunSnapshot) -> str:
    if snapshot.run.is_active:
        return "It is not finished: single modules are looked at after the last sequence."
    return "It has no numbers of single modules: it ended early, or ran with fewer gates."


def _born(details: Mapping[str, Any]) -> list[Content]:
    """The points stand in the order of the computation, so the first one is the birthplace."""
    broken = detail(details, "nonfinite") or ()
    if not broken:
        return []
    first = broken[0]
    words = f" the first NaN or Inf is born in {fmt.safe(first['module'])} ({fmt.exact(first['count'])} values)"
    return [line((MARKS["fail"], "fail"), words, ": keep this module in FP32 first.")]


def _rounding(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = _listed(detail(details, "rounding"))
    rows = [
        _module(row["module"], f"{fmt.ratio(row['ratio'])}", _level(row["ratio"], limits))
        for row in found
        if row.get("ratio") is not None
    ]
    words = f"Error beside what rounding alone would do (R4, warns above {fmt.limit(limits.warn(R4))}):"
    return [Content(words), *rows] if rows else []


def _level(ratio: float, limits: Thresholds) -> Level:
    if ratio > limits.fail(R4):
        return "fail"
    return "warn" if ratio > limits.warn(R4) else "plain"


def _headroom(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = sorted(_listed(detail(details, "headroom")), key=lambda row: float(row["bits"]))
    rows = [
        _module(
            row["module"],
            f"{fmt.measure(row['bits'], 'bits')} doublings left",
            "fail" if row["bits"] < limits.fail(V3) else "warn" if row["bits"] < limits.warn(V3) else "plain",
        )
        for row in found
    ]
    return [Content("Nearest to the largest number of the format (V3):"), *rows] if rows else []


def _listed(found: Any) -> Sequence[Mapping[str, Any]]:
    """What an older version wrote otherwise is left out."""
    return found[:_MODULES] if isinstance(found, list) else ()


def _module(name: str, words: str, level: Level) -> Content:
    return line("  ", (f"{MARKS.get(level, ' ')} {fmt.clip(fmt.safe(name), _NAME):<{_NAME}} {words}", level))
