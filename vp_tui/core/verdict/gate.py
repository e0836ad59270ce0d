"""One gate: which number it reads, on which side of which limit that number must be, and what a miss means.

A number that does not exist (None) is never a miss; a number that is not finite always is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vp_tui.core.config import STRATA, Gates
from vp_tui.core.events import Severity
from vp_tui.core.measurements import Numbers
from vp_tui.core.thresholds import Thresholds

Sense = Literal["below", "at_or_below", "above", "away_from_one", "away_from_zero", "any"]
"""Where a number misses: below or above its limit, farther than it from 1 or from 0, or at all (a count above 0)."""
Style = Literal["cosine", "error", "ratio", "share", "bits", "count"]
"""How the number is written."""
Reach = Literal["hard", "soft"]
"""Which limit was missed; the hard one is the farther."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """One row of the table of gates (core.verdict.gates)."""

    id: str
    """Finding.gate, and the name in docs/measures.md."""
    measure: str
    names: tuple[str, ...]
    """Numbers of the measure; of several the worst one is judged."""
    sense: Sense
    hard: str | None = None
    """The field of Thresholds; a gate with one limit has it here. None only with sense `any`, where 0 is the limit."""
    soft: str | None = None
    """The nearer limit: missing it warns under both profiles."""
    scopes: Literal["strata", "all"] = "strata"
    """Asked in short, medium, long and all, or of the whole set only."""
    style: Style = "error"
    title: str
    """A few words, for a table."""
    what: str
    """The number in words, for a sentence: `{scope}: {what} {number} above {limit}`."""
    meaning: str
    """What a miss means to a biologist; one sentence."""
    blind_to: str
    """What can be wrong without this gate seeing it; completes `does not see ...`."""
    decides: bool = False
    """A miss of the hard limit is a `fail` under `mission` too (and R1's makes the run INVALID)."""
    covered_by: str | None = None
    """The gate that says the same, graver: where it is missed, this one is silent."""
    only_if: tuple[str, str] | None = None
    """A further number of the measure and the limit (field) it must exceed for a miss."""
    counted: str | None = None
    """A further number of the measure that counts misses: above 0 is a miss too."""

    knows_worst: bool = False
    """The details name the sequence that is worst by this number."""

    @property
    def asked_in(self) -> tuple[str, ...]:
        """The scopes whose numbers are judged."""
        return (*STRATA, "all") if self.scopes == "strata" else ("all",)

    @property
    def controlled(self) -> bool:
        """True for the gates on embeddings: those the negative controls ask (core.controls)."""
        return self.id[0] in "MS"


def value_of(gate: Gate, numbers: Numbers) -> float | None:
    """The number that is judged: the worst of those there are, or None."""
    there = [number for name in gate.names if (number := numbers.get(name)) is not None]
    if not there:
        return None
    if gate.sense in {"below", "at_or_below"}:
        return min(there)
    centre = 1.0 if gate.sense == "away_from_one" else 0.0
    return max(there) if gate.sense == "above" else max(there, key=lambda number: abs(number - centre))


def reach_of(gate: Gate, numbers: Numbers, limits: Thresholds) -> Reach | None:
    """The farthest limit that was missed: hard, soft or None."""
    if gate.counted and (numbers.get(gate.counted) or 0) > 0:
        return "hard"
    value = value_of(gate, numbers)
    if value is None or not _asked(gate, numbers, limits):
        return None
    if gate.sense == "any":
        return "hard" if value != 0 else None
    if gate.hard and not _within(gate.sense, value, getattr(limits, gate.hard)):
        return "hard"
    return "soft" if gate.soft and not _within(gate.sense, value, getattr(limits, gate.soft)) else None


def _asked(gate: Gate, numbers: Numbers, limits: Thresholds) -> bool:
    """False where the gate's further number is missing or within its limit."""
    if gate.only_if is None:
        return True
    name, field = gate.only_if
    further = numbers.get(name)
    return further is not None and not further <= getattr(limits, field)


def _within(sense: Sense, value: float, limit: float) -> bool:
    """Comparisons are written so that NaN is never within."""
    match sense:
        case "below":
            return value >= limit
        case "at_or_below":
            return value > limit
        case "away_from_one":
            return 1.0 - limit <= value <= 1.0 + limit
        case "away_from_zero":
            return abs(value) <= limit
        case _:
            return value <= limit


def severity_of(gate: Gate, reach: Reach, gates: Gates) -> Severity:
    """Profile `mission`: only a deciding gate fails; `strict`: every missed hard limit fails."""
    if reach == "hard" and gate.decides:
        return "fail"
    return "fail" if gates == "strict" and reach == "hard" else "warn"


def limit_of(gate: Gate, reach: Reach, limits: Thresholds) -> float:
    """The limit that was missed, as the distance or bound the table of limits holds."""
    field = gate.hard if reach == "hard" else gate.soft
    return float(getattr(limits, field)) if field else 0.0


def detail(details: Mapping[str, Any], *keys: str) -> Any:
    """What lies under `keys` in the details, or None where a step is missing."""
    found: Any = details
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found
