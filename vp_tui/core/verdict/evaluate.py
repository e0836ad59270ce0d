"""One gate on the numbers of one scope: the judged number, the missed limit, and how severe the miss is.

A number that does not exist (None) is never a miss; a number that is not finite always is.
"""

from collections.abc import Mapping
from typing import Any, Literal

from vp_tui.core.config import STRATA, Profile
from vp_tui.core.events import Severity
from vp_tui.core.gates.gate import Gate, Sense
from vp_tui.core.measurements import Numbers
from vp_tui.core.thresholds import Thresholds

Reach = Literal["fail", "warn"]
"""The limit that was missed; `fail` is the farther one."""


def scopes_of(gate: Gate) -> tuple[str, ...]:
    """Return the scopes in which a gate is judged."""
    return (*STRATA, "all") if gate.scopes == "strata" else ("all",)


def value_of(gate: Gate, numbers: Numbers) -> float | None:
    """Return the number that is judged: the worst of those that exist, or None."""
    existing = [number for name in gate.names if (number := numbers.get(name)) is not None]
    if not existing:
        return None
    if gate.sense in {"below", "at_or_below"}:
        return min(existing)
    centre = 1.0 if gate.sense == "away_from_one" else 0.0
    return max(existing) if gate.sense == "above" else max(existing, key=lambda number: abs(number - centre))


def reach_of(gate: Gate, numbers: Numbers, limits: Thresholds) -> Reach | None:
    """Return the farthest limit that was missed, or None."""
    if gate.counted and (numbers.get(gate.counted) or 0) > 0:
        return "fail"
    value = value_of(gate, numbers)
    if value is None or (gate.only_if is not None and reach_of(gate.only_if, numbers, limits) is None):
        return None
    if gate.fail is not None and not _is_within(gate.sense, value, limits.fail(gate)):
        return "fail"
    return "warn" if gate.warn is not None and not _is_within(gate.sense, value, limits.warn(gate)) else None


def _is_within(sense: Sense, value: float, limit: float) -> bool:
    """Comparisons are written so that NaN is never within."""
    match sense:
        case "below":
            return value >= limit
        case "at_or_below":
            return value > limit
        case "above":
            return value <= limit
        case "away_from_one":
            return 1.0 - limit <= value <= 1.0 + limit
        case "away_from_zero":
            return abs(value) <= limit


def severity_of(gate: Gate, reach: Reach, gates: Profile) -> Severity:
    """Return the severity of a miss, from the kind of the gate and the profile."""
    if gate.kind == "information":
        return "info"
    if reach == "warn":
        return "warn"
    return "fail" if gate.kind == "safety" or gates == "strict" else "warn"


def limit_of(gate: Gate, reach: Reach, limits: Thresholds) -> float:
    """Return the limit that was missed; for the senses away_from_* it is a distance."""
    return limits.fail(gate) if reach == "fail" else limits.warn(gate)


def detail(details: Mapping[str, Any], *keys: str) -> Any:
    """Return what is stored under `keys` in the details, or None where a step is missing."""
    found: Any = details
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
