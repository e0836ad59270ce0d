"""What a few sequences show of every unit before the first trial.

In FP32 every value that a unit takes or gives is looked at: its largest magnitude, and what rounding it once to the
base format would cost, relative to how far the value of a feature varies between tokens (a constant that all tokens
share carries nothing, but takes the digits). For weights it is what their rounding does to the output of their layer.
A unit that takes or gives a value beyond the range of the base format is certainly needed; the others are ranked by the
cost of rounding.

Shape suffixes: R rows of a point, D width, F inputs of a linear layer.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder, place
from vp_tui.core.engine.probe.points import ENTERS, looking, looking_everywhere, watched
from vp_tui.core.formats import has_small_operands
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.inputs.units import BLOCKS, block_of, operation_of
from vp_tui.core.models.operands import ROUNDING
from vp_tui.core.models.precision import at_least_fp32, range_of, stored_as
from vp_tui.core.runs.search.records import UnitEvidence

WEIGHT: Final = ".weight"


@dataclass(frozen=True, slots=True)
class Seen:
    """One point in FP32."""

    max_abs: float
    rounding: float
    """RMS error of one rounding over the RMS distance of a feature from its mean over the tokens; inf beyond the
    format's range."""


# what each operation of a block takes and gives, by point; {b} is the block
_ESM2: Final[Mapping[str, tuple[str, ...]]] = {
    "attention_norm": ("{b}.in", "{b}.attention_norm"),
    "qkv": ("{b}.qkv.in", "{b}.qkv"),
    "attention": ("{b}.qkv", "{b}.out.in"),
    "out": ("{b}.out.in", "{b}.out"),
    "residual": ("{b}.in", "{b}.out", "{b}.ffn_norm.in", "{b}.fc2", "{b}"),
    "ffn_norm": ("{b}.ffn_norm.in", "{b}.fc1.in"),
    "fc1": ("{b}.fc1.in", "{b}.fc1"),
    "gelu": ("{b}.fc1", "{b}.fc2.in"),
    "fc2": ("{b}.fc2.in", "{b}.fc2"),
}
_DNABERT: Final[Mapping[str, tuple[str, ...]]] = {
    "qkv": ("{b}.qkv.in", "{b}.qkv"),
    "attention": ("{b}.qkv", "{b}.out.in"),
    "out": ("{b}.out.in", "{b}.out"),
    "attention_norm": ("{b}.in", "{b}.out", "{b}.attention_norm.in", "{b}.attention_norm"),
    "gated": ("{b}.gated.in", "{b}.gated"),
    "gelu": ("{b}.gated", "{b}.wo.in"),
    "wo": ("{b}.wo.in", "{b}.wo"),
    "ffn_norm": ("{b}.attention_norm", "{b}.wo", "{b}.ffn_norm.in", "{b}.ffn_norm"),
}
_OUTSIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "embedding": ("embedding",),
    "embedding_norm": ("embedding_norm.in", "embedding_norm"),
    "final_norm": ("final_norm.in", "final_norm"),
}


def points_of(unit: str, kind: Kind) -> tuple[str, ...]:
    """Return the points whose values a unit takes or gives."""
    block = block_of(unit)
    if block is None:
        return _OUTSIDE[unit]
    names = (_ESM2 if kind == "esm2" else _DNABERT)[operation_of(unit)]
    return (*(name.format(b=f"{BLOCKS}.{block}") for name in names), unit + WEIGHT)


def look(encoder: Encoder, tokens: TokenSet, rows: np.ndarray, base: PrecisionPlan) -> dict[str, Seen]:
    """Return what every point shows when the FP32 model of `encoder` encodes the sequences `rows` of `tokens`."""
    seen: dict[str, Seen] = {}

    def note(name: str, value: Tensor) -> None:
        seen[name] = _seen(at_least_fp32(value.reshape(-1, value.shape[-1])), base)

    def note_weights(name: str, linear: nn.Module, inputs: tuple[Tensor, ...], output_RD: Tensor) -> None:
        seen[name + WEIGHT] = _of_weights(linear, inputs[0], output_RD, base)

    with ExitStack() as stack:
        for name, module in watched(encoder.loaded.model):
            if isinstance(module, nn.Linear):
                stack.callback(module.register_forward_hook(partial(note_weights, name)).remove)
        stack.enter_context(looking_everywhere(encoder.loaded.model, note))
        _forward(encoder, tokens, rows)
    return seen


def _forward(encoder: Encoder, tokens: TokenSet, rows: np.ndarray) -> None:
    """Run the sequences `rows` through the model in one pack, for what is looked at inside."""
    pack = place(tokens, rows[np.argsort(-tokens.lengths_S[rows], kind="stable")], encoder.device)
    with torch.inference_mode(), encoder.products():
        encoder.loaded.model(pack.ids_N, pack.layout)


def _of_weights(linear: nn.Module, input_RF: Tensor, output_RD: Tensor, base: PrecisionPlan) -> Seen:
    """Return what rounding the weights of a linear layer once to the base format does to its output."""
    weight_DF: Tensor = linear.weight  # type: ignore[assignment]
    max_abs = float(weight_DF.abs().max())
    if not max_abs <= range_of(base).largest:
        return Seen(max_abs=max_abs, rounding=float("inf"))
    lost_DF = weight_DF - _rounded(weight_DF, base, is_weight=True)
    if not bool(lost_DF.any()):
        return Seen(max_abs=max_abs, rounding=0.0)
    error = float(nn.functional.linear(input_RF, lost_DF).square().mean().sqrt())
    return Seen(max_abs=max_abs, rounding=_over(error, _spread(output_RD)))


def _rounded(values: Tensor, base: PrecisionPlan, *, is_weight: bool = False) -> Tensor:
    """Return the values rounded once to the base format, or as the operands of its products are."""
    operands = ROUNDING.get(base.precision)
    if operands is None:
        return stored_as(values, base)
    return operands.weight(values) if is_weight else operands.entering(values)


def _spread(value_RD: Tensor) -> float:
    """Return the RMS distance of a feature from its mean over the tokens."""
    return float((value_RD - value_RD.mean(0)).square().mean().sqrt())


def _over(error: float, spread: float) -> float:
    return error / spread if spread > 0 else 0.0


def _seen(value_RD: Tensor, base: PrecisionPlan) -> Seen:
    max_abs = float(value_RD.abs().max())
    if not max_abs <= range_of(base).largest:
        return Seen(max_abs=max_abs, rounding=float("inf"))
    error = float((value_RD - _rounded(value_RD, base)).square().mean().sqrt())
    return Seen(max_abs=max_abs, rounding=_over(error, _spread(value_RD)))


def unsafe(encoder: Encoder, tokens: TokenSet, rows: np.ndarray) -> dict[str, float | None]:
    """Return the numbers of V2 for the sequences `rows`: modules with values that are not finite, saturated values."""
    broken: set[str] = set()
    saturated = 0

    def note(name: str, value: Tensor) -> None:
        nonlocal saturated
        largest = torch.finfo(value.dtype).max
        magnitude = value.abs()
        if not bool((magnitude <= largest).all()):
            broken.add(name.removesuffix(ENTERS))
        saturated += int((magnitude == largest).sum())

    with looking(encoder.loaded.model, note):
        _forward(encoder, tokens, rows)
    return {"nonfinite_modules": float(len(broken)), "saturated_values": float(saturated)}


def _counts(name: str, base: PrecisionPlan) -> bool:
    """Return False for what a layer gives, where only the operands of its product have the base format."""
    return not has_small_operands(base.precision) or name.endswith((ENTERS, WEIGHT))


def rank(units: Sequence[str], kind: Kind, seen: Mapping[str, Seen], base: PrecisionPlan) -> tuple[UnitEvidence, ...]:
    """Return the evidence of every unit, the most suspicious first; among equals in the order of execution."""
    largest = range_of(base).largest
    rows = []
    for unit in units:
        mine = [seen[name] for name in points_of(unit, kind) if name in seen and _counts(name, base)]
        max_abs = max((one.max_abs for one in mine), default=0.0)
        cost = max((one.rounding for one in mine), default=0.0)
        rows.append((unit, max_abs, cost))
    rows.sort(key=lambda row: -row[2])
    return tuple(
        UnitEvidence(
            unit=unit,
            rank=place_ + 1,
            headroom_bits=float(np.log2(largest / max_abs)) if 0 < max_abs < np.inf else None,
            rounding=cost if np.isfinite(cost) else None,
        )
        for place_, (unit, max_abs, cost) in enumerate(rows)
    )
