"""Which rows of every tap point are sketched, the same number of each sequence, and the signs of a sketch.

Shape suffixes: P sequences of the sample, N its tokens in the order of the passes, R sketched rows, K sketch.
"""

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.inputs import packing

SKETCH: Final = 16
"""Numbers per row of a sketch."""
SKETCH_ROWS: Final = 2048
"""Rows of a sketch, about: each sequence gives an equal number, or all its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketched:
    """Sketched rows of a point with one row per token (native), or per cell of the padded batches (transformers)."""

    rows: int
    """Of such a point."""
    row_R: NDArray[np.int64]
    """Rising."""
    sequence_R: NDArray[np.int64]
    """Place in indices_P."""
    weight_R: NDArray[np.float64]
    """Tokens of the sample that a row stands for."""


def sketched(sample: Sample, *, is_padded: bool) -> Sketched:
    """Return the rows for `sample`, evenly spaced over the tokens of each sequence."""
    row_N = _cell_of_token(sample) if is_padded else np.arange(len(sample.sequence_N))
    quota = max(1, SKETCH_ROWS // len(sample.indices_P))
    falling_P = sample.lengths_P[sample.order_P]
    taken_P = np.minimum(falling_P, quota)
    starts_P = np.cumsum(falling_P) - falling_P
    # in the middle of equal parts: the ends of a sequence get no more weight than its other tokens
    parts = [((np.arange(taken) + 0.5) * (length / taken)).astype(np.int64)
             for length, taken in zip(falling_P.tolist(), taken_P.tolist(), strict=True)]  # fmt: skip
    token_R = np.concatenate(parts) + np.repeat(starts_P, taken_P)
    return Sketched(
        rows=_cells(sample) if is_padded else len(row_N),
        row_R=row_N[token_R],
        sequence_R=np.repeat(sample.order_P, taken_P),
        weight_R=np.repeat(falling_P / taken_P, taken_P),
    )


def _groups(sample: Sample) -> list[list[packing.PaddedGroup]]:
    lengths_S = sample.tokens.lengths_S
    return [list(packing.layout(lengths_S[pack_S]).groups()) for pack_S in sample.packs(sample.budget)]


def _cells(sample: Sample) -> int:
    return sum(group.gather_BT.size for groups in _groups(sample) for group in groups)


def _cell_of_token(sample: Sample) -> NDArray[np.int64]:
    """Cell of each token in the padded groups of all packs, one after the other."""
    parts, before = [], 0
    for group in (group for groups in _groups(sample) for group in groups):
        parts.append(before + group.take_n)
        before += group.gather_BT.size
    return np.concatenate(parts)


def signs(name: str, width: int) -> Tensor:
    """The [width, SKETCH] matrix of +1 and -1 (int8) of the point `name`, the same on every machine and version."""
    digest = hashlib.shake_256(name.encode()).digest(width * SKETCH // 8)
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8)).astype(np.int8)
    return torch.from_numpy(2 * bits - 1).view(width, SKETCH)
