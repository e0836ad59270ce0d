"""Tables of a run's gates: findings with advice, every measure in words, negative controls, what was not measured."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Measured, from_document
from vp_tui.core.report.answers import findings
from vp_tui.core.report.page import Column, Table, Tone, titled, toned
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.verdict.evaluate import detail
from vp_tui.core.verdict.results import GateResult, State, gate_results

TONES: Final[Mapping[str, Tone]] = {"fail": "bad", "warn": "open"}
_SCOPES: Final = (*STRATA, "all")
_ORDER: Final[tuple[State, ...]] = ("fail", "warn", "note", "blind", "pass", "not judged")
"""States in the order of the table."""
_MEASURES: Final = titled("result", "measure", *_SCOPES, "limit", numbers=_SCOPES, most=32)
_READING: Final = (
    "Of two limits the first warns; beyond the one in brackets a safety gate fails, and with --gates strict all but "
    "notes. note: not within its limit, which decides nothing. "
    "blind: passed, but detected none of the negative controls below. not judged: not within a limit that "
    "does not apply to this run."
)


def results_of(snapshot: RunSnapshot) -> tuple[GateResult, ...]:
    """Return the result of every gate; nothing for a run without a verdict."""
    if snapshot.run.verdict is None:
        return ()
    measured = from_document(snapshot.measures)
    return gate_results(measured, snapshot.strata, snapshot.findings, snapshot.limits)


def findings_table(snapshot: RunSnapshot) -> Table:
    """Return one row per cause that warns or fails, with its meaning and the next step; notes are answers."""
    found = list(findings(snapshot))
    return Table(
        title="Findings",
        columns=titled("severity", "what was found", most=86),
        rows=tuple((severity, text) for severity, text, _ in found),
        tones=tuple(TONES.get(severity, "") for severity, _, _ in found),
        row_notes=tuple(told for _, _, told in found),
        note="" if found else "none",
    )


def measures_table(rows: Sequence[GateResult], strata: Sequence[StratumStats]) -> Table:
    """Return one row per measured gate, the most severe first, each with what it means and what it cannot see.

    The lowest cosine of a set with NaN or Inf is NaN.
    """
    nonfinite = frozenset(str(stats.scope) for stats in strata if stats.nan + stats.inf)
    shown = sorted((row for row in rows if row.state in _ORDER), key=lambda row: _ORDER.index(row.state))
    tones, cells = toned([(TONES.get(row.state, ""), _row(row, nonfinite)) for row in shown])
    return Table(
        title="Measures",
        columns=_MEASURES,
        rows=cells,
        tones=tones,
        row_notes=tuple(_explanation(BY_ID[row.id]) for row in shown),
        note=f"{_READING} Every number of every measure is in the csv (measures) and json exports."
        if cells
        else "none",
    )


def _row(row: GateResult, nonfinite: frozenset[str]) -> tuple[str, ...]:
    lost = nonfinite if row.id == M1.id else frozenset()
    values = ("NaN" if scope in lost else fmt.measure(row.values[scope], row.style) for scope in _SCOPES)
    return (row.state, f"{row.id} {row.title}", *values, row.limit)


def _explanation(gate: Gate) -> str:
    return f"{gate.what[0].upper()}{gate.what[1:]}. Outside its limit: {gate.meaning} It cannot detect {gate.blind_to}."


def controls_table(measured: Measured, rows: Sequence[GateResult]) -> Table:
    """Return each kind of injected corruption with the gates that detected it."""
    found = detail(measured.details, "controls") or {}
    texts = found.get("texts", {})
    lines = [_control(name, gates, texts) for name, gates in found.get("caught", {}).items()]
    lines += [("", (name, fmt.safe(texts.get(name, "")), "not possible here")) for name in found.get("impossible", ())]
    tones, cells = toned(lines)
    blind = ", ".join(row.id for row in rows if row.state == "blind")
    return Table(
        title="Negative controls: the reference, corrupted on purpose",
        columns=titled("corruption", "what was changed", "detected by", most=48),
        rows=cells,
        tones=tones,
        note=(f"{blind}: passed, but detected none of them." if blind else "") if cells else "not run",
    )


def _control(name: str, gates: Sequence[str], texts: Mapping[str, Any]) -> tuple[Tone, tuple[str, ...]]:
    seen = ", ".join(gates) or "no gate: such an error would not be noticed on this data"
    return ("" if gates else "bad"), (fmt.safe(name), fmt.safe(texts.get(name, "")), seen)


def not_measured_table(measured: Measured, rows: Sequence[GateResult]) -> Table:
    """Return the gates without numbers, with the recorded reason."""
    reasons = detail(measured.details, "not_measured") or {}
    without = [row for row in rows if row.state == "not measured"]
    cells = tuple((f"{row.id} {row.title}", _reason(row, reasons)) for row in without)
    return Table(
        title="Not measured",
        columns=(Column(title="measure", most=34), Column(title="reason", most=60)),
        rows=cells,
        is_folded=True,
        note="" if cells else "every measure has numbers",
    )


def _reason(row: GateResult, reasons: Mapping[str, Any]) -> str:
    reason = reasons.get(row.id) or reasons.get(BY_ID[row.id].measure)
    return fmt.safe(reason) if reason else "not computed, for instance for want of sequences"
