"""The document of `vp-tui bench` as pages, one per model: goals first, then what they rest on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core.report.page import Page, Table, Tone, columns, toned
from vp_tui.core.text import DASH, change, error, interval, number, percent, ratio, safe

_OURS: Final = "vp-tui"
_POWER_CAPPED: Final = "power-capped"

Document = Mapping[str, Any]


def pages(document: Document) -> list[Page]:
    """One page per model, in the order asked for."""
    return [_page(document, model) for model in document["models"]]


def _page(document: Document, model: Document) -> Page:
    goals = model["goals"]
    missed = sum(not goal["ok"] for goal in goals)
    tone: Tone = "open" if missed else "good" if goals else ""
    return Page(
        title=f"vp-tui bench: {safe(model['name'])}",
        word=safe(model["name"]),
        sentence=_sentence(model, missed) + _early(document),
        tone=tone,
        lines=tuple(_lines(document, model)),
        tables=(
            _goals(goals),
            _engines(model["results"]),
            _ratios(model["ratios"], model["results"]),
            _ceilings(model["ceilings"]),
            _overheads(model["overheads"]),
            _waterfall(model["waterfall"]),
        ),
        notes=tuple(_notes(model)),
    )


def _sentence(model: Document, missed: int) -> str:
    best = max(_measured(model["results"]), key=lambda one: float(one["tokens_per_s"]["median"]), default=None)
    rate = "nothing could be measured" if best is None else f"{number(best['tokens_per_s']['median'])} tokens/s"
    where = "" if best is None else f" in {best['precision']}"
    goals = f", {missed} of {len(model['goals'])} goals missed" if model["goals"] else ", no goal applies here"
    weights = "; random weights: speed only" if model["random_weights"] else ""
    return f"{rate}{where}{goals}{weights}"


def _early(document: Document) -> str:
    return f"; stopped early by {document['stopped']}: the rest is missing" if document["stopped"] else ""


def _measured(results: Iterable[Document]) -> list[Document]:
    return [one for one in results if one["engine"] == _OURS and one["tokens_per_s"] is not None]


def _lines(document: Document, model: Document) -> Iterable[str]:
    facts, block, options = document["environment"], model["block"], document["options"]
    yield f"{safe(facts['device_name'])}, torch {safe(facts['torch'])}"
    yield (
        f"lengths of {safe(options['lengths'])}: blocks of {block['sequences']} sequences, {block['tokens']} tokens, "
        f"{number(block['mean_length'])} each; packs of {safe(block['token_budget_reason'])}"
    )
    yield f"copying on the device: {number(document['copy_gb_per_s']['sustained'])} GB/s, read and written"


def _goals(goals: Sequence[Document]) -> Table:
    rows: list[tuple[Tone, tuple[str, ...]]] = [
        (
            "good" if goal["ok"] else "open",
            (
                goal["what"],
                number(goal["value"]),
                f"{'>=' if goal['at_least'] else '<='} {number(goal['limit'])}",
                "ok" if goal["ok"] else "missed",
            ),
        )
        for goal in goals
    ]
    tones, cells = toned(rows)
    head = columns("goal", "measured", "wanted", "", numbers=("measured",), most=50)
    return Table(title="Goals", columns=head, rows=cells, tones=tones, note="" if rows else "none applies here")


def _engines(results: Sequence[Document]) -> Table:
    head = columns(
        "engine", "in", "tokens/s", "95 %", "MFU", "matmul", "SM", "tensor", "MHz", "W", "blocks",
        numbers=("tokens/s", "MFU", "matmul", "SM", "tensor", "MHz", "W"),
    )  # fmt: skip
    note = (
        "MFU: share of the data sheet's peak; matmul: share of the sustained rate of this model's products here; "
        "SM, tensor: percent of the time at work (GPM); blocks: accepted + rejected"
    )
    return Table(title="Engines", columns=head, rows=tuple(_engine(one) for one in results), note=note)


def _engine(one: Document) -> tuple[str, ...]:
    rate, state = one["tokens_per_s"], one["conditions"] or {}
    return (
        one["engine"],
        one["precision"],
        DASH if rate is None else number(rate["median"]),
        "failed" if one["error"] else _ends(rate),
        percent(one["mfu"]),
        percent(one["share_of_matmul_sustained"]),
        *(number(state.get(name)) for name in ("sm_active", "tensor_active", "sm_clock_mhz", "power_w")),
        _blocks(one, state),
    )


def _blocks(one: Document, state: Document) -> str:
    accepted = len(one["blocks"]) - one["rejected_blocks"]
    capped = f" {_POWER_CAPPED}" if _POWER_CAPPED in state.get("throttle_words", ()) else ""
    return f"{accepted}+{one['rejected_blocks']}{capped}"


def _ratios(ratios: Sequence[Document], results: Sequence[Document]) -> Table:
    cells = {(one["engine"], one["precision"]): one["batch_tokens"] for one in results if one["engine"] != _OURS}
    rows = tuple(
        (
            f"{_OURS} {one['precision']}",
            f"{one['over_engine']} {one['over_precision']}",
            ratio(one["times"]["median"]),
            _ends(one["times"]),
            str(cells.get((one["over_engine"], one["over_precision"]), DASH)),
        )
        for one in ratios
    )
    head = columns("", "against", "times as fast", "95 %", "cells", numbers=("times as fast", "cells"))
    note = "cells: padded tokens of a peer's batch, the size it was fastest with"
    return Table(title="Ratios, blocks in turns (ABBA)", columns=head, rows=rows, note=note)


def _ceilings(ceilings: Sequence[Document]) -> Table:
    rows = tuple(_ceiling(one) for one in ceilings)
    head = columns("in", "matmul", "burst", "each", "attention", "", numbers=("matmul", "burst", "attention"), most=60)
    note = "TFLOP/s; sustained after a second of the same work, burst from a cool device"
    return Table(title="Ceilings of this device at this model's shapes", columns=head, rows=rows, note=note)


def _ceiling(one: Document) -> tuple[str, ...]:
    products, attention = one["matmul_tflops"] or {}, one["attention_tflops"] or {}
    each = ", ".join(f"{name} {number(rate)}" for name, rate in one["matmul_shapes"].items())
    return (
        one["precision"],
        number(products.get("sustained")),
        number(products.get("burst")),
        each or safe(one["reason"] or DASH),
        number(attention.get("sustained")),
        one["attention_kernel"] or DASH,
    )


def _overheads(overheads: Sequence[Document]) -> Table:
    rows = tuple(_overhead(one) for one in overheads)
    head = columns("what", "cost", "95 %", "", numbers=("cost",), most=60)
    return Table(title="What measuring costs, on against off in turns (ABBA)", columns=head, rows=rows)


def _overhead(one: Document) -> tuple[str, ...]:
    found = one["ratio"]
    if found is None:
        return (one["what"], DASH, DASH, safe(one["reason"] or DASH))
    ends = (found["low"], found["high"])
    low, high = (None, None) if None in ends else (found["low"] - 1, found["high"] - 1)
    return (one["what"], change(found["median"] - 1), interval(low, high), "")


def _waterfall(steps: Sequence[Document]) -> Table:
    rows = tuple(
        (
            safe(one["name"]),
            DASH if one["tokens_per_s"] is None else number(one["tokens_per_s"]["median"]),
            DASH if one["gain"] is None else ratio(one["gain"]["median"]),
            safe(one["failure"]) if one["failure"] else _ends(one["gain"]),
            error(one["error"]),
        )
        for one in steps
    )
    head = columns("technique", "tokens/s", "gain", "95 %", "error", numbers=("tokens/s", "gain", "error"), most=50)
    note = "error: median relative L2 distance of embeddings from an FP64 forward with the same weights" if rows else ""
    return Table(title="Waterfall", columns=head, rows=rows, note=note)


def _notes(model: Document) -> Iterable[str]:
    yield from map(safe, model["notes"])
    for one in model["absent"]:
        yield f"no {safe(one['engine'])} in {one['precision']}: {safe(one['reason'])}"
    for one in model["results"]:
        if one["error"]:
            yield f"{safe(one['engine'])} failed in {one['precision']}: {safe(one['error'])}"


def _ends(found: Document | None) -> str:
    """Both ends of an interval that is no difference."""
    if found is None or found["low"] is None:
        return DASH
    return f"{number(found['low'])}..{number(found['high'])}"
