"""Findings and verdict of a run, from measures and limits.

Profile `mission`: only safety gates (V1, V2, M1, S7 to S10) fail the run, every other gate can at most warn.
Profile `strict`: every missed fail limit fails the run, a missed warn limit warns.
Information gates are notes under both; those of one cause make one note.
An inexact reference (R1) makes the run INVALID under both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import Profile
from vp_tui.core.errors import ExitCode
from vp_tui.core.events import Finding, StratumStats, Verdict
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.engine import R1, R1_BITS, R3
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.model import F1, V1
from vp_tui.core.gates.table import GATES
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import causes
from vp_tui.core.verdict.causes import RANK
from vp_tui.core.verdict.certainty import MIN_FILE, failures_in_words
from vp_tui.core.verdict.evaluate import limit_of, reach_of, scopes_of, severity_of, value_of
from vp_tui.core.verdict.margin import margin
from vp_tui.core.verdict.naming import unusable
from vp_tui.core.verdict.notes import one_per_cause
from vp_tui.core.verdict.words import Names, overflow_of, sentence_of

NOTHING = Measured()
_OF_REFERENCE: Final = {
    R1: ("reference_bits", "error of the {} reference against FP64"),
    R3: ("reference_noise_bits", "{} reference, two encodings of the same sequence"),
}
"""The number of significant bits, and what is measured."""
UNPROVED: Final = "the reference is unproved (no sequence was compared with FP64)"


def findings(
    strata: Sequence[StratumStats],
    measured: Measured = NOTHING,
    *,
    limits: Thresholds,
    gates: Profile,
    reference_precision: str = "fp32",
    reference_nonfinite: int = 0,
    names: Names | None = None,
) -> tuple[Finding, ...]:
    """Return all findings of a run, the most severe first, and among equals in the order of the gates.

    `strata` holds short, medium, long and all; `reference_nonfinite` counts sequences whose reference embedding is
    not finite; `names` gives the id of the sequence in a row. Without measures (an unfinished run, or an old one)
    only V1, M1, M4 and M5 are judged, from `strata`.
    """
    values = numbers_of(strata, measured)
    found = [*_reference(reference_nonfinite), *_empty(strata)]
    for gate in GATES:
        mine = _of_gate(gate, values, measured, limits=limits, gates=gates, names=names)
        if gate in _OF_REFERENCE:
            mine = [_of_reference(one, gate, reference_precision, values, limits) for one in mine]
        found += mine
    found = one_per_cause(found, values, measured.details, names)
    # An invalid reference comes before everything else.
    return tuple(sorted(found, key=lambda one: (RANK[one.severity], not _invalidates(one))))


def verdict(found: Iterable[Finding]) -> Verdict:
    """Return INVALID when the reference cannot be trusted, else FAIL, WARN or PASS."""
    found = tuple(found)
    if any(_invalidates(finding) for finding in found):
        return "INVALID"
    severities = {finding.severity for finding in found}
    if "fail" in severities:
        return "FAIL"
    return "WARN" if "warn" in severities else "PASS"


def exit_code(outcome: Verdict) -> ExitCode:
    """Return the exit code of a run with this verdict."""
    return ExitCode.VALIDATION_FAILED if outcome in {"FAIL", "INVALID"} else ExitCode.GOOD


def sentence(
    outcome: Verdict,
    found: Sequence[Finding],
    strata: Sequence[StratumStats],
    *,
    candidate: str,
    reference: str,
    limits: Thresholds,
    bound: float | None = None,
    is_proved: bool = True,
    details: Mapping[str, Any] | None = None,
) -> str:
    """Return the verdict as text, with its decisive number.

    `details` of the measures name the layer of an overflow; without them (embeddings of another program) there is
    no remedy to name. `bound` is the upper bound of the share of the file that could still fail (verdict.certainty);
    a handful of sequences is told as what it is, first. A reference that was not compared with FP64 (`is_proved`) is
    told last.
    """
    everything = next(stats for stats in strata if stats.scope == "all")
    if outcome == "PASS":
        told = _safe(everything, candidate, reference, limits.fail(M1), bound)
    else:
        told = _unsafe(outcome, found, strata, everything, candidate, details)
    return told if is_proved or outcome == "INVALID" else f"{told}; {UNPROVED}"


def _safe(everything: StratumStats, candidate: str, reference: str, limit: float, bound: float | None) -> str:
    lowest = everything.cosine_min
    gap = f"lowest similarity to {reference} {fmt.similarity(lowest)}, margin {margin(lowest, limit)}"
    sure = f"{failures_in_words(bound)} could still fail" if bound else ""
    if bound is not None and bound >= MIN_FILE:
        compared = fmt.plural(everything.n, "sequence")
        return f"on {compared}: {sure}; {candidate} is above {fmt.limit(limit)} in all ({gap})"
    count, told = fmt.exact(everything.n), f"; {sure}" if sure else ""
    return f"{candidate} is safe here: all {count} sequences are finite and above {fmt.limit(limit)} ({gap}){told}"


def _unsafe(
    outcome: Verdict,
    found: Sequence[Finding],
    strata: Sequence[StratumStats],
    everything: StratumStats,
    candidate: str,
    details: Mapping[str, Any] | None,
) -> str:
    groups = causes.problems(found, everything.low)
    decisive = groups[0].lead.text if groups else found[0].text
    if outcome == "FAIL" and any(one.gate == V1.id and one.severity == "fail" for one in found):
        decisive = overflow_of(strata, details, candidate)
    more = f" (and {fmt.plural(len(groups) - 1, 'more problem')})" if len(groups) > 1 else ""
    fault = next((one for one in found if one.gate == F1.id), None)
    if outcome == "FAIL" and fault is not None:
        return f"do not use these embeddings: {fault.text}{more}"
    opening = {
        "WARN": f"{candidate} passes with a warning",
        "FAIL": unusable(candidate),
        "INVALID": f"no verdict on {candidate}",
    }[outcome]
    return f"{opening}: {decisive}{more}"


def numbers_of(strata: Sequence[StratumStats], measured: Measured) -> dict[str, dict[str, Numbers]]:
    """Return measure -> scope -> numbers; V1 and M1 come from `strata`, M4 and M5 only where they were not measured.

    A stratum without sequences has none.
    """
    values = {measure: dict(scopes) for measure, scopes in measured.values.items()}
    for stats in strata:
        counts: dict[str, float | None] = {"nan": float(stats.nan), "inf": float(stats.inf), "n": float(stats.n)}
        cosines = {"min": stats.cosine_min, "p01": stats.cosine_p01, "below": float(stats.below)}
        first = {"V1": counts, "M1": {**counts, **cosines}}
        fallback = {
            "M4": {"relative_l2_p99": stats.relative_l2_p99},
            "M5": {"norm_ratio_worst": stats.norm_ratio_worst},
        }
        first |= {measure: numbers for measure, numbers in fallback.items() if measure not in measured.values}
        for measure, numbers in first.items():
            scopes = values.setdefault(measure, {})
            scopes[stats.scope] = {**scopes.get(stats.scope, {}), **numbers}
    empty = {str(stats.scope) for stats in strata if stats.planned == 0}
    return {
        measure: {scope: numbers for scope, numbers in scopes.items() if scope not in empty}
        for measure, scopes in values.items()
    }


def _invalidates(finding: Finding) -> bool:
    return finding.gate == R1.id and finding.severity == "fail"


def _reference(nonfinite: int) -> Iterable[Finding]:
    if nonfinite:
        yield Finding(
            gate=R1.id,
            severity="fail",
            stratum=None,
            text=f"{fmt.plural(nonfinite, 'sequence')} of the reference with NaN or Inf: the comparison is invalid",
            value=float(nonfinite),
            limit=0.0,
        )


def _empty(strata: Sequence[StratumStats]) -> Iterable[Finding]:
    for stats in strata:
        if stats.planned == 0 and stats.scope != "all":
            text = f"{stats.scope}: no sequences, not judged"
            yield Finding(gate=M1.id, severity="info", stratum=stats.scope, text=text)


def _of_gate(
    gate: Gate,
    values: Mapping[str, Mapping[str, Numbers]],
    measured: Measured,
    *,
    limits: Thresholds,
    gates: Profile,
    names: Names | None,
) -> list[Finding]:
    """The findings of one gate; `all` only where it is more severe than every stratum."""
    found: list[Finding] = []
    for scope in scopes_of(gate):
        numbers = values.get(gate.measure, {}).get(scope, {})
        reach = reach_of(gate, numbers, limits)
        if reach is None or (gate.covered_by and reach_of(gate.covered_by, numbers, limits)):
            continue
        severity = severity_of(gate, reach, gates)
        if scope == "all" and any(RANK[one.severity] <= RANK[severity] for one in found):
            continue
        found.append(
            Finding(
                gate=gate.id,
                severity=severity,
                stratum=scope,
                text=sentence_of(
                    gate,
                    scope,
                    numbers,
                    reach=reach,
                    limits=limits,
                    details=measured.details,
                    names=names,
                    num=values.get("V1", {}).get(scope, {}).get("n"),
                ),
                value=value_of(gate, numbers),
                limit=_bound(gate, limit_of(gate, reach, limits), value_of(gate, numbers)),
            )
        )
    return found


def _bound(gate: Gate, limit: float, value: float | None) -> float:
    """The limit on the side of 1 or 0 on which the value lies."""
    side = -1.0 if value is not None and value < (1.0 if gate.sense == "away_from_one" else 0.0) else 1.0
    if gate.sense == "away_from_one":
        return 1.0 + side * limit
    return side * limit if gate.sense == "away_from_zero" else limit


def _of_reference(
    finding: Finding, gate: Gate, precision: str, values: Mapping[str, Mapping[str, Numbers]], limits: Thresholds
) -> Finding:
    """R1 and R3 judge an FP32 reference; the errors of another one, chosen on purpose, are only reported.

    So are those of IEEE FP32 in a model that amplifies rounding, where the errors of TF32 and FP16 are far larger.
    """
    name, what = _OF_REFERENCE[gate]
    bits = values.get(gate.measure, {}).get("all", {}).get(name)
    text = f"{what.format(precision)}: {fmt.error(finding.value or 0.0)} (relative L2)"
    if precision != "fp32":
        return replace(finding, severity="info", text=text)
    if finding.value and bits is not None and bits >= limits.fail(R1_BITS):
        text += f", {fmt.whole(bits)} effective significant bits: FP32, in a model that amplifies rounding"
        return replace(finding, severity="info", text=text)
    return finding
