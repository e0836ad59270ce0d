"""Everything about one sequence in words: its numbers beside the limits, its alerts, its letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.events import SequenceResult
from vp_tui.core.gates.embeddings import M1, M4, M5
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.marks import MARKS, Level, line, lines, styled
from vp_tui.tui.panels.alerts import in_words

MOST_LETTERS = 600
GROUP, GROUPS = 10, 6
"""Letters in a group, and groups in a line, as sequence databases print them."""


@dataclass(frozen=True, slots=True)
class Number:
    """One measure of the sequence, and how it stands to its limit; `gate` is set where it fails the run."""

    name: str
    value: str
    words: str
    level: Level = "plain"
    gate: str | None = None


def numbers(result: SequenceResult, limits: Thresholds) -> tuple[Number, ...]:
    """Cosine, error, norm and broken values; only M1 and V1 are judged sequence by sequence in every run."""
    return (
        _cosine(result.cosine, limits),
        _error(result.relative_l2, limits),
        _norm(result.norm_ratio, limits),
        _broken("NaN", result.nan_count),
        _broken("Inf", result.inf_count),
    )


def _cosine(cosine: float | None, limits: Thresholds) -> Number:
    limit = fmt.limit(limits.fail(M1))
    if cosine is None:
        return Number("cosine", fmt.DASH, "none: an embedding is not finite; fails M1", "fail", "M1")
    if cosine <= limits.fail(M1):
        return Number("cosine", fmt.cosine(cosine), f"not above {limit}; fails M1", "fail", "M1")
    return Number("cosine", fmt.cosine(cosine), f"above {limit}, as M1 asks", "good")


def _error(error: float | None, limits: Thresholds) -> Number:
    name, value = "rel. L2", fmt.error(error)
    if error is None:
        return Number(name, value, "")
    hard, soft = limits.fail(M4), limits.warn(M4)
    if error > soft:
        over = hard if error > hard else soft
        return Number(name, value, f"above {fmt.error(over)}, where 1 in 100 may lie (M4)", "warn")
    return Number(name, value, f"within {fmt.error(soft)}, where 99 in 100 must lie (M4)")


def _norm(ratio: float | None, limits: Thresholds) -> Number:
    name, value = "norm - 1", fmt.deviation(ratio)
    if ratio is None:
        return Number(name, value, "")
    if abs(ratio - 1) > limits.warn(M5):
        hard = abs(ratio - 1) > limits.fail(M5)
        over = limits.fail(M5) if hard else limits.warn(M5)
        return Number(name, value, f"beyond {fmt.error(over)} (M5)", "warn")
    return Number(name, value, f"within {fmt.error(limits.warn(M5))} (M5)")


def _broken(name: str, count: int) -> Number:
    if count:
        return Number(name, fmt.exact(count), "among its outputs, none is allowed; fails V1", "fail", "V1")
    return Number(name, "0", "as V1 asks", "good")


def measured(result: SequenceResult | None, limits: Thresholds) -> Content:
    """The numbers, then what the gates it fails mean."""
    if result is None:
        return styled("no numbers: it is not compared yet, or its row was archived", "dim")
    found = numbers(result, limits)
    rows = [
        line(f"{one.name:<10}{one.value:>10}  ", (f"{MARKS.get(one.level, '')}{one.words}", one.level)) for one in found
    ]
    failed = dict.fromkeys(one.gate for one in found if one.gate is not None)
    return lines(rows + [line((f"{gate}: ", "fail"), BY_ID[gate].meaning) for gate in failed])


def alerts_of(snapshot: RunSnapshot, sequence_id: str) -> Content:
    """All alerts that name the sequence."""
    found = [alert for alert in snapshot.alerts if alert.sequence_id == sequence_id]
    if not found:
        return styled("no alert names it", "dim")
    return lines([in_words(alert, snapshot.run.started_at_us) for alert in found])


def letters(found: str) -> Content:
    """How many there are, and the first of them."""
    shown = found[:MOST_LETTERS]
    count = f"{fmt.exact(len(found))} letters" + (f", the first {MOST_LETTERS}" if len(found) > len(shown) else "")
    groups = [fmt.safe(shown[start : start + GROUP]) for start in range(0, len(shown), GROUP)]
    return lines([styled(count, "dim"), *_numbered(groups)])


def _numbered(groups: Sequence[str]) -> list[Content]:
    starts = range(1, GROUP * len(groups) + 1, GROUP * GROUPS)
    return [
        line((f"{start:>5} ", "dim"), " ".join(groups[place : place + GROUPS]))
        for start, place in zip(starts, range(0, len(groups), GROUPS), strict=True)
    ]
