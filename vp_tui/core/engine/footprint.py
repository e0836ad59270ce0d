"""Memory of a model's weights and activations, and the rule by which both arms stay loaded.

Loads no torch: a run and the estimate before it use the same rule.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from vp_tui.core.config import RESIDENT_SHARE, PlanPrecision
from vp_tui.core.inputs.spec import ModelSpec

ITEM_BYTES: Final[Mapping[PlanPrecision, int]] = {"fp64": 8, "fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
"""Bytes of one stored number."""


def weight_bytes(spec: ModelSpec, precision: PlanPrecision) -> int:
    """Return the bytes of the weights."""
    return spec.num_parameters * ITEM_BYTES[precision]


def activation_bytes(spec: ModelSpec, precision: PlanPrecision) -> int:
    """Return the peak bytes per token of one block's forward, with a quarter of padding.

    Stream format: residual, normed, q k v, their padded copies and the result; or two FFN-wide ones.
    FP32: rotary's up-casts of q or k and their products, and the pooling's up-cast.
    """
    stream = 14 * spec.hidden + 2 * spec.ffn
    single = 5 * spec.hidden
    return ITEM_BYTES[precision] * stream + 4 * single


def fit_together(weights: Sequence[int], activations: int, free_bytes: int) -> bool:
    """Return True when these weights can all stay loaded during a forward with these bytes of activations."""
    return sum(weights) + activations <= RESIDENT_SHARE * free_bytes


def are_resident(spec: ModelSpec, precisions: Sequence[PlanPrecision], tokens: int, free_bytes: int) -> bool:
    """Return True when the arms of all precisions can stay loaded while one encodes a packed batch of `tokens`."""
    activations = tokens * max(activation_bytes(spec, precision) for precision in precisions)
    return fit_together([weight_bytes(spec, precision) for precision in precisions], activations, free_bytes)
