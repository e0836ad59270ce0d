"""What a model needs, by its shape alone: bytes of weights and activations, and floating-point operations of a forward.

Loads no torch: a run and the estimate before it use the same rule by which both arms stay loaded.

FLOPs are multiply-adds of the encoder's matrices, each as two. Per token 2 * P + 4 * layers * hidden * L: P are the
weights of the matrices, L is the length of the token's own sequence (scores and weighted values: 2 * hidden * L each
per layer). Embedding, norms, biases, activations and padding do not count, as in Kaplan et al. 2020 (arXiv 2001.08361,
2.1) and Chowdhery et al. 2022 (arXiv 2204.02311, appendix B: MFU), with attention over the whole sequence.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from vp_tui.core.config import RESIDENT_SHARE, PlanPrecision
from vp_tui.core.inputs.spec import Kind, ModelSpec

ITEM_BYTES: Final[Mapping[PlanPrecision, int]] = {"fp64": 8, "fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
"""Bytes of one stored number."""


def weight_bytes(spec: ModelSpec, precision: PlanPrecision) -> int:
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


_FFN_MATRICES: Final[dict[Kind, int]] = {"esm2": 2, "dnabert-s": 3, "hf": 2}
"""Of hidden x ffn: up and down; DNABERT-S has a gate beside."""
_REST: Final = 0.1
"""Share of weights beside the matrices (biases, norms, positions, a small head) that an hf encoder may have."""


def matrix_weights(spec: ModelSpec) -> int | None:
    """Weights of the encoder's matrices; None where an hf checkpoint does not say, or is not built that way.

    A gated feed-forward, shared key heads or a decoder beside the encoder are not in every config.json. So an hf
    encoder is known only where the weights in its files, without the token embedding, agree with the plain one.
    """
    layer = 4 * spec.hidden**2 + _FFN_MATRICES[spec.kind] * spec.hidden * spec.ffn
    weights = spec.num_layers * layer
    if spec.kind != "hf":
        return weights
    rest = spec.num_parameters - spec.vocab_size * spec.hidden
    is_plain = spec.ffn > 0 and weights > 0 and weights <= rest <= (1 + _REST) * weights
    return weights if is_plain else None


def total_flops(spec: ModelSpec, lengths_S: np.ndarray) -> float | None:
    """FLOPs of one forward of sequences of `lengths_S` tokens, special tokens included."""
    lengths_S = np.asarray(lengths_S, np.float64)
    weights = matrix_weights(spec)
    if weights is None:
        return None
    attention = 4.0 * spec.num_layers * spec.hidden * float(np.square(lengths_S).sum())
    return 2.0 * weights * float(lengths_S.sum()) + attention
