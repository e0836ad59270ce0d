"""Hints of a run without a search: the modules that its own measures point to."""

from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.gates.engine import R4
from vp_tui.core.gates.model import V3
from vp_tui.core.measurements import from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail
from vp_tui.tui.keymap import BY_ID
from vp_tui.tui.marks import MARKS, Level, line, styled

NOTHING = "No measures of single modules: the run ended early, or ran with fewer gates."
_MODULES = 5
_NAME = 34


def hints(snapshot: RunSnapshot, measures_key: str = BY_ID["search.measures"].shown) -> list[Content]:
    """Return the modules that the run points to, line by line."""
    details, limits = from_document(snapshot.measures).details, snapshot.limits
    known = [*_first_nonfinite(details), *_rounding(details, limits), *_headroom(details, limits)]
    if not known:
        is_early = snapshot.run.is_active
        known = [Content("Not finished: modules are measured after the last sequence." if is_early else NOTHING)]
    more = line(("Press ", "dim"), (measures_key, "info"), (" for all its measures.", "dim"))
    return [styled("What the measures of the run point to", "title"), *known, Content(""), more]


def _first_nonfinite(details: Mapping[str, Any]) -> list[Content]:
    """Return the first module with NaN or Inf; modules are listed in the order of computation."""
    broken = detail(details, "nonfinite") or ()
    if not broken:
        return []
    first = broken[0]
    words = f" First NaN/Inf in {fmt.safe(first['module'])} ({fmt.plural(first['count'], 'value')})"
    return [line((MARKS["fail"], "fail"), words)]


def _rounding(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = _listed(detail(details, "rounding"))
    rows = [
        _module(row["module"], f"{fmt.ratio(row['ratio'])}", _level(row["ratio"], limits))
        for row in found
        if row.get("ratio") is not None
    ]
    words = f"Error relative to the rounding floor of the format (R4, warns above {fmt.limit(limits.fail(R4))}):"
    return [Content(words), *rows] if rows else []


def _level(ratio: float, limits: Thresholds) -> Level:
    return "warn" if ratio > limits.fail(R4) else "plain"


def _headroom(details: Mapping[str, Any], limits: Thresholds) -> list[Content]:
    found = sorted(_listed(detail(details, "headroom")), key=lambda row: float(row["bits"]))
    rows = [
        _module(
            row["module"],
            f"{fmt.measure(row['bits'], 'bits')} doublings to overflow",
            "fail" if row["bits"] < limits.fail(V3) else "warn" if row["bits"] < limits.warn(V3) else "plain",
        )
        for row in found
    ]
    return [Content("Closest to overflow (V3):"), *rows] if rows else []


def _listed(found: Any) -> Sequence[Mapping[str, Any]]:
    return (found or ())[:_MODULES]


def _module(name: str, words: str, level: Level) -> Content:
    return line("  ", (f"{MARKS.get(level, ' ')} {fmt.clip(fmt.safe(name), _NAME):<{_NAME}} {words}", level))
