"""A run in plain text, for the shell: one progress line, one report, one history table.

Pure functions from snapshots to strings; all numbers through tui.format, all stored text through `safe`.
"""

from collections.abc import Sequence

from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui import format as fmt
from vp_tui.tui.format import safe

MARKS = {"fail": "!!", "warn": "! ", "info": "- "}
_HEAD = (
    ("stratum", 7), ("done", 7), ("worst cos", 9), ("p1 cos", 9), ("mean", 9), ("<=lim", 5), ("NaN", 4), ("Inf", 4),
    ("tok/s", 6), ("x ref", 6),
)  # fmt: skip


def progress_line(snapshot: RunSnapshot) -> str:
    """What is going on, in one line: done, rate, ETA and the worst similarity per stratum."""
    run = snapshot.run
    if not run.total or not snapshot.blocks:
        return f"#{run.id} {run.status}: {safe(run.phase)}"
    rates = {stats.scope: stats for stats in snapshot.strata}.get("all")
    parts = [f"#{run.id} {fmt.share(run.done, run.total)} {run.done}/{run.total}", f"ETA {fmt.duration(run.eta_s)}"]
    if rates is not None:
        reference, candidate = fmt.rate(rates.reference_tokens_per_s), fmt.rate(rates.candidate_tokens_per_s)
        parts.append(f"{reference} -> {candidate} tok/s")
        worst = [f"{stats.scope} {fmt.cosine(stats.cosine_min)}" for stats in snapshot.strata if stats.scope != "all"]
        parts.append(f"worst cos: {' '.join(worst)}")
    if run.num_alerts:
        parts.append(f"alerts {run.num_alerts}")
    return "  ".join(parts)


def report(snapshot: RunSnapshot) -> str:
    """The run as a person wants it at the end: what, table, findings, speed, verdict."""
    run = snapshot.run
    lines = [
        f"run #{run.id} {run.uuid[:8]}{f' {safe(run.name)!r}' if run.name else ''}: {safe(run.model)}, "
        f"{run.precision} against {run.reference} on {run.device or '-'}, {safe(run.input)}"
    ]
    if run.precision_reason:
        lines.append(safe(run.precision_reason))
    if snapshot.strata:
        lines += ["", *strata_table(snapshot.strata)]
    lines += [_finding(finding) for finding in snapshot.findings]
    lines += ["", *_ending(snapshot)]
    return "\n".join(lines)


def strata_table(strata: Sequence[StratumStats]) -> list[str]:
    """The per-stratum table, 79 columns wide."""
    rows = [" ".join(f"{name:>{width}}" for name, width in _HEAD)]
    for stats in strata:
        cells = (
            stats.scope,
            f"{stats.n}" if stats.n == stats.planned else f"{stats.n}/{stats.planned}",
            fmt.cosine(stats.cosine_min),
            fmt.cosine(stats.cosine_p01),
            fmt.cosine(stats.cosine_mean),
            str(stats.below),
            str(stats.nan),
            str(stats.inf),
            fmt.rate(stats.candidate_tokens_per_s),
            fmt.ratio(stats.speedup),
        )
        rows.append(" ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, _HEAD, strict=True)))
    return [row.rstrip() for row in rows]


def _finding(finding: Finding) -> str:
    return f"{MARKS[finding.severity]} {finding.gate}: {safe(finding.text)}"


def _ending(snapshot: RunSnapshot) -> list[str]:
    run = snapshot.run
    if run.verdict is None:
        why = f": {safe(run.status_reason)}" if run.status_reason else ""
        return [f"{run.status}{why}" if not run.is_active else f"{run.status}: {safe(run.phase)}"]
    return [safe(snapshot.speedup.get("reason", "")), f"{run.verdict}: {safe(run.sentence)}"]


def runs_table(runs: Sequence[RunRow]) -> str:
    """The history, newest first."""
    if not runs:
        return "no runs yet: start with `vp-tui demo`, or `vp-tui run -m MODEL -i FASTA`"
    columns = ("id", "created", "name", "model", "precision", "status", "verdict", "worst cos", "speed-up")
    rows = [columns, *(_history_row(run) for run in runs)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _history_row(run: RunRow) -> tuple[str, ...]:
    return (
        str(run.id),
        fmt.date_time(run.created_at_us),
        fmt.clip(safe(run.name or "-"), 16),
        fmt.clip(safe(run.model).rstrip("/").rpartition("/")[2], 24),
        f"{run.precision}/{run.reference}",
        run.status,
        run.verdict or "-",
        fmt.cosine(run.cosine_min),
        fmt.ratio(run.speedup),
    )
