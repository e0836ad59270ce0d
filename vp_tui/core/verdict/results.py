"""Result of every gate at the end of a run: one row per gate, for the table of measures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from vp_tui.core.config import STRATA
from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.gates.gate import Gate, Style
from vp_tui.core.gates.table import GATES, LABELS
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail, reach_of, scopes_of, value_of
from vp_tui.core.verdict.judge import numbers_of
from vp_tui.core.verdict.words import limit_words

State = Literal["pass", "note", "warn", "fail", "blind", "not measured", "not judged"]
"""note: a miss of an information gate. blind: passed, but detected none of the negative controls. not judged: beyond a
limit that the run was not judged by (an older run, or the error of a reference that is not FP32)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """Result of one gate of a run."""

    id: str
    title: str
    values: Mapping[str, float | None]
    """short, medium, long, all -> the number that is judged there."""
    style: Style
    """Number format."""
    limit: str
    """Warn limit with the fail limit in brackets: `>=0.98 (0.95)`."""
    state: State


def gate_results(
    measured: Measured, strata: Sequence[StratumStats], findings: Sequence[Finding], limits: Thresholds
) -> tuple[GateResult, ...]:
    """Return one row per gate of this kind of run, in order.

    `findings` decide the state: they were made under the profile of the run.
    """
    numbers = numbers_of(strata, measured)
    blind = detail(measured.details, "controls", "blind") or ()
    mine = [gate for gate in (*GATES, *LABELS) if not gate.is_of_judged or gate.measure in numbers]
    return tuple(_result(gate, numbers, findings, limits, is_blind=gate.id in blind) for gate in mine)


def _result(
    gate: Gate,
    numbers: Mapping[str, Mapping[str, Numbers]],
    findings: Sequence[Finding],
    limits: Thresholds,
    *,
    is_blind: bool,
) -> GateResult:
    mine = numbers.get(gate.measure, {})
    values = {scope: value_of(gate, mine.get(scope, {})) for scope in scopes_of(gate)}
    state = _found(gate.id, findings)
    if state is None and any(reach_of(gate, mine.get(scope, {}), limits) for scope in scopes_of(gate)):
        # Silent because a more severe gate covers it, or because the run was not judged by these limits.
        silent: State = "note" if gate.kind == "information" else "not judged"
        state = (gate.covered_by and _found(gate.covered_by.id, findings)) or silent
    if state is None:
        state = _unfound(values, is_blind=is_blind and gate.is_on_embeddings)
    return GateResult(
        id=gate.id,
        title=gate.title,
        values={scope: values.get(scope) for scope in (*STRATA, "all")},
        style=gate.style,
        limit=limit_words(gate, limits),
        state=state,
    )


def _found(gate_id: str, findings: Sequence[Finding]) -> State | None:
    """The most severe finding of the gate, or None."""
    severities = {finding.severity for finding in findings if finding.gate == gate_id}
    if "fail" in severities:
        return "fail"
    return "warn" if "warn" in severities else None


def _unfound(values: Mapping[str, float | None], *, is_blind: bool) -> State:
    if all(value is None for value in values.values()):
        return "not measured"
    return "blind" if is_blind else "pass"
