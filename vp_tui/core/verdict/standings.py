"""How every gate stands at the end of a run: one row per gate, for the table of measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vp_tui.core.config import STRATA
from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.gate import Gate, Style, detail, reach_of, value_of
from vp_tui.core.verdict.gates import GATES
from vp_tui.core.verdict.judge import numbers_of
from vp_tui.core.verdict.words import limit_words

State = Literal["pass", "warn", "fail", "blind", "not measured", "not judged"]
"""blind: passed, but it caught none of the negative controls; not judged: beyond a limit the run was not judged by (an
older run, or the error of a reference that is not FP32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One gate of a run."""

    id: str
    title: str
    values: Mapping[str, float | None]
    """short, medium, long, all -> the number that is judged there."""
    style: Style
    """How the numbers are written."""
    limit: str
    """What is asked: `>=0.98 (0.95)`, the hard limit in brackets."""
    state: State


def standings(
    measured: Measured, strata: Sequence[StratumStats], findings: Sequence[Finding], limits: Thresholds
) -> tuple[Standing, ...]:
    """Every gate in order; the state is that of `findings`, which know the profile the run was judged by."""
    numbers = numbers_of(strata, measured)
    blind = detail(measured.details, "controls", "blind") or ()
    return tuple(_standing(gate, numbers, findings, limits, is_blind=gate.id in blind) for gate in GATES)


def _standing(
    gate: Gate,
    numbers: Mapping[str, Mapping[str, Numbers]],
    findings: Sequence[Finding],
    limits: Thresholds,
    *,
    is_blind: bool,
) -> Standing:
    mine = numbers.get(gate.measure, {})
    values = {scope: value_of(gate, mine.get(scope, {})) for scope in gate.asked_in}
    state = _found(gate.id, findings)
    if state is None and any(reach_of(gate, mine.get(scope, {}), limits) for scope in gate.asked_in):
        # Silent because a graver gate said it already, or because it was not judged by these limits.
        state = _found(gate.covered_by, findings) or "not judged"
    if state is None:
        state = _unfound(values, is_blind=is_blind and gate.controlled)
    return Standing(
        id=gate.id,
        title=gate.title,
        values={scope: values.get(scope) for scope in (*STRATA, "all")},
        style=gate.style,
        limit=limit_words(gate, limits),
        state=state,
    )


def _found(gate_id: str | None, findings: Sequence[Finding]) -> State | None:
    """The gravest the gate has found, or None."""
    severities = {finding.severity for finding in findings if finding.gate == gate_id}
    if "fail" in severities:
        return "fail"
    return "warn" if "warn" in severities else None


def _unfound(values: Mapping[str, float | None], *, is_blind: bool) -> State:
    if all(value is None for value in values.values()):
        return "not measured"
    return "blind" if is_blind else "pass"
