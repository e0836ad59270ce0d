"""The Compare screen's texts: what is not comparable, the runs, the verdict, and the three tables.

Loaded once there is a comparison: its imports are too slow for the first frame.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.regression.verdicts import ORDER, Item, Outcome
from vp_tui.core.report.comparison import ComparedRun, ComparisonReport, Fact
from vp_tui.core.report.comparison_page import written
from vp_tui.core.report.comparison_words import accuracy_line, speed_line, title, verdict_of
from vp_tui.core.report.evidence import WorstPair
from vp_tui.core.report.page import FAILED, Tone, count_words, tone
from vp_tui.tui.marks import MARKS, Level, line, lines, styled
from vp_tui.tui.panels.rows import Grid, GridColumn, GridRow

DATE_FROM: Final = 76
"""Columns from which the dates of the runs are shown."""
WIDE_FROM: Final = 110
_LEAST_FACT: Final = 12
_LEAST_NAME: Final = 8
_LEVELS: Final[dict[Tone, Level]] = {"bad": "fail", "open": "warn", "good": "good", "": "plain"}

WORSE: Final[frozenset[Outcome]] = FAILED | {"SUSPECT"}
_SHORT: Final = {
    "cosine_error": "distance from 1",
    "cosine_min": "lowest",
    "relative_l2": "difference",
    "scale": "median length",
    "cosine_passing": "seqs passing",
    "below_limit": "at/below limit",
    "complete": "seqs compared",
}
"""Titles of at most 16 columns, so that the interval fits at 80 columns."""
_JUDGED: Final = (
    GridColumn(title="verdict"),
    GridColumn(title="metric", stretches=True),
    GridColumn(title="scope"),
    GridColumn(title="A", align="right", spare=1, in_detail=True),
    GridColumn(title="B", align="right"),
    GridColumn(title="change", align="right"),
    GridColumn(title="95% interval", align="right", spare=2, in_detail=True),
    GridColumn(title="limit", align="right", spare=3),
    GridColumn(title="p", align="right", spare=4),
    GridColumn(title="n", align="right", spare=5),
)
_WORST: Final = (
    GridColumn(title="sequence", stretches=True),
    GridColumn(title="stratum"),
    GridColumn(title="tokens", align="right", spare=1, in_detail=True),
    GridColumn(title="A similarity", align="right"),
    GridColumn(title="B similarity", align="right"),
    GridColumn(title="lost", align="right"),
)
_UNLIKE: Final = (
    GridColumn(title="kind"),
    GridColumn(title="fact", stretches=True),
    GridColumn(title="A", stretches=True),
    GridColumn(title="B", stretches=True),
)


def level(outcome: Outcome) -> Level:
    return _LEVELS[tone(outcome)]


def banner(report: ComparisonReport, width: int, most: int) -> Content | None:
    """Return what bars a verdict, with at most `most` of the differing facts; None where both are judged."""
    rows = [*_same(report, width), *_apart(report, width, most)]
    return lines(rows) if rows else None


def _same(report: ComparisonReport, width: int) -> Iterable[Content]:
    both = [run.label for run in report.cand if run.id in report.base_ids]
    if both:
        words = f"{', '.join(map(fmt.safe, both))} on both sides: compared with itself"
        yield styled(fmt.clip(f"{MARKS['warn']} {words}", width), "warn")


def _apart(report: ComparisonReport, width: int, most: int) -> Iterable[Content]:
    parts = [report.comparison.accuracy, report.comparison.performance]
    barred = [part for part in parts if not part.comparable]
    if not barred:
        return
    yield styled(fmt.clip(f"{MARKS['warn']} {fmt.safe(title(report))}", width), "warn")
    facts = [*{name: values for part in barred for name, values in part.differing.items()}.items()]
    shown = facts[: most if len(facts) <= most else max(0, most - 1)]
    yield from (Content(_fact(name, values, width)) for name, values in shown)
    if len(shown) < len(facts):
        yield styled(f"    and {len(facts) - len(shown)} more; see the last view (v)", "dim")


def _fact(name: str, values: Sequence[Any], width: int) -> str:
    known = fmt.clip(fmt.safe(name), width // 3)
    room = max(_LEAST_FACT, (width - fmt.columns(known) - 10) // 2)
    base, cand = (fmt.clip(fmt.fact(value), room) for value in values)
    return f"    {known}: {base} -> {cand}"


def compared(report: ComparisonReport, width: int, most: int) -> Content:
    """Return one line per run, and the verdicts on accuracy and speed in at most `most` lines each."""
    return lines([*map(Content, _sides(report, width)), *_verdicts(report, width, most)])


def _sides(report: ComparisonReport, width: int) -> Iterable[str]:
    """Yield both sides; names get the space that the facts leave."""
    sides = {"A": report.base, "B": report.cand}
    facts = [_facts(runs[0], width) for runs in sides.values()]
    room = max(_LEAST_NAME, width - len("A") - 4 - max(map(fmt.columns, facts)))
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


def _verdicts(report: ComparisonReport, width: int, most: int) -> Iterable[Content]:
    told = {"accuracy": accuracy_line(report), "performance": speed_line(report)}
    for name, outcome in report.comparison.verdicts.items():
        grave: Level = "dim" if outcome == "NOT_COMPARABLE" else level(outcome)
        mark = f"{MARKS[grave]} " if grave in MARKS else ""
        first, *more = _cut(f"{mark}{told[name]}", width, most)
        head, colon, rest = first.partition(":")
        yield line((f"{head}{colon}", grave), rest)
        yield from (Content(text) for text in more)


def _cut(words: str, width: int, most: int) -> list[str]:
    rows = fmt.wrap(words, width, rest="  ")
    if len(rows) <= most:
        return rows
    shown, rest = rows[:most], rows[most:]
    return [*shown[:-1], fmt.clip(" ".join([shown[-1], *map(str.strip, rest)]), width)]


def differences(report: ComparisonReport, *, only_worse: bool) -> Grid:
    """Metrics that differ, most severe first; all of them when none differs."""
    found = (*report.items, *report.beside)
    differing = [one for one in found if one.differs]
    worse = [one for one in found if one.outcome in WORSE]
    of = f"of {count_words(len(found), 'metric', 'metrics')}"
    if not found:
        shown, heading = [], "no results"
    elif only_worse:
        shown, heading = worse, f"only what got worse: {len(worse)} {of}" if worse else _none_worse(report)
    elif differing:
        # numbers without a verdict are no differences that were found
        judged = len(differing) - len(report.beside)
        shown = differing
        alike = f"; no difference in {count_words(len(report.items), 'metric', 'metrics')}" if report.items else ""
        heading = f"differences: {judged} {of}" if judged else f"numbers side by side, not judged{alike}"
    else:
        shown, heading = list(found), f"no difference in {count_words(len(found), 'metric', 'metrics')}"
    # stable: numbers without a verdict keep their own order, and come last
    rows = sorted(shown, key=lambda one: (one.outcome == "NOT_COMPARABLE", ORDER.index(one.outcome)))
    return Grid(
        title=heading,
        columns=_JUDGED,
        rows=tuple(map(_item, rows)),
        without=f"{_none_worse(report)}; R shows the differences" if found else "no results: see the sentence above",
    )


def _none_worse(report: ComparisonReport) -> str:
    """Return words for no metric that got worse; one that is not judged says nothing of the kind."""
    if not report.items:
        return "no metric is judged"
    unjudged = f"; {len(report.beside)} not judged" if report.beside else ""
    return f"nothing got worse in {count_words(len(report.items), 'metric', 'metrics')}{unjudged}"


def _item(one: Item) -> GridRow:
    write = written(one)
    return GridRow(
        cells=(
            verdict_of(one.outcome),
            _SHORT.get(one.name, one.title.replace("tokens/s", "tok/s")),
            one.scope,
            write(one.base),
            write(one.cand),
            fmt.change(one.change, one.unit),
            fmt.interval(one.low, one.high),
            fmt.tolerance(one.limit, one.unit),
            fmt.p_value(one.p),
            f"{one.n_base}v{one.n_cand}" if one.part == "performance" else str(one.n_cand),
        ),
        detail=fmt.safe(one.reason) + _similarities(one),
        level="dim" if one.outcome == "NOT_COMPARABLE" else level(one.outcome),
    )


def _similarities(one: Item) -> str:
    """Return a distance from 1 as the similarity of both runs."""
    if one.name != "cosine_error" or one.base is None or one.cand is None:
        return ""
    return f"; similarity {fmt.similarity(1 - one.base)} -> {fmt.similarity(1 - one.cand)}"


def worst(report: ComparisonReport) -> Grid:
    """Return the sequences that lost most similarity; ! marks one at or below the limit."""
    limit = report.limits["cosine"]
    pairs = f"{count_words(report.paired, 'sequence', 'sequences')} on both sides"
    return Grid(
        title=f"largest losses, of {pairs}",
        columns=_WORST,
        rows=tuple(_pair(pair, limit) for pair in report.worst),
        without=f"none of the {pairs} lost similarity" if report.paired else "no sequence is on both sides",
    )


def _pair(pair: WorstPair, limit: float) -> GridRow:
    fails = pair.cand_cosine is None or pair.cand_cosine <= limit
    name = fmt.safe(pair.sequence_id)
    lost = "all" if pair.loss is None else fmt.similarity(pair.loss, 9)
    now = fmt.similarity(pair.cand_cosine)
    words = f"at or below the limit {fmt.limit(limit)}" if fails else f"above the limit {fmt.limit(limit)}"
    return GridRow(
        cells=(name, pair.stratum, str(pair.num_tokens), fmt.similarity(pair.base_cosine), now, lost),
        detail=f"{name}: " + ("NaN or Inf in B" if pair.cand_cosine is None else words),
        level="fail" if fails else "plain",
    )


def unlike(report: ComparisonReport) -> Grid:
    """Return every differing fact: first those that decide comparability, then other settings."""
    parts: Sequence[tuple[str, Sequence[Fact]]] = (
        ("accuracy", report.accuracy_facts),
        ("performance", report.perf_facts),
        ("setting", report.config),
        ("environment", report.environment),
    )
    rows = tuple(_unlike(kind, fact) for kind, found in parts for fact in found if fact.differs)
    equal = sum(len(found) for _, found in parts) - len(rows)
    return Grid(
        title=f"differing settings: {len(rows)}; {equal} equal",
        columns=_UNLIKE,
        rows=rows,
        without=f"no difference: {count_words(equal, 'fact is', 'facts are')} equal",
    )


def _unlike(kind: str, fact: Fact) -> GridRow:
    name, base, cand = fmt.safe(fact.name), fmt.fact(fact.base), fmt.fact(fact.cand)
    is_key = kind in {"accuracy", "performance"}
    return GridRow(
        cells=(kind, name, base, cand),
        detail=f"{name}: {base} -> {cand}",
        level="warn" if is_key else "dim",
    )


def notes(report: ComparisonReport) -> Iterable[str]:
    """Return both sentences in full, and the notes."""
    parts = (report.comparison.accuracy.sentence, report.comparison.performance.sentence)
    return (fmt.safe(note) for note in (*parts, *report.comparison.notes, *report.notes))
