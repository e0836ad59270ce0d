"""Tables of the Live screen: strata (similarity, NaN and Inf, speed), and statistics of the embeddings."""

from collections.abc import Callable
from dataclasses import dataclass

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, StratumStats
from vp_tui.core.gates.embeddings import M1, M1_P01, M4, M5
from vp_tui.core.measurements import from_document
from vp_tui.core.regression.worse import is_slower, is_worst_worse, speed_change
from vp_tui.core.report import headings as words
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.margin import margin
from vp_tui.tui.marks import MARKS, Level, line, lines, styled

NARROW, FULL, WIDE = 71, 78, 110
"""Widths of the table with all counts, with whole titles, and of the extended table."""
AGAINST = 10
"""Width of the baseline column; below WIDE it replaces the throughput and the long title."""
_NAME, _CELL = 14, 12


@dataclass(frozen=True, slots=True)
class Column:
    """One column: width with room for a mark, text, severity."""

    title: str
    width: int
    text: Callable[[StratumStats], str]
    level: Callable[[StratumStats, Thresholds], Level] = lambda _stats, _limits: "plain"
    room: int = 0
    """Minimum table width for the column."""


def _bad_count(count: Callable[[StratumStats], int]) -> Callable[[StratumStats, Thresholds], Level]:
    return lambda stats, _limits: "fail" if count(stats) else "plain"


def _worst_level(stats: StratumStats, limits: Thresholds) -> Level:
    if stats.nonfinite:
        return "fail"
    return "fail" if stats.cosine_min is not None and stats.cosine_min <= limits.fail(M1) else "plain"


def _p01_level(stats: StratumStats, limits: Thresholds) -> Level:
    p01 = stats.cosine_p01
    if p01 is None or p01 >= limits.fail(M1_P01):
        return "plain"
    return "fail" if p01 <= limits.fail(M1) else "warn"


def _l2_level(stats: StratumStats, limits: Thresholds) -> Level:
    return "info" if (stats.relative_l2_p99 or 0.0) > limits.fail(M4) else "plain"


def _norm_level(stats: StratumStats, limits: Thresholds) -> Level:
    norm = stats.norm_ratio_worst
    return "info" if norm is not None and abs(norm - 1) > limits.fail(M5) else "plain"


def columns(reference: str, width: int, limits: Thresholds, against: Column | None = None) -> tuple[Column, ...]:
    """Return the columns that fit: at 60 those of the verdict, at 80 all important ones, above also M4 and M5."""
    limit, more = limits.fail(M1), AGAINST if against is not None else 0
    lowest = words.LOWEST if width >= FULL + more else words.LOWEST_SHORT
    rate = f"{fmt.clip(fmt.safe(reference).upper(), 6)} {words.TOKENS_SHORT}"
    every = (
        Column(words.COMPARED, 9, lambda s: f"{fmt.short(s.n)}/{fmt.short(s.planned)}", room=NARROW),
        Column(words.NAN, 5, lambda s: fmt.short(s.nan), _bad_count(lambda s: s.nan)),
        Column(words.INF, 5, lambda s: fmt.short(s.inf), _bad_count(lambda s: s.inf)),
        Column(words.BELOW, 5, lambda s: fmt.short(s.low), _bad_count(lambda s: s.low)),
        Column(
            lowest,
            max(10, len(lowest)),
            lambda s: fmt.similarity(s.cosine_min, nonfinite=s.nonfinite),
            _worst_level,
        ),
        Column(words.MARGIN, 9, lambda s: margin(s.cosine_min, limit, nonfinite=s.nonfinite)),
        Column(words.TOKENS_SHORT, 5, lambda s: fmt.number(s.candidate_tokens_per_s), room=NARROW + more),
        Column(words.SPEEDUP, 8, lambda s: fmt.ratio(s.speedup)),
        *([against] if against is not None else []),
        Column(rate, len(rate), lambda s: fmt.number(s.reference_tokens_per_s), room=WIDE + more),
        Column(words.MEAN, 9, lambda s: fmt.similarity(s.cosine_mean), room=WIDE + more),
        Column(words.FIRST_PERCENTILE_SHORT, 10, lambda s: fmt.similarity(s.cosine_p01), _p01_level, room=WIDE + more),
        Column(words.DIFFERENCE, 10, lambda s: fmt.percent(s.relative_l2_p99), _l2_level, room=WIDE + more + 11),
        Column(words.NORM, 8, lambda s: fmt.norm(s.norm_ratio_worst), _norm_level, room=WIDE + more + 20),
    )
    return tuple(column for column in every if column.room <= width)


def _against(run: RunRow, baseline: RunSnapshot) -> Column:
    """Return the column with the change of tokens/s, if comparable, and `lower` if the lowest similarity is."""
    of = {str(stats.scope): stats for stats in baseline.strata}
    clocks = run.perf_key is not None and run.perf_key == baseline.run.perf_key
    numbers = run.accuracy_key is not None and run.accuracy_key == baseline.run.accuracy_key

    def change(stats: StratumStats) -> float | None:
        before = of.get(stats.scope)
        if before is None or not clocks:
            return None
        return speed_change(stats.candidate_tokens_per_s, before.candidate_tokens_per_s)

    def has_worse_cosine(stats: StratumStats) -> bool:
        before = of.get(stats.scope)
        if not numbers or before is None:
            return False
        here, there = ((one.cosine_min, one.nonfinite) for one in (stats, before))
        return bool(is_worst_worse(here, there))

    def text(stats: StratumStats) -> str:
        nothing = numbers and not clocks and stats.cosine_min is not None
        told = "=" if nothing else fmt.short_change(change(stats))
        if has_worse_cosine(stats):
            return "lower" if told in {"=", fmt.DASH} else f"{told} low"
        return told

    def level(stats: StratumStats, _limits: Thresholds) -> Level:
        return "warn" if is_slower(change(stats)) or has_worse_cosine(stats) else "plain"

    return Column(words.AGAINST_BASELINE, AGAINST - 1, text, level, room=NARROW + 4)


def strata(snapshot: RunSnapshot, width: int, baseline: RunSnapshot | None = None) -> Content:
    """Return the table; before the plan is known its cells are dashes."""
    limits = snapshot.limits
    against = _against(snapshot.run, baseline) if baseline is not None else None
    chosen = columns(snapshot.run.reference, width, limits, against)
    found = {str(stats.scope): stats for stats in snapshot.strata}
    rows = [styled(f"{words.STRATUM:<7}" + "".join(f" {column.title:>{column.width}}" for column in chosen), "title")]
    for name in (*STRATA, "all"):
        parts = [_cell(column, found.get(name), limits) for column in chosen]
        rows.append(line((f"{name:<7}", "title" if name == "all" else "plain"), *parts))
    return lines(rows)


def _cell(column: Column, stats: StratumStats | None, limits: Thresholds) -> Content:
    """Return the number behind its mark, which the width has room for, so that no two columns touch."""
    if stats is None:
        return styled(f" {fmt.DASH:>{column.width}}", "dim")
    level = column.level(stats, limits)
    text = MARKS.get(level, "") + column.text(stats)
    return styled(f" {text:>{column.width}}", level if stats.planned else "dim")


def embeddings(snapshot: RunSnapshot) -> Content:
    """Return statistics over all elements of all sequences, or why they are missing."""
    values = from_document(snapshot.measures).values
    spread, outliers = (values.get(measure, {}).get("all", {}) for measure in ("S5", "S6"))
    if all(spread.get(f"mean_{arm}") is None for arm in ARMS):
        return styled(_not_measured(snapshot), "dim")
    run = snapshot.run
    names = (fmt.clip(fmt.safe(name), _CELL - 1) for name in (run.reference, run.precision))
    rows = [styled(f"{'':<{_NAME}}" + "".join(f"{name:>{_CELL}}" for name in names), "dim")]
    for title, numbers, key, write in (
        ("mean", spread, "mean", fmt.number),
        ("std", spread, "std", fmt.number),
        ("beyond 3 std", outliers, "outlier_share", fmt.percent),
    ):
        cells = (f"{write(numbers.get(f'{key}_{arm}')):>{_CELL}}" for arm in ARMS)
        rows.append(line((f"{title:<{_NAME}}", "dim"), "".join(cells)))
    return lines(rows)


def _not_measured(snapshot: RunSnapshot) -> str:
    if snapshot.run.is_active:
        return "measured after the last sequence"
    if snapshot.run.status == "completed":
        return "not measured in this run"
    return f"not measured: the run was {snapshot.run.status}"
