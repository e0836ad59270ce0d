"""Statistics of the embeddings of an arm as a set: centre, spread, dominant dimensions, similarity of sequences."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np

from vp_tui.core.measures.selection import chunks, on_all_cores, portions

SCALE_FLOOR = 0.01
"""Floor relative to the median standard deviation, so that a nearly constant dimension does not dominate."""
ROGUE_SHARE = 0.05
"""A dimension with a larger share of the mean between-sequence cosine is rogue (Timkey & van Schijndel 2021)."""
ROGUE_CLEAR = 0.04
"""A rogue dimension counts as missing in the other arm only below this share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceStatistics:
    """Per-dimension mean and population standard deviation of a reference, float64 [D]; frozen with the baseline."""

    num_rows: int
    mean_D: np.ndarray
    std_D: np.ndarray

    @property
    def spread(self) -> bool:
        """True when the rows differ; without spread nothing can be centred or standardized."""
        return self.num_rows > 1 and bool((self.std_D > 0).any())

    @property
    def floor(self) -> float:
        """Return 0.01 of the median sigma, above 0 where there is spread.

        Where more than half of the dimensions are constant, the median is over the others.
        """
        moving_D = self.std_D[self.std_D > 0]
        median = float(np.median(self.std_D)) or (float(np.median(moving_D)) if moving_D.size else 0.0)
        return SCALE_FLOOR * median

    @property
    def scale_D(self) -> np.ndarray:
        """Return s = max(sigma, 0.01 median sigma) [D]."""
        scale_D: np.ndarray = np.maximum(self.std_D, self.floor)
        return scale_D

    def standardized(self, x_SD: np.ndarray, rows_R: np.ndarray | None = None) -> np.ndarray:
        """Return (x - mu) / s of some rows, or of all, float64 [R, D]; requires spread."""
        rows_R = np.arange(len(x_SD)) if rows_R is None else rows_R
        z_RD, scale_D = np.empty((len(rows_R), x_SD.shape[1])), self.scale_D

        def fill(part: slice) -> None:
            np.subtract(x_SD[rows_R[part]], self.mean_D, out=z_RD[part])
            z_RD[part] /= scale_D

        on_all_cores(fill, portions(*z_RD.shape))
        return z_RD


@dataclass(frozen=True, slots=True, kw_only=True)
class BetweenSequences:
    """Mean cosine between different sequences (None below two rows), and each dimension's share of it.

    A share [D] is relative to the sum of all positive contributions, so that it stays a share where contributions
    cancel.
    """

    cosine: float | None
    share_D: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """Sums over finite rows, float64 [D] each; their size does not depend on the number of rows."""

    num: int
    mean_D: np.ndarray
    square_D: np.ndarray
    """Sum of (x - mean)^2."""
    unit_D: np.ndarray
    """Sum of the normalized rows; a zero vector stays zero."""
    unit_square_D: np.ndarray

    @property
    def std_D(self) -> np.ndarray:
        """Return the population standard deviation [D]."""
        std_D: np.ndarray = np.sqrt(self.square_D / max(self.num, 1))
        return std_D

    @property
    def statistics(self) -> ReferenceStatistics:
        """Return the statistics of these rows as a reference."""
        return ReferenceStatistics(num_rows=self.num, mean_D=self.mean_D, std_D=self.std_D)

    @property
    def between(self) -> BetweenSequences:
        """Return the mean cosine over all pairs of different rows, and the contribution of every dimension.

        With u the normalized rows, dimension d contributes ((sum u_d)^2 - sum u_d^2) / (n (n - 1)), which needs no
        loop over pairs. A zero vector has cosine 0 with every other.
        """
        if self.num < 2:
            return BetweenSequences(cosine=None, share_D=np.zeros_like(self.unit_D))
        given_D = (np.square(self.unit_D) - self.unit_square_D) / (self.num * (self.num - 1))
        positive_D = np.maximum(given_D, 0.0)
        whole = positive_D.sum()
        return BetweenSequences(
            cosine=float(np.clip(given_D.sum(), -1.0, 1.0)), share_D=positive_D / whole if whole > 0 else positive_D
        )

    @property
    def dominant_dimension(self) -> tuple[int, float] | None:
        """Return the dimension with the largest share of the mean squared norm, and that share.

        Where one dimension holds most of the norm, M1 depends on little else: real ESM-2 3B has 0.81 in dimension 1542.
        """
        energy_D = self.square_D + self.num * np.square(self.mean_D)
        if not energy_D.sum() > 0:
            return None
        top = int(energy_D.argmax())
        return top, float(energy_D[top] / energy_D.sum())


def reference_statistics(x_SD: np.ndarray) -> ReferenceStatistics:
    """Return the statistics of the finite rows; zeros when there is none."""
    return sums(x_SD).statistics


def sums(x_SD: np.ndarray) -> Sums:
    """Return the sums over the finite rows, in an order that the number of cores does not change."""

    def portion(part: slice) -> Sums | None:
        x_CD = x_SD[part].astype(np.float64)
        keep_C = np.isfinite(x_CD).all(axis=1)
        return sums_of_portion(x_CD[keep_C]) if keep_C.any() else None

    found = on_all_cores(portion, chunks(len(x_SD)))
    return added((one for one in found if one is not None), x_SD.shape[1])


def sums_of_portion(x_CD: np.ndarray) -> Sums:
    """Return the sums over a few finite rows, float64 and at least one, in one step."""
    mean_D = x_CD.mean(axis=0)
    gap_CD = x_CD - mean_D
    norm_C = np.sqrt(np.einsum("sd,sd->s", x_CD, x_CD))
    unit_CD = x_CD / np.where(norm_C > 0, norm_C, 1.0)[:, None]
    return Sums(
        num=len(x_CD),
        mean_D=mean_D,
        square_D=np.einsum("sd,sd->d", gap_CD, gap_CD),
        unit_D=unit_CD.sum(axis=0),
        unit_square_D=np.einsum("sd,sd->d", unit_CD, unit_CD),
    )


def added(portions: Iterable[Sums], width: int) -> Sums:
    """Return the sums over all rows of all portions [D = width], added in order."""
    none_D = np.zeros(width)
    nothing = Sums(num=0, mean_D=none_D, square_D=none_D, unit_D=none_D, unit_square_D=none_D)
    return reduce(_sum_of_two, portions, nothing)


def _sum_of_two(a: Sums, b: Sums) -> Sums:
    """Add two; squares by Chan, Golub & LeVeque 1983, about the mean of both and without cancellation."""
    num = a.num + b.num
    if num == 0:
        return a
    step_D = b.mean_D - a.mean_D
    return Sums(
        num=num,
        mean_D=a.mean_D + step_D * (b.num / num),
        square_D=a.square_D + b.square_D + np.square(step_D) * (a.num * b.num / num),
        unit_D=a.unit_D + b.unit_D,
        unit_square_D=a.unit_square_D + b.unit_square_D,
    )


def needed_centred_cosine(between_cosine: float | None, limit: float) -> float | None:
    """Return the centred cosine a raw cosine of `limit` corresponds to: (limit - c) / (1 - c), c between sequences.

    0 where c is at or above the limit: any two sequences pass M1. None without a c.
    """
    if between_cosine is None:
        return None
    return max(0.0, (limit - between_cosine) / (1.0 - between_cosine)) if between_cosine < limit else 0.0


def rogue_dimensions(found: BetweenSequences) -> list[tuple[int, float]]:
    """Return index and share of every rogue dimension, the largest share first."""
    over = np.flatnonzero(found.share_D > ROGUE_SHARE)
    return [(int(d), float(found.share_D[d])) for d in over[np.argsort(-found.share_D[over], kind="stable")]]


def rogue_differences(x: BetweenSequences, y: BetweenSequences) -> int:
    """Return the number of dimensions that are rogue in one arm (> 5 %) and clearly not in the other (< 4 %)."""
    lost_D = (x.share_D > ROGUE_SHARE) & (y.share_D < ROGUE_CLEAR)
    gained_D = (y.share_D > ROGUE_SHARE) & (x.share_D < ROGUE_CLEAR)
    return int((lost_D | gained_D).sum())
