"""The head of the Compare screen: what cannot be compared, which runs, and the verdict with its sentence.

Loaded once there is a comparison: what it reads takes too long to load for the first frame.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.regression.verdicts import Outcome, Part
from vp_tui.core.report.comparison import ComparedRun, ComparisonReport
from vp_tui.core.report.page import Tone, tone
from vp_tui.tui.marks import MARKS, Level, line, lines, styled

DATE_FROM: Final = 76
"""Columns from which the dates of the runs are shown."""
WIDE_FROM: Final = 110
_LEAST_FACT: Final = 12
_LEAST_NAME: Final = 8
_LEVELS: Final[dict[Tone, Level]] = {"bad": "fail", "open": "warn", "good": "good", "": "plain"}


def level(outcome: Outcome) -> Level:
    """Return the severity of an outcome."""
    return _LEVELS[tone(outcome)]


def banner(report: ComparisonReport, width: int, most: int) -> Content | None:
    """Return why parts are not comparable, or None."""
    rows = [*_same(report, width), *_apart(report, width, most)]
    return lines(rows) if rows else None


def _same(report: ComparisonReport, width: int) -> Iterable[Content]:
    both = [run.label for run in report.cand if run.id in report.base_ids]
    if both:
        words = f"{', '.join(map(fmt.safe, both))} on both sides: compared with itself"
        yield styled(fmt.clip(f"{MARKS['warn']} {words}", width), "warn")


def _apart(report: ComparisonReport, width: int, most: int) -> Iterable[Content]:
    """Yield which part is not comparable and at most `most` of the differing facts."""
    parts = {"accuracy": report.comparison.accuracy, "performance": report.comparison.performance}
    barred = {name: part for name, part in parts.items() if not part.comparable}
    if not barred:
        return
    grave: Level = "fail" if len(barred) == len(parts) else "warn"
    differing = {name: values for part in barred.values() for name, values in part.differing.items()}
    yield styled(fmt.clip(f"{MARKS[grave]} {_barred(barred, differing)}", width), grave)
    facts = list(differing.items())
    shown = facts[: most if len(facts) <= most else max(0, most - 1)]
    yield from (Content(_fact(name, values, width)) for name, values in shown)
    if len(shown) < len(facts):
        yield styled(f"    and {len(facts) - len(shown)} more; see the last view (v)", "dim")


def _barred(barred: Mapping[str, Part], differing: Mapping[str, Any]) -> str:
    words = f"{' and '.join(barred)} not comparable"
    if differing:
        return f"{words}: {len(differing)} {'fact differs' if len(differing) == 1 else 'facts differ'}"
    reasons = dict.fromkeys(part.sentence.partition(": ")[2] for part in barred.values())
    return fmt.safe(f"{words}: {'; '.join(reasons)}")


def _fact(name: str, values: Sequence[Any], width: int) -> str:
    known = fmt.clip(fmt.safe(name), width // 3)
    room = max(_LEAST_FACT, (width - fmt.columns(known) - 10) // 2)
    base, cand = (fmt.clip(fmt.fact(value), room) for value in values)
    return f"    {known}: {base} -> {cand}"


def compared(report: ComparisonReport, width: int, most: int) -> Content:
    """Return one line per side, the verdict, and its sentence in at most `most` lines."""
    return lines([*map(Content, _sides(report, width)), *_verdict(report, width, most)])


def _sides(report: ComparisonReport, width: int) -> Iterable[str]:
    """Yield both sides; names get the space that the facts leave."""
    sides = {"baseline ": report.base, "candidate": report.cand}
    facts = [_facts(runs[0], width) for runs in sides.values()]
    room = max(_LEAST_NAME, width - len("candidate") - 4 - max(map(fmt.columns, facts)))
    names = [_names(report, runs, room, is_wide=width >= WIDE_FROM) for runs in sides.values()]
    longest = max(map(fmt.columns, names))
    for what, name, fact in zip(sides, names, facts, strict=True):
        yield f"{what}  {name}{' ' * (longest - fmt.columns(name))}  {fact}"


def _names(report: ComparisonReport, runs: Sequence[ComparedRun], room: int, *, is_wide: bool) -> str:
    """Return e.g. `run 12 (nightly) +4 repeats = main`: first run, number of others, its baselines."""
    first, more = runs[0], len(runs) - 1
    repeats = f" +{more}{' repeats' if is_wide else ''}" if more else ""
    label = fmt.clip(fmt.safe(first.label), max(_LEAST_NAME, room - len(repeats)))
    pinned = next((run.baselines for run in report.history if run.id == first.id), ())
    return fmt.clip(f"{label}{repeats}{' = ' if pinned else ''}{fmt.safe(', '.join(pinned))}", room)


def _facts(run: ComparedRun, width: int) -> str:
    model = fmt.safe(run.model).rstrip("/").rsplit("/", 1)[-1]
    words = f"{fmt.clip(model, width // 4)}  {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}"
    if width >= WIDE_FROM:
        words += f"  on {fmt.safe(run.device or 'no device')}"
    return f"{words}  {fmt.date_time(run.created_at_us)}" if width >= DATE_FROM else words


def _verdict(report: ComparisonReport, width: int, most: int) -> Iterable[Content]:
    grave = level(report.outcome)
    mark = f"{MARKS[grave]} " if grave in MARKS else ""
    accuracy, performance = report.comparison.accuracy.outcome, report.comparison.performance.outcome
    parts = f"  accuracy {accuracy}, performance {performance}"
    yield line((f"{mark}{report.outcome}", grave), (fmt.clip(parts, width - len(mark) - len(report.outcome)), "dim"))
    told = fmt.wrap(fmt.safe(report.sentence), width)
    if len(told) > most:
        told = [*told[: most - 1], fmt.clip(" ".join(told[most - 1 :]), width)] if most else []
    yield from (Content(text) for text in told)
