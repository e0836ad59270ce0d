"""Suspects in the pooling: other tokens in the mean, pads, another span, another divisor.

Each function takes the true token outputs of a sequence and returns what the faulty pooling makes of them.
Shape suffixes: L tokens of a sequence, P pads, D width, W windows.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from vp_tui.core.inputs.spec import Pooling

Pool = Callable[[np.ndarray], np.ndarray]


def _mean(hidden_LD: np.ndarray) -> np.ndarray:
    return np.asarray(hidden_LD.mean(axis=0, dtype=np.float64))


_RESIDUES: Final[Mapping[str, Pool]] = {
    "bos-in-mean": lambda hidden_LD: _mean(hidden_LD[:-1]),
    "eos-in-mean": lambda hidden_LD: _mean(hidden_LD[1:]),
    "specials-in-mean": _mean,
}
_ALL_TOKENS: Final[Mapping[str, Pool]] = {
    "specials-left-out": lambda hidden_LD: _mean(hidden_LD[1:-1]),
}
_ANY: Final[Mapping[str, Pool]] = {
    "first-token": lambda hidden_LD: hidden_LD[0].astype(np.float64),
    "sum": lambda hidden_LD: hidden_LD.sum(axis=0, dtype=np.float64),
}


def pools_of(pooling: Pooling) -> Mapping[str, Pool]:
    """Return the suspects of a model with this pooling, by name."""
    return {**(_ALL_TOKENS if pooling == "all_tokens" else _RESIDUES), **_ANY}


def padded_means(hidden_LD: np.ndarray, pads_PD: np.ndarray) -> np.ndarray:
    """Return the mean over all tokens and 1, 2, ... P pads, float64 [P, D]."""
    sums_PD = hidden_LD.sum(axis=0, dtype=np.float64) + np.cumsum(pads_PD, axis=0, dtype=np.float64)
    return np.asarray(sums_PD / (len(hidden_LD) + np.arange(1, len(pads_PD) + 1))[:, None])


def window_means(hidden_ND: np.ndarray, size: int) -> np.ndarray:
    """Return the mean over every `size` tokens in a row, float64 [W, D]."""
    before_ND = np.concatenate([np.zeros((1, hidden_ND.shape[1])), np.cumsum(hidden_ND, axis=0, dtype=np.float64)])
    return np.asarray((before_ND[size:] - before_ND[:-size]) / size)
