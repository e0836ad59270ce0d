"""Maps of a model by module and block: error over rounding, headroom, subnormal share of every module of a run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from vp_tui.core import text as fmt
from vp_tui.core.gates.engine import R4
from vp_tui.core.gates.model import V3, V4
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds

Quantity = Literal["rounding", "headroom", "subnormal"]
QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)
Grade = Literal["plain", "warn", "fail"]
STEPS: Final = 5
"""Shades of what is within its limit, from harmless to near the limit."""
_FIELDS: Final[Mapping[Quantity, str]] = {"rounding": "ratio", "headroom": "bits", "subnormal": "subnormal_share"}
TITLES: Final[Mapping[Quantity, str]] = {
    "rounding": "error of each module, in multiples of plain rounding",
    "headroom": "doublings left in each module before the format overflows",
    "subnormal": "share of values in each module that are so small that digits are lost",
}
_IN_BLOCK: Final = re.compile(r"(?P<before>[^\d]*)\.(?P<block>\d+)(?:\.(?P<inside>.+))?")
WHOLE_BLOCK: Final = "whole block"
NOT_STORED: Final = "no numbers of single modules are stored with this run"


@dataclass(frozen=True, slots=True)
class Spot:
    """One module of one block; `value` is None where it was not measured."""

    module: str
    """Its full name."""
    value: float | None
    is_broken: bool
    """The candidate has NaN or Inf there."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Rows are modules in the order of execution, columns are blocks."""

    quantity: Quantity
    rows: tuple[str, ...]
    blocks: int
    """0 for a model without blocks."""
    spots: Mapping[tuple[str, int], Spot]
    """(row, block) -> spot; a module outside the blocks stands in column 0."""
    note: str
    """What is missing; empty where every module is there."""


def heat_map(snapshot: RunSnapshot, quantity: Quantity) -> HeatMap:
    """Return the map of a run; without rows where nothing is stored, with the reason as its note."""
    details = snapshot.measures.get("details", {})
    every: Sequence[Mapping[str, Any]] = details.get("modules") or ()
    rows = every or details.get(quantity) or ()
    field = _FIELDS[quantity]
    spots: dict[tuple[str, int], Spot] = {}
    blocks = 0
    for row in rows:
        name = str(row["module"])
        at, inside = _place(name)
        # headroom and small values are those of exact arithmetic, which does not break
        is_broken = quantity == "rounding" and bool(row.get("nonfinite"))
        spots[inside, max(at, 0)] = Spot(name, row.get(field), is_broken)
        blocks = max(blocks, at + 1)
    names = tuple(dict.fromkeys(inside for inside, _ in spots))
    return HeatMap(quantity, names, blocks, spots, _note(snapshot, quantity, len(rows), is_every=bool(every)))


def _place(name: str) -> tuple[int, str]:
    """Return block and row of a module; block -1 outside the blocks."""
    found = _IN_BLOCK.match(name)
    if found is None:
        return -1, name
    inside = found["inside"] or WHOLE_BLOCK
    return int(found["block"]), inside


def _note(snapshot: RunSnapshot, quantity: Quantity, stored: int, *, is_every: bool) -> str:
    if not stored:
        if snapshot.run.is_active:
            return "modules are measured after the last sequence"
        reasons = snapshot.measures.get("details", {}).get("not_measured") or {}
        why = next((reasons[name] for name in ("R4", "V3", "V4") if name in reasons), None)
        return f"{NOT_STORED}: {why}" if why else NOT_STORED
    if not is_every:
        return f"this run stored only the {stored} most conspicuous modules; ? are the others"
    if quantity == "rounding":
        return "? are modules at which plain rounding makes no error to compare with"
    return ""


def grade(spot: Spot, quantity: Quantity, limits: Thresholds) -> Grade:
    """Return how a module stands against the limits of its quantity."""
    if spot.is_broken:
        return "fail"
    if spot.value is None:
        return "plain"
    if quantity == "headroom":
        return "fail" if spot.value < limits.fail(V3) else "warn" if spot.value < limits.warn(V3) else "plain"
    return "warn" if spot.value > limits.fail(R4 if quantity == "rounding" else V4) else "plain"


def shade(value: float, quantity: Quantity, limits: Thresholds) -> int:
    """Return 0 (harmless) to STEPS - 1 (near the limit); beyond the limit it stays there."""
    return sum(value <= edge if quantity == "headroom" else value > edge for edge in edges(quantity, limits))


def edges(quantity: Quantity, limits: Thresholds) -> tuple[float, ...]:
    """Return the values between two shades, the most harmless first."""
    parts = range(1, STEPS)
    if quantity == "rounding":
        return tuple(1 + (limits.fail(R4) - 1) * (part - 1) / (STEPS - 1) for part in parts)
    if quantity == "headroom":
        return tuple(limits.warn(V3) + 2.0 * (STEPS - part) for part in parts)
    return tuple(limits.fail(V4) * 10.0 ** (part - STEPS) for part in parts)


def words(spot: Spot, quantity: Quantity, limits: Thresholds) -> str:
    """Return the number of a module with its limit, in words."""
    if spot.is_broken:
        return "NaN or Inf"
    if spot.value is None:
        return "nothing to compare with" if quantity == "rounding" else "not measured"
    if quantity == "rounding":
        return f"{fmt.ratio(spot.value)} plain rounding (warning above {fmt.limit(limits.fail(R4))}x)"
    if quantity == "headroom":
        fails, warns = fmt.limit(limits.fail(V3)), fmt.limit(limits.warn(V3))
        return f"{fmt.measure(spot.value, 'bits')} doublings left (warning below {warns}, fails below {fails})"
    return f"{fmt.percent(spot.value)} of its values (warning above {fmt.percent(limits.fail(V4))})"
