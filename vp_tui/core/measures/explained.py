"""How well a suspect explains the difference between two sets of embeddings.

For a sequence with the true embedding x, the judged one y and the suspect's h, the share beta of the suspect's step
h - x that y - x contains is <y - x, h - x> / |h - x|^2: 1 if y has exactly this fault, and near 0 if y's difference
has nothing to do with it. Rounding is spread over all D dimensions and moves beta by |noise| / |h - x| / sqrt(D) only,
so that faults below the noise of a 16-bit format are still told from it. `left` = |y - h| / |y - x| is what remains.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

WINDOW: Final = 0.15
"""Largest |median beta - 1|."""
SPREAD: Final = 0.1
"""Largest standard error of the median beta."""
NEARER_SHARE: Final = 0.8
"""Share of the sequences to which the suspect must be nearer than the true embedding."""
MIN_SEQUENCES: Final = 6
"""With fewer, three betas that happen to agree would be a fault."""
_TO_SD: Final = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""
_SMALL: Final = 1e-3
"""Smaller numbers have fewer bits in FP16."""
CLEAR: Final = 0.5
"""A fault is clear where less than this part of the difference is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One suspect on P sequences."""

    beta: float
    """Median."""
    error: float
    """Standard error of the median beta."""
    left: float
    """Median of |y - h| / |y - x|."""
    nearer: float
    """Share of the sequences whose y is nearer to h than to x."""
    sequences: int

    @property
    def fits(self) -> bool:
        """Return True where the suspect is in the difference, once and in nearly every sequence."""
        is_one = abs(self.beta - 1) <= WINDOW and self.error <= SPREAD
        return is_one and self.nearer >= NEARER_SHARE and self.sequences >= MIN_SEQUENCES


def explained(x_PD: np.ndarray, y_PD: np.ndarray, h_PD: np.ndarray) -> Explained:
    """Return how well h explains y - x; rows are sequences, float64. Rows whose h equals x say nothing."""
    step_PD, found_PD = h_PD - x_PD, y_PD - x_PD
    square_P = np.einsum("pd,pd->p", step_PD, step_PD)
    used_P = (square_P > 0) & np.isfinite(found_PD).all(axis=1) & np.isfinite(square_P)
    if not used_P.any():
        return Explained(beta=0.0, error=np.inf, left=1.0, nearer=0.0, sequences=0)
    beta_P = np.einsum("pd,pd->p", found_PD[used_P], step_PD[used_P]) / square_P[used_P]
    middle = float(np.median(beta_P))
    deviation = _TO_SD * float(np.median(np.abs(beta_P - middle)))
    far_P = np.linalg.norm(found_PD[used_P], axis=1)
    left_P = np.linalg.norm((y_PD - h_PD)[used_P], axis=1)
    ratio_P = left_P / np.where(far_P > 0, far_P, 1.0)
    return Explained(
        beta=middle,
        error=deviation / float(np.sqrt(used_P.sum())),
        left=float(np.median(ratio_P)),
        nearer=float((left_P < far_P).mean()),
        sequences=int(used_P.sum()),
    )


def nearest(y_D: np.ndarray, choices_CD: np.ndarray) -> tuple[int, np.ndarray]:
    """Return index and row of the choice nearest to y."""
    index = int(np.linalg.norm(choices_CD - y_D, axis=1).argmin())
    return index, choices_CD[index]


def significant_bits(values_SD: np.ndarray) -> int:
    """Return the binary digits that a set of float32 numbers uses: 24, or 11 for FP16 and TF32, 8 for BF16.

    Counted are the trailing zeros that all numbers share; numbers that FP16 holds as subnormals have fewer digits.
    """
    bits = values_SD[np.isfinite(values_SD)].view(np.uint32) & np.uint32(0x7FFFFF)
    used = int(np.bitwise_or.reduce(bits, initial=np.uint32(0)))
    if used == 0:
        return 1
    return 24 - ((used & -used).bit_length() - 1)


def sums_in_fp16(y_SD: np.ndarray, counts_S: np.ndarray) -> tuple[float, float]:
    """Return the share of numbers that are an FP16 sum over `counts_S` tokens, and that for one token more.

    A sum kept in FP16 has 11 bits before it is divided, so that y times the count is one of 1,024 numbers per octave
    again; a mean that was rounded only once is one in about three of four cases. The second share is that chance.
    Counts that are powers of two say nothing and are left out; 0, 0 where no others are there.
    """
    used_S = (counts_S & (counts_S - 1)) != 0
    if not used_S.any():
        return 0.0, 0.0
    found = [_on_grid(y_SD[used_S], (counts_S[used_S] + more)[:, None]) for more in (0, 1)]
    return found[0], found[1]


def _on_grid(y_SD: np.ndarray, counts_S1: np.ndarray) -> float:
    with np.errstate(over="ignore"):
        sums_SD = (y_SD.astype(np.float64) * counts_S1).astype(np.float16).astype(np.float32)
    again_SD = sums_SD / counts_S1.astype(np.float32)
    near_SD = np.abs(again_SD - y_SD) <= np.abs(y_SD) * np.float32(2.0**-22)
    large_SD = np.abs(y_SD) > _SMALL
    return float((near_SD | (again_SD.astype(np.float16) == y_SD))[large_SD].mean()) if large_SD.any() else 0.0
