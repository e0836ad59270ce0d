"""How many floating-point operations the forward of an encoder takes: multiply-adds of its matrices, each as two.

Per token 2 * P + 4 * layers * hidden * L: P are the weights of the encoder's matrices, L is the length of the token's
own sequence (scores and weighted values: 2 * hidden * L each per layer). Embedding, norms, biases and activations do
not count, nor does padding: that is the work a model asks for, as Kaplan et al. 2020 (arXiv 2001.08361, 2.1) and
Chowdhery et al. 2022 (arXiv 2204.02311, appendix B: MFU) count it, with attention over the whole sequence.
"""

from typing import Final

import numpy as np

from vp_tui.core.inputs.spec import Kind, ModelSpec

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


def per_token(spec: ModelSpec, length: float) -> float | None:
    """FLOPs per token of a sequence of `length` tokens; None where the encoder is not known."""
    weights = matrix_weights(spec)
    return None if weights is None else 2.0 * weights + 4.0 * spec.num_layers * spec.hidden * length


def total(spec: ModelSpec, lengths_S: np.ndarray) -> float | None:
    """FLOPs of one forward of sequences of `lengths_S` tokens, special tokens included."""
    lengths_S = np.asarray(lengths_S, np.float64)
    weights = matrix_weights(spec)
    if weights is None:
        return None
    attention = 4.0 * spec.num_layers * spec.hidden * float(np.square(lengths_S).sum())
    return 2.0 * weights * float(lengths_S.sum()) + attention
