"""The planted fault residual-overflow: a large constant on all dimensions of the residual stream.

A LayerNorm subtracts the mean of its input and divides by the standard deviation. So a constant on all dimensions
changes none of its outputs, and neither does a factor on everything that the stream is the sum of. The factor (a power
of two) is there for FP32: at 65,504 its resolution is 0.004, which next to values near 1 would be an error as large as
FP16's own, but next to values near 256 is not.
"""

from typing import Final

import torch

from vp_tui.core.workers.plant.activations import Activations
from vp_tui.core.workers.plant.kinds import GRID, LARGEST
from vp_tui.core.workers.plant.weights import Rows, Weights

_ROOM: Final = 16_384.0
"""Largest value of the stream after scaling; FP16 holds four times as much."""
_MOST: Final = 256.0
"""Largest factor. ESM-2: epsilon is scaled by its square, and must stay below 1. DNABERT-S: weights are divided by it,
and FP16 must still have most of their digits."""


def residual_overflow(weights: Weights, blocks: list[int], seen: Activations) -> dict[int, frozenset[str]]:
    """Plant the fault at each of `blocks`; return the culprits of each.

    ESM-2 (pre-LayerNorm): fc2 of the block writes the constant, and it stays in the stream up to the last LayerNorm.
    DNABERT-S (post-LayerNorm): out of the block writes it, and the next norm removes it.
    """
    if not weights.is_esm2:
        return {block: _in_one_sum(weights, block, seen) for block in blocks}
    _scale_stream(weights, _factor(seen, [f"layers.{index}" for index in range(weights.spec.num_layers)]))
    for block in blocks:
        bias_D = weights.changed(f"{weights.ffn_out(block)}.bias")
        # the largest constant that leaves the bias itself finite in FP16: weights alone do not show the fault
        bias_D += LARGEST - GRID * (bias_D.max() / GRID).ceil()
    return {block: _after(block, weights.spec.num_layers) for block in blocks}


def _factor(seen: Activations, points: list[str]) -> float:
    largest = max(float(seen.largest[name].max()) for name in points)
    fitting = torch.tensor(_ROOM / largest).log2().floor().exp2()
    return float(fitting.clamp(1.0, _MOST))


def _scale_stream(weights: Weights, factor: float) -> None:
    """Multiply everything that is added to ESM-2's stream by `factor`, and epsilon by its square."""
    width = weights.spec.hidden
    weights.changed("embeddings.word_embeddings.weight").mul_(factor)
    for block in range(weights.spec.num_layers):
        for layer in (weights.attention_out(block), weights.ffn_out(block)):
            weights.scale_rows(Rows(layer, 0, width), factor)
    weights.config["layer_norm_eps"] *= factor**2


def _after(block: int, num_layers: int) -> frozenset[str]:
    """Return what writes or reads the stream of ESM-2 from fc2 of `block` on."""
    later = [
        f"layers.{index}.{name}" for index in range(block + 1, num_layers) for name in ("attention_norm", "ffn_norm")
    ]
    sums = [f"layers.{index}.residual" for index in range(block, num_layers)]
    return frozenset([f"layers.{block}.fc2", "final_norm", *sums, *later])


def _in_one_sum(weights: Weights, block: int, seen: Activations) -> frozenset[str]:
    """Let out of DNABERT-S exceed the range; both summands of the norm after it are scaled for FP32's sake."""
    before = "embeddings.LayerNorm" if block == 0 else weights.layer(block - 1, "mlp.layernorm")
    out = weights.attention_out(block)
    point = "embedding_norm" if block == 0 else f"layers.{block - 1}"
    factor = _factor(seen, [point, f"layers.{block}.out"])
    for kind in ("weight", "bias"):
        weights.changed(f"{before}.{kind}").mul_(factor)
    weights.changed(weights.layer(block, "attention.self.Wqkv") + ".weight").div_(factor)
    weights.scale_rows(Rows(out, 0, weights.spec.hidden), factor)
    # attention's share is too small to exceed the range from a bias within it
    weights.changed(f"{out}.bias").add_(2 * LARGEST)
    return frozenset(f"layers.{block}.{name}" for name in ("out", "attention_norm"))
