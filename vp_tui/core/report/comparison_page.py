"""Page of a comparison: verdict, differences, results, largest losses, notes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.regression.verdicts import Item
from vp_tui.core.report import headings as words
from vp_tui.core.report.comparison import ComparedRun, ComparisonReport, Fact
from vp_tui.core.report.comparison_words import LETTERS, accuracy_line, speed_line, title, verdict_of
from vp_tui.core.report.evidence import PastRun, WorstPair
from vp_tui.core.report.page import Column, Page, Table, count_words, titled, tone, toned

FEW_WORST: Final = 5
_FACTS: Final = (Column(title="fact", most=36), Column(title="A", most=28), Column(title="B", most=28))
_KEYS: Final = (
    Column(title="fact", most=24),
    Column(title="A", most=28),
    Column(title="B", most=28),
    Column(title="key", most=11, spare=1),
)
_RUNS: Final = (
    Column(title="", most=9),
    Column(title="run", most=22),
    Column(title="uuid", most=8, spare=2),
    Column(title="created (UTC)", most=16, spare=1),
    Column(title="precision", most=9),
    Column(title="sequences", align="right", most=15),
    Column(title="verdict", most=11),
)
_RESULTS: Final = titled(
    "verdict", "metric", "scope", "A", "B", "change", "95% interval", "p", "limit", "n",
    numbers=("A", "B", "change", "95% interval", "p", "limit", "n"),
    spare={"n": 4, "p": 3, "limit": 2, "95% interval": 1},
)  # fmt: skip
_WORST: Final = titled(
    "sequence", "stratum", "tokens", "A", "B", "loss", numbers=("tokens", "A", "B", "loss"), spare={"tokens": 1},
)  # fmt: skip
_HISTORY: Final = titled(
    "run", "created (UTC)", words.TOKENS, words.SPEEDUP, words.LOWEST, "side", "baseline",
    numbers=(words.TOKENS, words.SPEEDUP, words.LOWEST), most=20, spare={"created (UTC)": 2, "baseline": 1},
)  # fmt: skip
_READING: Final = (
    "times in s, memory in MiB; change: of the metric itself; pt: percentage points; p: one-sided, adjusted"
)


def comparison_page(report: ComparisonReport, *, everything: bool = False, with_history: bool = False) -> Page:
    """Return the page with differences only, or with `everything`, which includes the history."""
    worst = report.worst if everything else report.worst[:FEW_WORST]
    tables = [
        _keys(report, everything),
        _facts("Configuration", report.config, everything),
        _facts("Environment", report.environment, everything),
        _runs(report),
        _results(report, everything),
        _worst(worst, len(report.worst), report),
    ]
    if everything or with_history:
        tables.append(_history(report.history))
    if everything:
        tables.append(_rule(report))
    return Page(
        title="Comparison of runs",
        word=report.words,
        sentence=fmt.safe(title(report)),
        tone=tone(report.comparison.gravest),
        lines=tuple(_lines(report)),
        tables=tuple(tables),
        notes=tuple(map(fmt.safe, (*report.comparison.sentences.values(), *report.comparison.notes, *report.notes))),
    )


def _lines(report: ComparisonReport) -> Iterable[str]:
    yield accuracy_line(report)
    yield speed_line(report)
    for what, runs in (("A", report.base), ("B", report.cand)):
        first, more = runs[0], len(runs) - 1
        others = f" and {count_words(more, 'repeat', 'repeats')}" if more else ""
        arms = f"{first.precision} against {first.reference} on {first.device or 'no device'}"
        yield fmt.safe(f"{what}: {first.label}{others}, {arms}")


def _keys(report: ComparisonReport, everything: bool) -> Table:
    """Facts of the accuracy key and the performance key."""
    found = [
        *(("accuracy", one) for one in report.accuracy_facts),
        *(("performance", one) for one in report.perf_facts),
    ]
    rows = tuple((*_fact(one), decides) for decides, one in found if everything or one.differs)
    note = "" if everything else _equal("fact", "facts", len(found) - len(rows), len(rows))
    return Table(title="Comparability", columns=_KEYS, rows=rows, note=note)


def _facts(title: str, found: Sequence[Fact], everything: bool) -> Table:
    rows = tuple(_fact(one) for one in found if everything or one.differs)
    note = "" if everything else _equal("entry", "entries", len(found) - len(rows), len(rows))
    return Table(title=title, columns=_FACTS, rows=rows, note=note)


def _fact(one: Fact) -> tuple[str, str, str]:
    return fmt.safe(one.name), fmt.fact(one.base), fmt.fact(one.cand)


def _equal(one: str, many: str, equal: int, shown: int) -> str:
    if not equal:
        return "" if shown else "unknown"
    return f"{'' if shown else 'no difference: '}{count_words(equal, one, many)} {'is' if equal == 1 else 'are'} equal"


def _runs(report: ComparisonReport) -> Table:
    sides = (("A", report.base), ("B", report.cand))
    return Table(title="Runs", columns=_RUNS, rows=tuple(_run(side, run) for side, runs in sides for run in runs))


def _run(side: str, run: ComparedRun) -> tuple[str, ...]:
    return (
        side,
        fmt.safe(run.label),
        run.uuid[:8],
        fmt.date_time(run.created_at_us, utc=True),
        fmt.safe(f"{run.precision}/{run.reference}"),
        f"{run.done}/{run.total}",
        run.verdict or run.status,
    )


def _results(report: ComparisonReport, everything: bool) -> Table:
    found = (*report.items, *report.beside)
    shown = [one for one in found if everything or one.differs]
    tones, rows = toned([(tone(one.outcome), _item(one)) for one in shown])
    alike = len(found) - len(shown)
    hidden = f"{count_words(alike, 'metric is', 'metrics are')} equivalent or identical" if alike else ""
    note = "; ".join(words for words in (hidden, _READING if rows else "") if words) or "no metric was compared"
    return Table(title="Results", columns=_RESULTS, rows=rows, tones=tones, note=note)


def _item(one: Item) -> tuple[str, ...]:
    write = written(one)
    return (
        verdict_of(one.outcome),
        one.title,
        one.scope,
        write(one.base),
        write(one.cand),
        fmt.change(one.change, one.unit),
        fmt.interval(one.low, one.high),
        fmt.p_value(one.p),
        fmt.tolerance(one.limit, one.unit),
        f"{one.n_base}v{one.n_cand}" if one.part == "performance" else str(one.n_cand),
    )


def written(one: Item) -> Callable[[float | None], str]:
    """Return how the values of an item are written."""
    if one.name == "cosine_error":
        return fmt.error
    if one.name == "relative_l2":
        return fmt.percent
    return fmt.similarity if one.name == "cosine_min" else fmt.number


def _worst(shown: Sequence[WorstPair], total: int, report: ComparisonReport) -> Table:
    if not total:
        note = "no sequence lost similarity" if report.paired else "no shared sequences"
    else:
        note = f"{total - len(shown)} more of the worst {total} not shown" if total > len(shown) else ""
    return Table(title="Largest losses of similarity", columns=_WORST, rows=tuple(map(_pair, shown)), note=note)


def _pair(pair: WorstPair) -> tuple[str, ...]:
    lost = "all" if pair.loss is None else fmt.similarity(pair.loss)
    return (
        fmt.safe(pair.sequence_id),
        pair.stratum,
        str(pair.num_tokens),
        fmt.similarity(pair.base_cosine),
        fmt.similarity(pair.cand_cosine),
        lost,
    )


def _history(runs: Sequence[PastRun]) -> Table:
    return Table(
        title="History of comparable runs",
        columns=_HISTORY,
        rows=tuple(map(_past, runs)),
        note="tokens/s: only runs on the machine and versions of the candidate" if runs else "no comparable runs",
    )


def _past(run: PastRun) -> tuple[str, ...]:
    return (
        fmt.safe(f"{run.id} {run.name or ''}").strip(),
        fmt.date_time(run.created_at_us, utc=True),
        fmt.number(run.tokens_per_s) if run.same_clock else fmt.DASH,
        fmt.ratio(run.speedup),
        fmt.similarity(run.cosine_min, nonfinite=run.num_nonfinite),
        LETTERS[run.role] if run.role else "",
        fmt.safe(", ".join(run.baselines)),
    )


def _rule(report: ComparisonReport) -> Table:
    rule = asdict(report.comparison.rule)
    return Table(
        title="Rule",
        columns=titled("parameter", "value", numbers=("value",)),
        rows=tuple((name, fmt.limit(value)) for name, value in rule.items()),
    )
