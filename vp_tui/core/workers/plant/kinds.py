"""The kinds of planted faults: each changes weights at one site and returns the units that must be kept in FP32.

A unit (one step of a block, such as layers.3.fc1) that is kept casts its input to FP32, has FP32 weights, and leaves
its output in FP32; the next unit that is not kept casts to FP16 at its own entry. So a value beyond FP16's range has at
least two culprits: the unit that writes it and the one that reads it. Factors are powers of two, which change no digit
of an FP32 number. No kind is a large rotary angle: angles and rotation are FP32 in every plan (models/ops.py), so it
could not fail.

Shape suffixes: S sequences, F hidden units, K head size, D width.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np
import torch
from torch import Tensor

from vp_tui.core.config import plain_plan
from vp_tui.core.models.precision import range_of
from vp_tui.core.workers.plant.activations import Activations
from vp_tui.core.workers.plant.weights import Weights

LARGEST: Final = range_of(plain_plan("fp16")).largest
"""65,504."""
_MARGIN: Final = 2.0
"""Values of nearly every sequence exceed the largest FP16 number by this factor."""
_RARE: Final = 0.05
"""Part of the sequences of the calibration that may stay below it."""
_CANDIDATES: Final = 8
"""Hidden units or heads that the seed chooses from: those that fit best."""
_GRID_FROM: Final = 32_768
GRID: Final = 32
"""Distance of neighbouring FP16 numbers from _GRID_FROM on."""
_HALFWAY: Final = 2048
"""FP16 numbers between 1 and 2 are 1/1024 apart."""
_DAMAGE: Final = 0.25
"""Error that a planted rounding writes into the residual stream in FP16, relative to the stream's root mean square."""


@dataclass(frozen=True, slots=True)
class Site:
    """One planted fault."""

    kind: str
    block: int


def _power_of_two(least: float) -> float:
    return 2.0 ** math.ceil(math.log2(least))


def _reached(largest_SF: Tensor) -> Tensor:
    """Return the value of each column that all but the rarest sequences reach, [F]."""
    return torch.quantile(largest_SF, _RARE, dim=0, interpolation="lower")


def _drawn(score_F: Tensor, rng: np.random.Generator) -> int:
    """Return the index of one of the best scores (largest)."""
    best_C = score_F.topk(min(_CANDIDATES, len(score_F))).indices
    return int(best_C[rng.integers(len(best_C))])


def ffn_overflow(weights: Weights, block: int, seen: Activations, rng: np.random.Generator) -> frozenset[str]:
    """Scale a hidden unit of a feed-forward layer up, and what the next layer does with it down.

    DNABERT-S: the linear half of the gate is scaled, so the function is the same. ESM-2: gelu(c x) / c is not gelu(x)
    but relu(x), for a large c; they differ by 0.17 at most, and units are preferred where that changes least.
    """
    grow = f"layers.{block}.{'fc1' if weights.is_esm2 else 'gated'}"
    out = weights.tensors[f"{weights.ffn_out(block)}.weight"].float()
    if weights.is_esm2:
        reached_F = _reached(seen.highest[grow])
        change_F = out.norm(dim=0) * seen.bend[grow]
        unit = _drawn((reached_F > reached_F.median()) / (change_F + torch.finfo(torch.float32).tiny), rng)
    else:
        both_F = _reached(seen.largest[grow][:, weights.spec.ffn :])
        reached_F = torch.minimum(_reached(seen.product[grow]), both_F)
        unit = _drawn(reached_F, rng)
    factor = _power_of_two(_MARGIN * LARGEST / float(reached_F[unit]))
    weights.scale_rows(weights.ffn_in(block, unit), factor)
    weights.scale_columns(weights.ffn_out(block), unit, 1 / factor)
    names = ("fc1", "gelu", "fc2") if weights.is_esm2 else ("gated", "gelu", "wo")
    return frozenset(f"layers.{block}.{name}" for name in names)


def score_overflow(weights: Weights, block: int, seen: Activations, rng: np.random.Generator) -> frozenset[str]:
    """Scale q of one head up and k down by the same factor, so that every score is the same.

    The scores themselves cannot overflow: attention computes them in FP32. So q is what exceeds the range.
    """
    head_dim = weights.spec.head_dim
    q_SD = seen.largest[f"layers.{block}.qkv"][:, : weights.spec.hidden]
    reached_H = _reached(q_SD.view(len(q_SD), -1, head_dim).amax(2))
    head = _drawn(reached_H, rng)
    factor = _power_of_two(_MARGIN * LARGEST / float(reached_H[head]))
    weights.scale_rows(weights.heads(block, 0, head), factor)
    weights.scale_rows(weights.heads(block, 1, head), 1 / factor)
    return frozenset(f"layers.{block}.{name}" for name in ("qkv", "attention"))


def cancellation(weights: Weights, block: int, seen: Activations, rng: np.random.Generator) -> frozenset[str]:
    """Add constants to v of one head, and subtract from the bias of the next layer what they become there.

    Attention weights sum to 1, so the constants pass attention unchanged and the function is the same. They lie
    between FP16 numbers, which are 32 apart there: v loses its own value, and the constants are wrong by 12 to 15,
    the same way for every token, so that no mean hides it. As many dimensions of the head get one as are needed to
    change the residual stream by a quarter of its own size; FP32 loses 1/8192 of that.
    """
    head = int(rng.integers(weights.spec.num_heads))
    rows = weights.heads(block, 2, head)
    columns_K = slice(head * weights.spec.head_dim, (head + 1) * weights.spec.head_dim)
    out = weights.attention_out(block)
    size = seen.rms[f"layers.{block}"]
    out_DK = weights.tensors[f"{out}.weight"][:, columns_K].double()
    between_K = rng.integers(3 * GRID // 8, GRID // 2, rows.count) * rng.choice([-1, 1], rows.count)
    offset_K = torch.from_numpy(_GRID_FROM + GRID * rng.integers(1, 256, rows.count) + between_K).double()
    count = _dimensions(out_DK, offset_K, _DAMAGE * size)
    offset_K[count:] = 0
    weights.changed(f"{rows.layer}.bias")[rows.slice] += offset_K.float()
    weights.changed(f"{out}.bias").sub_((out_DK @ offset_K).float())
    return frozenset(f"layers.{block}.{name}" for name in ("qkv", "attention", "out"))


def weight_rounding(weights: Weights, block: int, seen: Activations, rng: np.random.Generator) -> frozenset[str]:
    """Give a linear layer one input that is constant, with large weights that FP16 rounds, and subtract them again.

    The input is the one that matters least: a hidden unit before fc2 of ESM-2 (gelu(8) is 8), a dimension of v before
    out of DNABERT-S (attention weights sum to 1). Its mean goes into the bias, so that the function is nearly the same.
    The weights lie halfway between FP16 numbers; their errors change the residual stream by a quarter of its own size.
    This is the one kind with a single culprit: the values before and after the layer are ordinary.
    """
    unit, layer = ("fc2", weights.ffn_out(block)) if weights.is_esm2 else ("out", weights.attention_out(block))
    point = f"layers.{block}.{unit}.in"
    weight_DF, bias_D = weights.changed(f"{layer}.weight"), weights.changed(f"{layer}.bias")
    column = _drawn(-weight_DF.norm(dim=0) * seen.spread[point], rng)
    rows, value = (weights.ffn_in(block, column), 8.0) if weights.is_esm2 else (weights.value(block, column), 1.0)
    weights.changed(f"{rows.layer}.weight")[rows.slice] = 0
    weights.changed(f"{rows.layer}.bias")[rows.slice] = value
    size = _power_of_two(_DAMAGE * _HALFWAY * seen.rms[f"layers.{block}"] / value)
    odd_D = torch.from_numpy(2 * rng.integers(0, _HALFWAY // 2, weights.spec.hidden) + 1).float()
    large_D = size * (1 + odd_D / _HALFWAY)
    bias_D += weight_DF[:, column] * seen.mean[point][column] - value * large_D
    weight_DF[:, column] = large_D
    return frozenset([f"layers.{block}.{unit}"])


def _dimensions(out_DK: Tensor, offset_K: Tensor, damage: float) -> int:
    """Return the number of constants, from the first on, whose FP16 errors write at least `damage` (RMS over D)."""
    error_K = offset_K - torch.round(offset_K / GRID) * GRID
    written_DK = (out_DK * error_K).cumsum(1)
    enough_K = written_DK.square().mean(0).sqrt() >= damage
    return int(enough_K.int().argmax()) + 1 if bool(enough_K.any()) else out_DK.shape[1]


Plant = Callable[[Weights, int, Activations, np.random.Generator], frozenset[str]]
PLANTS: Final[Mapping[str, Plant]] = MappingProxyType(
    {
        "ffn-overflow": ffn_overflow,
        "score-overflow": score_overflow,
        "cancellation": cancellation,
        "weight-rounding": weight_rounding,
    }
)
"""Kinds that change one block only; residual-overflow (residual.py) changes the whole stream."""
