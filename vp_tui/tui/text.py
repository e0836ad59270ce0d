"""A run as plain text for the shell: progress line, summary, report.

Pure functions from snapshots to strings; stored text passes through `safe`.
"""

from collections.abc import Sequence

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.verdict.causes import notes
from vp_tui.core.verdict.results import gate_results
from vp_tui.tui import report_text as sections
from vp_tui.tui.levels import marked
from vp_tui.tui.predictions_text import predictions
from vp_tui.tui.report_answers import answers, findings

_HEAD = (
    ("stratum", 7), ("done", 7), ("worst cos", 9), ("p1 cos", 9), ("mean", 9), ("<=lim", 5), ("NaN", 4), ("Inf", 4),
    ("tok/s", 6), ("x ref", 6),
)  # fmt: skip


def progress_line(snapshot: RunSnapshot) -> str:
    """Return one line: progress, throughput, ETA and the worst cosine per stratum."""
    run = snapshot.run
    if not run.total or not snapshot.blocks:
        return f"#{run.id} {run.status}: {safe(run.phase)}"
    rates = {stats.scope: stats for stats in snapshot.strata}.get("all")
    parts = [f"#{run.id} {fmt.share(run.done, run.total)} {run.done}/{run.total}", f"ETA {fmt.duration(run.eta_s)}"]
    if rates is not None:
        reference, candidate = fmt.number(rates.reference_tokens_per_s), fmt.number(rates.candidate_tokens_per_s)
        parts.append(f"{reference} -> {candidate} tok/s")
        worst = [
            f"{stats.scope} {fmt.cosine(stats.cosine_min, nonfinite=stats.nan + stats.inf)}"
            for stats in snapshot.strata
            if stats.scope != "all"
        ]
        parts.append(f"worst cos: {' '.join(worst)}")
    if run.num_alerts:
        parts.append(f"alerts {run.num_alerts}")
    return "  ".join(parts)


def summary(snapshot: RunSnapshot) -> str:
    """Return the summary at the end of a run: strata, findings, meaning of the limit, speed, verdict."""
    lines = [_title(snapshot)]
    if snapshot.run.precision_reason:
        lines.append(safe(snapshot.run.precision_reason))
    if snapshot.strata:
        lines += ["", *strata_table(snapshot.strata)]
    lines += _findings(snapshot.findings)
    measured, limits = from_document(snapshot.measures), snapshot.limits
    told = (sections.cosine_meaning(measured, snapshot.strata, limits), sections.uncaught_controls(measured))
    proof = [line for words in told for line in sections.paragraph(words, first="", rest="")]
    lines += ["", *proof] if proof else []
    lines += sections.spaced(answers(snapshot))
    spoken = [safe(snapshot.speedup.get("reason", ""))] if snapshot.run.verdict is not None else []
    return "\n".join([*lines, "", *spoken, _outcome(snapshot)])


def report(snapshot: RunSnapshot) -> str:
    """Return the whole report, verdict first, in at most 79 columns."""
    run, strata = snapshot.run, snapshot.strata
    measured, limits = from_document(snapshot.measures), snapshot.limits
    rows = gate_results(measured, strata, snapshot.findings, limits) if run.verdict else ()
    arms = {"candidate": safe(run.precision), "reference": safe(run.reference)}
    meaning = sections.cosine_meaning(measured, strata, limits)
    lines = fmt.wrap(_title(snapshot), sections.WIDTH, rest="  ")
    lines += fmt.wrap(_outcome(snapshot), sections.WIDTH, rest="  ")
    if run.precision_reason:
        lines += fmt.wrap(safe(run.precision_reason), sections.WIDTH, rest="  ")
    lines += sections.spaced(answers(snapshot))
    if strata:
        lines += ["", *strata_table(strata)]
    parts = {
        "Findings": _findings(snapshot.findings),
        f"What a cosine of {fmt.limit(limits.fail(M1))} means here": sections.paragraph(meaning) if meaning else [],
        "Measures": sections.measures_table(rows),
        "Negative controls: the reference, damaged on purpose": sections.controls(measured, rows),
        "Error against FP64": sections.oracle(measured, **arms),
        "Tightest modules": sections.modules(measured, arms["candidate"]),
        "Numbers in the embeddings": sections.spread(measured, **arms),
        "Predictions": predictions(measured),
        "Known faults of pipelines": sections.known_faults(measured),
        "Not measured": sections.not_measured(rows, measured),
        "Speed": sections.speed(snapshot),
    }
    return "\n".join([*lines, *(line for title, part in parts.items() for line in sections.section(title, part))])


def strata_table(strata: Sequence[StratumStats]) -> list[str]:
    rows = [" ".join(f"{name:>{width}}" for name, width in _HEAD)]
    for stats in strata:
        cells = (
            stats.scope,
            _done(stats),
            fmt.cosine(stats.cosine_min, nonfinite=stats.nan + stats.inf),
            fmt.cosine(stats.cosine_p01),
            fmt.cosine(stats.cosine_mean),
            *(str(count) if count < 10_000 else fmt.short(count) for count in (stats.below, stats.nan, stats.inf)),
            fmt.number(stats.candidate_tokens_per_s),
            fmt.ratio(stats.speedup),
        )
        rows.append(" ".join(f"{cell:>{width}}" for cell, (_, width) in zip(cells, _HEAD, strict=True)))
    return [row.rstrip() for row in rows]


def _done(stats: StratumStats) -> str:
    exact = f"{stats.n}" if stats.n == stats.planned else f"{stats.n}/{stats.planned}"
    return exact if len(exact) <= 10 else f"{fmt.short(stats.n)}/{fmt.short(stats.planned)}"


def _title(snapshot: RunSnapshot) -> str:
    run = snapshot.run
    name = f" {safe(run.name)!r}" if run.name else ""
    judged = snapshot.config.get("judged")
    if judged:
        return (
            f"run #{run.id} {run.uuid[:8]}{name}: {safe(judged['candidate'])} ({run.precision}) judged against "
            f"{safe(judged['reference'])} ({run.reference})"
        )
    return (
        f"run #{run.id} {run.uuid[:8]}{name}: {safe(run.model)}, "
        f"{run.precision} against {run.reference} on {run.device or fmt.DASH}, {safe(run.input)}"
    )


def _findings(found: Sequence[Finding]) -> list[str]:
    """One paragraph per cause, with its mark."""
    return [
        line
        for severity, text in findings(found)
        for line in sections.paragraph(text, first=marked(severity, ""), rest="  ")
    ]


def _outcome(snapshot: RunSnapshot) -> str:
    """The verdict with its number of notes and its sentence, or the status of a run without a verdict."""
    run, told = snapshot.run, len(notes(snapshot.findings))
    if run.verdict is not None:
        beside = f", {fmt.plural(told, 'note')}" if told else ""
        return f"{run.verdict}{beside}: {safe(run.sentence)}"
    why = f": {safe(run.status_reason)}" if run.status_reason else ""
    return f"{run.status}{why}" if not run.is_active else f"{run.status}: {safe(run.phase)}"
