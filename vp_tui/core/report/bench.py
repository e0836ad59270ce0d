"""The document of `vp-tui bench` as pages, one per model."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core.report.page import Page, Table, titled
from vp_tui.core.text import DASH, number, percent, ratio, safe

_OURS: Final = "vp-tui"
_POWER_CAPPED: Final = "power-capped"

Document = Mapping[str, Any]


def pages(document: Document) -> list[Page]:
    """Return one page per model, in the order of the options."""
    return [_page(document, model) for model in document["models"]]


def _page(document: Document, model: Document) -> Page:
    return Page(
        title=f"vp-tui bench: {safe(model['name'])}",
        word=safe(model["name"]),
        sentence=_sentence(model) + _early(document),
        tone="",
        lines=tuple(_lines(document, model)),
        tables=(_engines(model["results"]), _ratios(model["ratios"], model["results"]), _ceilings(model["ceilings"])),
        notes=tuple(_notes(model)),
    )


def _sentence(model: Document) -> str:
    best = max(_measured(model["results"]), key=lambda one: float(one["tokens_per_s"]["median"]), default=None)
    rate = "nothing was measured" if best is None else f"{number(best['tokens_per_s']['median'])} tokens/s"
    where = "" if best is None else f" in {best['precision']}"
    weights = "; random weights: speed only" if model["random_weights"] else ""
    return f"{rate}{where}{weights}"


def _early(document: Document) -> str:
    return f"; stopped early by {document['stopped']}: incomplete" if document["stopped"] else ""


def _measured(results: Iterable[Document]) -> list[Document]:
    return [one for one in results if one["engine"] == _OURS and one["tokens_per_s"] is not None]


def _lines(document: Document, model: Document) -> Iterable[str]:
    facts, block, options = document["environment"], model["block"], document["options"]
    yield f"{safe(facts['device_name'])}, torch {safe(facts['torch'])}"
    yield (
        f"lengths of {safe(options['lengths'])}: blocks of {block['sequences']} sequences, {block['tokens']} tokens, "
        f"{number(block['mean_length'])} each; packed batches of {safe(block['token_budget_reason'])}"
    )
    yield f"memory copy: {number(document['copy_gb_per_s']['sustained'])} GB/s, read plus write"


def _engines(results: Sequence[Document]) -> Table:
    head = titled(
        "engine", "in", "tokens/s", "95%", "MFU", "matmul", "SM", "tensor", "MHz", "W", "blocks",
        numbers=("tokens/s", "MFU", "matmul", "SM", "tensor", "MHz", "W"),
    )  # fmt: skip
    note = (
        "MFU: share of the nominal peak; matmul: share of the sustained matmul rate at this model's shapes; "
        "SM, tensor: percent of time active (GPM); blocks: accepted + rejected"
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
    head = titled("", "over", "speedup", "95%", "batch", numbers=("speedup", "batch"))
    note = "batch: padded tokens of a peer's batch, its fastest size"
    return Table(title="Speedups, interleaved blocks (ABBA)", columns=head, rows=rows, note=note)


def _ceilings(ceilings: Sequence[Document]) -> Table:
    rows = tuple(_ceiling(one) for one in ceilings)
    head = titled("in", "matmul", "burst", "each", "attention", "", numbers=("matmul", "burst", "attention"), most=60)
    note = "TFLOP/s; matmul and attention: sustained, after a second of the same work; burst: cool device"
    return Table(title="Peak rates of this device at this model's shapes", columns=head, rows=rows, note=note)


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


def _notes(model: Document) -> Iterable[str]:
    yield from map(safe, model["notes"])
    for one in model["absent"]:
        yield f"{safe(one['engine'])} {one['precision']} is not available: {safe(one['reason'])}"
    for one in model["results"]:
        if one["error"]:
            yield f"{safe(one['engine'])} {one['precision']} failed: {safe(one['error'])}"


def _ends(found: Document | None) -> str:
    if found is None or found["low"] is None:
        return DASH
    return f"{number(found['low'])}..{number(found['high'])}"
