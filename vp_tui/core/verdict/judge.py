"""Measures and limits in; findings, verdict and standings out.

Gate profile `mission`: V1, V2 and M1 decide PASS or FAIL, every other gate can at most warn.
Profile `strict`: every missed hard limit fails the run, a missed soft one warns.
A reference that is itself wrong (R1) makes the run INVALID under both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from vp_tui.core.config import Gates
from vp_tui.core.events import Finding, StratumStats, Verdict
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.gate import Gate, limit_of, reach_of, severity_of, value_of
from vp_tui.core.verdict.gates import BY_ID, GATES
from vp_tui.core.verdict.words import Names, number, sentence_of

NOTHING = Measured()
NOISE_FACTOR = 3.0
"""R3: an error of less than three times that of repeating the run is not the precision's."""
_GRAVITY = {"fail": 0, "warn": 1, "info": 2}
_INVALID = "R1"


def findings(
    strata: Sequence[StratumStats],
    measured: Measured = NOTHING,
    *,
    limits: Thresholds,
    gates: Gates,
    reference_precision: str = "fp32",
    reference_nonfinite: int = 0,
    names: Names | None = None,
) -> tuple[Finding, ...]:
    """All findings of a run, the gravest first, and among equals in the order of the gates.

    `strata` holds short, medium, long and all; `reference_nonfinite` counts sequences whose reference embedding is
    not finite; `names` gives the id of the sequence in a row. Without measures (a run that is still going, or an old
    one) only V1, M1, M4 and M5 are judged, from `strata`.
    """
    values = numbers_of(strata, measured)
    found = [*_reference(reference_nonfinite), *_empty(strata)]
    for gate in GATES:
        mine = _of_gate(gate, values, measured, limits=limits, gates=gates, names=names)
        if gate.id == _INVALID:
            mine = [_of_reference(one, reference_precision, values, limits) for one in mine]
        found += mine
    found += _indistinguishable(values, limits)
    # Nothing weighs more than a reference that cannot be trusted.
    return tuple(sorted(found, key=lambda one: (_GRAVITY[one.severity], not _invalidates(one))))


def verdict(found: Iterable[Finding]) -> Verdict:
    """INVALID when the reference itself cannot be trusted, else FAIL, WARN or PASS."""
    found = tuple(found)
    if any(_invalidates(finding) for finding in found):
        return "INVALID"
    severities = {finding.severity for finding in found}
    if "fail" in severities:
        return "FAIL"
    return "WARN" if "warn" in severities else "PASS"


def so_far(strata: Sequence[StratumStats], limits: Thresholds) -> Verdict | None:
    """The verdict of a run that is still going, from the strata alone; None before the first comparison."""
    everything = next((stats for stats in strata if stats.scope == "all"), None)
    if everything is None or everything.n == 0:
        return None
    return verdict(findings(strata, limits=limits, gates="mission"))


def sentence(
    outcome: Verdict,
    found: Sequence[Finding],
    strata: Sequence[StratumStats],
    *,
    candidate: str,
    reference: str,
) -> str:
    """The verdict in words, with its decisive number."""
    everything = next(stats for stats in strata if stats.scope == "all")
    if outcome == "PASS":
        return (
            f"{candidate} is safe here: all {everything.n} sequences are finite and above the cosine limit "
            f"(worst 1 - cosine {_gap(everything):.1e} against {reference})"
        )
    decisive = found[0].text
    more = f" (and {len(found) - 1} more findings)" if len(found) > 1 else ""
    opening = {
        "WARN": f"{candidate} passes with a warning",
        "FAIL": f"{candidate} is not safe here",
        "INVALID": f"no verdict on {candidate}",
    }[outcome]
    return f"{opening}: {decisive}{more}"


def numbers_of(strata: Sequence[StratumStats], measured: Measured) -> dict[str, dict[str, Numbers]]:
    """Measure -> scope -> numbers; V1 and M1 are those of `strata`, M4 and M5 where nothing better was measured.

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


def _gap(stats: StratumStats) -> float:
    """1 - the worst cosine; all finite by the time this is asked."""
    return 1.0 - (stats.cosine_min if stats.cosine_min is not None else 1.0)


def _invalidates(finding: Finding) -> bool:
    return finding.gate == _INVALID and finding.severity == "fail"


def _reference(nonfinite: int) -> Iterable[Finding]:
    if nonfinite:
        yield Finding(
            gate=_INVALID,
            severity="fail",
            stratum=None,
            text=f"the reference itself has {nonfinite} sequences with NaN or Inf: nothing can be compared with it",
            value=float(nonfinite),
            limit=0.0,
        )


def _empty(strata: Sequence[StratumStats]) -> Iterable[Finding]:
    for stats in strata:
        if stats.planned == 0 and stats.scope != "all":
            text = f"{stats.scope}: no sequences, not judged"
            yield Finding(gate="M1", severity="info", stratum=stats.scope, text=text)


def _of_gate(
    gate: Gate,
    values: Mapping[str, Mapping[str, Numbers]],
    measured: Measured,
    *,
    limits: Thresholds,
    gates: Gates,
    names: Names | None,
) -> list[Finding]:
    """The findings of one gate; `all` only where it is graver than every stratum."""
    found: list[Finding] = []
    for scope in gate.asked_in:
        numbers = values.get(gate.measure, {}).get(scope, {})
        reach = reach_of(gate, numbers, limits)
        if reach is None or (gate.covered_by and reach_of(BY_ID[gate.covered_by], numbers, limits)):
            continue
        severity = severity_of(gate, reach, gates)
        if scope == "all" and any(_GRAVITY[one.severity] <= _GRAVITY[severity] for one in found):
            continue
        found.append(
            Finding(
                gate=gate.id,
                severity=severity,
                stratum=scope,
                text=sentence_of(
                    gate, scope, numbers, reach=reach, limits=limits, details=measured.details, names=names
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
    finding: Finding, precision: str, values: Mapping[str, Mapping[str, Numbers]], limits: Thresholds
) -> Finding:
    """R1 judges an FP32 reference; of another one, asked for on purpose, it only tells how far it is.

    A model that amplifies rounding has a large error in real FP32 too; what TF32 does to it is far larger.
    """
    bits = values.get(_INVALID, {}).get("all", {}).get("reference_bits")
    if precision == "fp32" and finding.severity == "fail" and bits is not None and bits >= limits.reference_bits:
        text = (
            f"the reference errs {number(finding.value or 0.0, 'error')} (relative L2) against FP64, yet it behaves "
            f"like {bits:.0f} significant bits: this is FP32, in a model that amplifies rounding"
        )
        return replace(finding, severity="warn", text=text)
    if precision != "fp32":
        text = f"the {precision} reference is itself {number(finding.value or 0.0, 'error')} (relative L2) from FP64"
        return replace(finding, severity="info", text=text)
    return finding


def _indistinguishable(values: Mapping[str, Mapping[str, Numbers]], limits: Thresholds) -> Iterable[Finding]:
    """R3: says where the difference of the two precisions is no larger than that of repeating the run.

    Not where M4 misses a limit: a candidate that errs that much and is as noisy is no comfort.
    """
    error = values.get("M4", {}).get("all", {}).get("relative_l2_p99")
    repeats = values.get("R3", {}).get("all", {})
    noises = [noise for name in ("reference_noise", "candidate_noise") if (noise := repeats.get(name)) is not None]
    if error is None or not noises or reach_of(BY_ID["M4"], {"relative_l2_p99": error}, limits):
        return
    if not error < NOISE_FACTOR * max(noises):
        return
    yield Finding(
        gate="R3",
        severity="info",
        stratum="all",
        text=f"the two precisions cannot be told apart from repetition noise: relative L2 {number(error, 'error')} "
        f"between them, {number(max(noises), 'error')} between two encodings in the same precision",
        value=error,
        limit=NOISE_FACTOR * max(noises),
    )
