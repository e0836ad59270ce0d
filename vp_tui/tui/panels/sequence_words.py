"""Text about one sequence: metrics with limits, alerts, residues."""

from dataclasses import dataclass

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import SequenceResult
from vp_tui.core.gates.embeddings import M1, M4, M5
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.report import headings as words
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.marks import MARKS, Level, line, lines, styled
from vp_tui.tui.panels.alerts import in_words

MOST_LETTERS = 600
GROUP, GROUPS = 10, 6
"""Residues per group, and groups per line, as sequence databases print them."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the sequence compared with its limit; `gate` is set if it fails the run."""

    name: str
    value: str
    words: str
    level: Level = "plain"
    gate: str | None = None


def numbers(result: SequenceResult, limits: Thresholds) -> tuple[Metric, ...]:
    """Return similarity, difference, length, NaN and Inf; only M1 and V1 are gates per sequence."""
    return (
        _cosine(result.cosine, limits),
        _error(result.relative_l2, limits),
        _norm(result.norm_ratio, limits),
        _broken("NaN", result.nan_count),
        _broken("Inf", result.inf_count),
    )


def _cosine(cosine: float | None, limits: Thresholds) -> Metric:
    limit = fmt.limit(limits.fail(M1))
    if cosine is None:
        return Metric(words.SIMILARITY, fmt.DASH, "undefined: an embedding is not finite; fails M1", "fail", "M1")
    if cosine <= limits.fail(M1):
        return Metric(words.SIMILARITY, fmt.similarity(cosine), f"at or below {limit}; fails M1", "fail", "M1")
    return Metric(words.SIMILARITY, fmt.similarity(cosine), f"above {limit}; passes M1", "good")


def _error(error: float | None, limits: Thresholds) -> Metric:
    name, value, limit = words.DIFFERENCE, fmt.percent(error), limits.fail(M4)
    if error is None:
        return Metric(name, value, "")
    if error > limit:
        return Metric(name, value, f"above {fmt.percent(limit)}, the note for the 99th percentile (M4)", "info")
    return Metric(name, value, f"within {fmt.percent(limit)}, the note for the 99th percentile (M4)")


def _norm(ratio: float | None, limits: Thresholds) -> Metric:
    name, value, limit = words.NORM, fmt.norm(ratio), limits.fail(M5)
    if ratio is None:
        return Metric(name, value, "")
    if abs(ratio - 1) > limit:
        return Metric(name, value, f"beyond {fmt.percent(limit)} (M5)", "info")
    return Metric(name, value, f"within {fmt.percent(limit)} (M5)")


def _broken(name: str, count: int) -> Metric:
    if count:
        return Metric(name, fmt.exact(count), "values in its outputs; fails V1", "fail", "V1")
    return Metric(name, "0", "passes V1", "good")


def measured(result: SequenceResult | None, limits: Thresholds) -> Content:
    """Return the metrics, then the meaning of the gates it fails."""
    if result is None:
        return styled("no metrics: not compared yet, or its row was archived", "dim")
    found = numbers(result, limits)
    rows = [
        line(f"{one.name:<11}{one.value:>10}  ", (f"{MARKS.get(one.level, '')}{one.words}", one.level)) for one in found
    ]
    failed = dict.fromkeys(one.gate for one in found if one.gate is not None)
    return lines(rows + [line((f"{gate}: ", "fail"), BY_ID[gate].meaning) for gate in failed])


def alerts_of(snapshot: RunSnapshot, sequence_id: str) -> Content:
    found = [alert for alert in snapshot.alerts if alert.sequence_id == sequence_id]
    if not found:
        return styled("no alerts", "dim")
    return lines([in_words(alert, snapshot.run.started_at_us) for alert in found])


def letters(found: str) -> Content:
    """Return the length and the first residues."""
    shown = found[:MOST_LETTERS]
    count = fmt.plural(len(found), "residue") + (f", first {MOST_LETTERS} shown" if len(found) > len(shown) else "")
    groups = [fmt.safe(shown[start : start + GROUP]) for start in range(0, len(shown), GROUP)]
    rows = [
        line((f"{place * GROUP + 1:>5} ", "dim"), " ".join(groups[place : place + GROUPS]))
        for place in range(0, len(groups), GROUPS)
    ]
    return lines([styled(count, "dim"), *rows])
