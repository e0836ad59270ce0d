"""A run as plain text for the shell: progress line, summary, report.

Pure functions from snapshots to strings; stored text passes through `safe`.
"""

from collections.abc import Sequence

from vp_tui.core import text as fmt
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import from_document
from vp_tui.core.report import headings as words
from vp_tui.core.report.answers import findings, notes_and_next
from vp_tui.core.report.headline import headline, lines_of
from vp_tui.core.report.steps import share_words, step_words
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.verdict.margin import margin
from vp_tui.core.verdict.results import gate_results
from vp_tui.tui import report_text as sections
from vp_tui.tui.levels import marked
from vp_tui.tui.predictions_text import predictions

_HEAD = (
    (words.STRATUM, 7), (words.COMPARED, 9), (words.NAN, 4), (words.INF, 4), (words.BELOW, 5), (words.LOWEST, 17),
    (words.MARGIN, 9), (words.TOKENS_SHORT, 6), (words.SPEEDUP, 8),
)  # fmt: skip
_LABEL = 15


def progress_line(snapshot: RunSnapshot) -> str:
    """Return one line: progress over all steps, time left, safe so far, fast so far."""
    run = snapshot.run
    parts = [f"#{run.id} {share_words(run)}  {safe(step_words(run) or run.status)}"]
    if run.eta_s is not None:
        parts.append(f"{fmt.duration(run.eta_s)} left")
    if snapshot.blocks:
        _, proof, fast = headline(snapshot)
        parts += [f"{one.word} {one.parts[0]}" for one in (proof, fast)]
    return "  ".join(parts)


def summary(snapshot: RunSnapshot) -> str:
    """Return the end of a run: the three lines first, then strata, problems and notes, meaning of the limit."""
    measured, limits = from_document(snapshot.measures), snapshot.limits
    lines = _top(snapshot)
    if snapshot.strata:
        lines += ["", *strata_table(snapshot.strata, limits.fail(M1))]
    lines += sections.spaced(_findings(snapshot))
    lines += sections.spaced(_notes_and_next(snapshot))
    told = (sections.cosine_meaning(measured, limits), sections.uncaught_controls(measured))
    proof = [line for each in told for line in sections.paragraph(each, first="", rest="")]
    return "\n".join([*lines, *sections.spaced(proof)])


def report(snapshot: RunSnapshot) -> str:
    """Return the whole report, the three lines first, in at most 79 columns but for a command."""
    run, strata = snapshot.run, snapshot.strata
    measured, limits = from_document(snapshot.measures), snapshot.limits
    rows = gate_results(measured, strata, snapshot.findings, limits) if run.verdict else ()
    arms = {"candidate": safe(run.precision), "reference": safe(run.reference)}
    meaning = sections.cosine_meaning(measured, limits)
    lines = _top(snapshot)
    if strata:
        lines += ["", *strata_table(strata, limits.fail(M1))]
    parts = {
        "Findings": _findings(snapshot),
        "Notes and next step": _notes_and_next(snapshot),
        f"What a similarity of {fmt.limit(limits.fail(M1))} means here": sections.paragraph(meaning) if meaning else [],
        "Predictions": predictions(measured),
        "Known faults of pipelines": sections.known_faults(measured),
        "Not measured": sections.not_measured(rows, measured),
        "Speed": sections.speed(snapshot),
        "Run": sections.origin(run),
        "Technical details: every measure with its limit": sections.measures_table(rows),
        "Negative controls: the reference, corrupted on purpose": sections.controls(measured, rows),
        "Error against FP64": sections.oracle(measured, **arms),
        "Tightest modules": sections.modules(measured, arms["candidate"]),
        "Numbers in the embeddings": sections.spread(measured, **arms),
    }
    return "\n".join([*lines, *(line for title, part in parts.items() for line in sections.section(title, part))])


def _top(snapshot: RunSnapshot) -> list[str]:
    """The three lines, and why the candidate ran in another precision."""
    reason = snapshot.run.precision_reason
    lines = lines_of(snapshot, sections.WIDTH)
    return [*lines, *fmt.wrap(safe(reason), sections.WIDTH, rest="  ")] if reason else lines


def strata_table(strata: Sequence[StratumStats], limit: float) -> list[str]:
    """Return one line per stratum; `limit` is that of the similarity."""
    rows = [_table_row([name for name, _ in _HEAD])]
    for stats in strata:
        cells = (
            stats.scope,
            _done(stats),
            *(str(count) if count < 10_000 else fmt.short(count) for count in (stats.nan, stats.inf, stats.low)),
            fmt.similarity(stats.cosine_min, nonfinite=stats.nonfinite),
            margin(stats.cosine_min, limit, nonfinite=stats.nonfinite),
            fmt.number(stats.candidate_tokens_per_s),
            fmt.ratio(stats.speedup),
        )
        rows.append(_table_row(cells))
    return [row.rstrip() for row in rows]


def _table_row(cells: Sequence[str]) -> str:
    first, *rest = zip(cells, _HEAD, strict=True)
    return " ".join([f"{first[0]:<{first[1][1]}}", *(f"{cell:>{width}}" for cell, (_, width) in rest)])


def _done(stats: StratumStats) -> str:
    exact = f"{stats.n}" if stats.n == stats.planned else f"{stats.n}/{stats.planned}"
    return exact if len(exact) <= 9 else f"{fmt.short(stats.n)}/{fmt.short(stats.planned)}"


def _findings(snapshot: RunSnapshot) -> list[str]:
    """One paragraph per cause, with its mark."""
    return [
        line
        for severity, text, told in findings(snapshot)
        for line in sections.paragraph(f"{text}.{' ' if told else ''}{told}", first=marked(severity, ""), rest="  ")
    ]


def _notes_and_next(snapshot: RunSnapshot) -> list[str]:
    """The notes and the next step below each other, each after its label; a command is one line, to be copied."""
    lines = []
    for label, told in notes_and_next(snapshot):
        # a command in a sentence is in quotes
        place = len(told) if "`" in told or "vp-tui " not in told else told.index("vp-tui ")
        first = f"  {label:<{_LABEL}}"
        words = [line.rstrip() for line in fmt.wrap(told[:place], sections.WIDTH, first=first, rest=" " * len(first))]
        lines += [f"{first}{told}"] if not place else [*words, *([f"  {told[place:]}"] if told[place:] else [])]
    return lines
