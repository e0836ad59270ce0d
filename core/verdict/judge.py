"""Numbers and limits in, findings in words out; nothing here reads a clock, a store or a tensor.

Gate profile `mission`: V1 and M1 decide PASS or FAIL, every other gate can at most warn.
Profile `strict`: every gate that is missed fails the run.
"""

from collections.abc import Iterable, Sequence

from vp_tui.core.config import Gates
from vp_tui.core.events import Finding, Severity, StratumStats, Verdict
from vp_tui.core.thresholds import Thresholds


def findings(
    strata: Sequence[StratumStats], *, limits: Thresholds, gates: Gates, reference_nonfinite: int
) -> tuple[Finding, ...]:
    """All findings of a run, the gravest first.

    `strata` holds short, medium, long and all; `reference_nonfinite` counts sequences whose reference
    embedding is not finite.
    """
    found = list(_reference(reference_nonfinite))
    for stats in strata:
        if stats.scope != "all":
            found += _of_stratum(stats, limits)
    graded = [_graded(finding, gates) for finding in found]
    order = {"fail": 0, "warn": 1, "info": 2}
    return tuple(sorted(graded, key=lambda finding: order[finding.severity]))


def verdict(found: Iterable[Finding]) -> Verdict:
    """INVALID when the reference itself cannot be trusted, else FAIL, WARN or PASS."""
    found = tuple(found)
    if any(finding.gate == "R1" for finding in found):
        return "INVALID"
    severities = {finding.severity for finding in found}
    if "fail" in severities:
        return "FAIL"
    return "WARN" if "warn" in severities else "PASS"


def so_far(strata: Sequence[StratumStats], limits: Thresholds) -> Verdict | None:
    """The verdict of a run that is still going, from V1 and M1 alone; None before the first comparison."""
    everything = next((stats for stats in strata if stats.scope == "all"), None)
    if everything is None or everything.n == 0:
        return None
    failed = everything.below or everything.nan or everything.inf
    return "FAIL" if failed else verdict(findings(strata, limits=limits, gates="mission", reference_nonfinite=0))


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


def _gap(stats: StratumStats) -> float:
    """1 - the worst cosine; all finite by the time this is asked."""
    return 1.0 - (stats.cosine_min if stats.cosine_min is not None else 1.0)


def _reference(nonfinite: int) -> Iterable[Finding]:
    if nonfinite:
        yield Finding(
            gate="R1",
            severity="fail",
            stratum=None,
            text=f"the reference itself has {nonfinite} sequences with NaN or Inf: nothing can be compared with it",
            value=float(nonfinite),
            limit=0.0,
        )


def _of_stratum(stats: StratumStats, limits: Thresholds) -> Iterable[Finding]:
    if stats.planned == 0:
        yield Finding(gate="M1", severity="info", stratum=stats.scope, text=f"{stats.scope}: no sequences, not judged")
        return
    yield from _nonfinite(stats)
    yield from _cosine(stats, limits)
    yield from _magnitude(stats, limits)


def _nonfinite(stats: StratumStats) -> Iterable[Finding]:
    if stats.nan or stats.inf:
        yield Finding(
            gate="V1",
            severity="fail",
            stratum=stats.scope,
            text=f"{stats.scope}: {stats.nan} sequences with NaN and {stats.inf} with Inf of {stats.n}, 0 allowed",
            value=float(max(stats.nan, stats.inf)),
            limit=0.0,
        )


def _cosine(stats: StratumStats, limits: Thresholds) -> Iterable[Finding]:
    if stats.below:
        yield Finding(
            gate="M1",
            severity="fail",
            stratum=stats.scope,
            text=f"{stats.scope}: {stats.below} of {stats.n} sequences not above cosine {limits.cosine_fail}"
            f"{_worst(stats)}",
            value=stats.cosine_min,
            limit=limits.cosine_fail,
        )
    elif stats.cosine_p01 is not None and stats.cosine_p01 < limits.cosine_p01_warn:
        yield Finding(
            gate="M1-p01",
            severity="warn",
            stratum=stats.scope,
            text=f"{stats.scope}: 1st percentile of cosine {stats.cosine_p01:.6f} below {limits.cosine_p01_warn}",
            value=stats.cosine_p01,
            limit=limits.cosine_p01_warn,
        )


def _worst(stats: StratumStats) -> str:
    """The worst cosine there is, and whether some sequences have none."""
    has_nonfinite = stats.nan or stats.inf
    if stats.cosine_min is None:
        return ": none has a cosine"
    return f" (worst {stats.cosine_min:.6f}{' of those that have one' if has_nonfinite else ''})"


def _magnitude(stats: StratumStats, limits: Thresholds) -> Iterable[Finding]:
    if stats.relative_l2_p99 is not None and stats.relative_l2_p99 > limits.relative_l2_p99_fail:
        yield Finding(
            gate="M4",
            severity="warn",
            stratum=stats.scope,
            text=f"{stats.scope}: 99th percentile of relative L2 error {stats.relative_l2_p99:.2e} "
            f"above {limits.relative_l2_p99_fail:.0e}",
            value=stats.relative_l2_p99,
            limit=limits.relative_l2_p99_fail,
        )
    if stats.norm_ratio_worst is not None and abs(stats.norm_ratio_worst - 1) > limits.norm_ratio_fail:
        yield Finding(
            gate="M5",
            severity="warn",
            stratum=stats.scope,
            text=f"{stats.scope}: norm ratio {stats.norm_ratio_worst:.4f} farther than "
            f"{limits.norm_ratio_fail:g} from 1",
            value=stats.norm_ratio_worst,
            limit=1 + limits.norm_ratio_fail,
        )


def _graded(finding: Finding, gates: Gates) -> Finding:
    """Under `strict` a missed gate fails the run, whatever its own severity."""
    severity: Severity = "fail" if gates == "strict" and finding.severity == "warn" else finding.severity
    return Finding(
        gate=finding.gate,
        severity=severity,
        stratum=finding.stratum,
        text=finding.text,
        value=finding.value,
        limit=finding.limit,
    )
