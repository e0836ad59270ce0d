"""What a search knows of one unit: two lines below the map, and the whole evidence."""

from collections.abc import Mapping
from typing import Final

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.inputs.units import block_of, operation_of
from vp_tui.core.runs.search import suspects
from vp_tui.core.runs.search.records import SearchResult, UnitEvidence
from vp_tui.tui.marks import Level, line, styled
from vp_tui.tui.panels.precision_map import Wish

OPERATIONS: Final[Mapping[str, str]] = {
    "embedding": "the table that turns tokens into vectors",
    "embedding_norm": "LayerNorm of the token vectors",
    "final_norm": "LayerNorm after the last block",
    "attention_norm": "LayerNorm of attention",
    "qkv": "linear layer that makes queries, keys and values",
    "attention": "scores between tokens, softmax, and the weighted mean of the values",
    "out": "linear layer after attention",
    "residual": "sums that add attention and feed-forward to the running vectors",
    "ffn_norm": "LayerNorm of the feed-forward part",
    "fc1": "first linear layer of the feed-forward part",
    "gelu": "activation between the two linear layers of the feed-forward part",
    "fc2": "second linear layer of the feed-forward part",
    "gated": "first linear layer of the feed-forward part, both halves",
    "wo": "second linear layer of the feed-forward part",
}
_NOT_SEEN: Final = "not looked at: it was pinned or forbidden, or the search ended before"


def evidence_of(unit: str, result: SearchResult) -> UnitEvidence | None:
    """Return what was seen of a unit; None for one that the search did not look at."""
    return next((one for one in result.evidence if one.unit == unit), None)


def brief(unit: str, result: SearchResult, wish: Wish | None) -> list[Content]:
    """Return two lines: what happens to the unit and why, and its numbers."""
    words, level = _fate(unit, result)
    asked = _asked(unit, result)
    told = "" if wish == asked else f"next search: {wish or f'not {asked}'}; "
    one = evidence_of(unit, result)
    numbers = _NOT_SEEN if one is None else ", ".join(f"{name} {value}" for name, value, _ in _numbers(one, result))
    return [line((unit, "title"), "  ", (told, "info"), (words, level)), styled(numbers, "dim")]


def _asked(unit: str, result: SearchResult) -> Wish | None:
    question = result.question
    return "pinned" if unit in question.pinned else "forbidden" if unit in question.forbidden else None


def _fate(unit: str, result: SearchResult) -> tuple[str, Level]:
    """Return what the plan does with the unit, and why."""
    base = result.question.base
    if result.plan is not None and unit in result.reasons:
        return f"kept in {result.question.keep}: {fmt.safe(result.reasons[unit])}", "good"
    if unit in result.question.forbidden:
        return f"stays in {base}: forbidden to be kept", "info"
    one = evidence_of(unit, result)
    if one is not None and suspects.is_beyond(one):
        return f"stays in {base}, but its values leave the range of {base}", "fail"
    if result.plan is None:
        return f"stays in {base}: no plan was found", "plain"
    return f"stays in {base}: not needed in {result.question.keep}", "plain"


def _numbers(one: UnitEvidence, result: SearchResult) -> list[tuple[str, str, str]]:
    """Return name, value and meaning of each number of the evidence."""
    base = result.question.base
    bits = "over the range" if one.headroom_bits is None else f"{fmt.measure(one.headroom_bits, 'bits')} bits"
    rounding = "beyond the range" if one.rounding is None else fmt.error(one.rounding)
    cost = "not measured" if one.cost_ms is None else "no more time"
    if one.cost_ms:
        cost = f"+{fmt.number(one.cost_ms)} ms per 1,000 tokens"
    return [
        ("headroom", bits, f"factors of two between its largest value and the largest of {base}; below 0 it overflows"),
        ("rounding", rounding, f"error of rounding its values once to {base}, relative to how far they vary"),
        ("cost", cost, f"time that keeping it in {result.question.keep} adds, measured"),
    ]


def full(unit: str, result: SearchResult, wish: Wish | None) -> list[Content]:
    """Return all that is known of a unit: what it computes, its fate, its numbers and their meaning."""
    words, level = _fate(unit, result)
    block, operation = block_of(unit), operation_of(unit)
    place = "" if block is None else f"Block {block}: "
    rows = [styled(unit, "title"), Content(f"{place}{OPERATIONS.get(operation, operation)}."), Content("")]
    rows.append(line(("In the plan  ", "dim"), (words, level)))
    if wish is not None:
        rows.append(line(("Your mark    ", "dim"), (wish, "info")))
    one = evidence_of(unit, result)
    if one is None:
        return [*rows, Content(""), Content(f"{_NOT_SEEN[:1].upper()}{_NOT_SEEN[1:]}.")]
    rank = f"{one.rank} of {len(result.evidence)} (1: the most suspicious)"
    rows += [line(("Rank         ", "dim"), rank), Content("")]
    for name, value, meaning in _numbers(one, result):
        rows += [line((f"{name:<13}", "title"), value), styled(f"  {meaning}.", "dim")]
    seen = "Headroom and rounding come from a few sequences in FP32, the worst of the run among them. They rank the "
    return [*rows, Content(""), Content(f"{seen}operations; trials decide which ones are kept.")]
