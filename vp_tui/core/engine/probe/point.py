"""What one pass keeps of the values at one tap point, and the error between two passes that follows from it.

Activations are not kept. A point (points.py) leaves counts, its sum over all token rows in FP64, and a sketch: some
rows times a fixed matrix of random signs, 16 numbers per row. The expected squared length of a sketch over 16 is the
squared length of the row (Johnson-Lindenstrauss; Achlioptas 2003 for signs), so the RMS error between two passes
follows from the difference of their sketches: to 1 % where the errors of rows are independent, to 18 % at worst, where
all rows have one and the same error. Both passes of a ratio are seen through the same signs.

Shape suffixes: R rows of a point, P sequences of the sample, D width, K sketch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.probe.sketch import SKETCH, Sketched, signs
from vp_tui.core.models.precision import range_of, stored_as

_CPU_CHUNK: Final = 1 << 18
"""Values that are looked at together: 2 MiB in FP64 stay in a CPU's cache."""
_CUDA_CHUNK: Final = 1 << 24
"""On a GPU: 128 MiB in FP64, and few launches."""
_ROUNDED: Final = 4
"""Of so many sketched rows one is rounded to the target format: all of them would take a fifth of the FP64 pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTrace:
    """What one point left."""

    rows: int
    values: int
    max_abs: float
    """Of the finite values."""
    nonfinite: int
    saturated: int
    """Values equal to plus or minus the largest finite number of their own format."""
    subnormal: int
    """Of the target format: between 0 and its smallest normal number; 0 where the pass had no target."""
    flushed: int
    """Of those, the ones that would be rounded to 0."""
    square_sum: float
    """Of all values, in FP64; 0 where the pass had no target."""
    rounding_square: float
    """Squared error of rounding every fourth sketched row to the target format, without values beyond its range."""
    subnormal_square: float
    """The part of rounding_square that subnormal values of the target carry."""
    sum_D: NDArray[np.float64]
    """Over all rows."""
    sketch_RK: NDArray[np.float32]
    """Of the sketched rows."""

    @property
    def subnormal_error_share(self) -> float:
        """Share of the squared rounding error that subnormal values carry; 0 where rounding loses nothing."""
        return self.subnormal_square / self.rounding_square if self.rounding_square > 0 else 0.0


def _square_errors(one: PointTrace, other: PointTrace) -> NDArray[np.float64]:
    """Squared distance of each sketched row between two passes, from the sketches."""
    assert one.sketch_RK.shape == other.sketch_RK.shape, "passes over the same sample look at the same rows"
    gap_RK = np.subtract(one.sketch_RK, other.sketch_RK, dtype=np.float64)
    return np.asarray(np.einsum("rk,rk->r", gap_RK, gap_RK) / SKETCH)


def rms_error(one: PointTrace, other: PointTrace, sketched: Sketched | None = None) -> float:
    """Root of the mean squared distance of a row between two passes.

    With `sketched` over all tokens: each sketched row counts for those it stands for.
    """
    square_R = _square_errors(one, other)
    weight_R = sketched.weight_R if sketched is not None and one.rows == sketched.rows else None
    return float(np.sqrt(np.average(square_R, weights=weight_R))) if square_R.size else 0.0


def sequence_errors(one: PointTrace, other: PointTrace, sketched: Sketched, sequences: int) -> NDArray[np.float64]:
    """RMS distance of a row [P] between two passes over each sequence alone.

    NaN for all where the rows of the point are not those of the tokens, as for embeddings of positions.
    """
    if one.rows != sketched.rows:
        return np.full(sequences, np.nan)
    square_P = np.bincount(sketched.sequence_R, _square_errors(one, other), sequences)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.sqrt(square_P / np.bincount(sketched.sequence_R, minlength=sequences)))


def shared_error(one: PointTrace, other: PointTrace) -> float:
    """Length of the error's mean over all rows: the part that they share."""
    return float(np.linalg.norm(one.sum_D - other.sum_D) / one.rows)


def rms(point: PointTrace) -> float:
    """Root mean squared length of a row, of a pass with a target."""
    return float(np.sqrt(point.square_sum / point.rows))


class Point:
    """Sums of one point over the calls of a pass; nothing here waits for the device."""

    def __init__(self, name: str, value: Tensor, target: PrecisionPlan | None, row_R: Tensor) -> None:
        """`row_R`: the rows to be sketched, on the host and rising."""
        self._row_R = row_R
        self._target = target
        self._range = None if target is None else range_of(target)
        self._largest = torch.finfo(value.dtype).max
        self._rows, self._kept, self._values = 0, 0, 0
        self._signs_DK = signs(name, value.shape[-1]).to(value.device)
        self._counts = torch.zeros(4, dtype=torch.int64, device=value.device)
        self._max_abs = torch.zeros((), dtype=torch.float64, device=value.device)
        self._squares = torch.zeros(3, dtype=torch.float64, device=value.device)
        self._sum_D = torch.zeros(value.shape[-1], dtype=torch.float64, device=value.device)
        self._sketches: list[Tensor] = []

    def add(self, rows_RD: Tensor) -> None:
        """Note some rows."""
        values = _CUDA_CHUNK if rows_RD.is_cuda else _CPU_CHUNK
        for chunk_RD in torch.split(rows_RD, max(1, values // rows_RD.shape[1])):
            self._count(chunk_RD)
            if self._range is not None:
                self._count_small(chunk_RD.double())
        before = self._kept
        chosen_RD = rows_RD[self._next(len(rows_RD)).to(rows_RD.device, non_blocking=True)].double()
        if self._target is not None:
            self._add_rounding(chosen_RD[-before % _ROUNDED :: _ROUNDED], self._target)
        self._sketches.append((chosen_RD @ self._signs_DK.double()).float())
        self._rows += len(rows_RD)
        self._values += rows_RD.numel()

    def _next(self, rows: int) -> Tensor:
        """Which of the next `rows` rows are sketched."""
        first, self._kept = self._kept, int(torch.searchsorted(self._row_R, self._rows + rows))
        return self._row_R[first : self._kept] - self._rows

    def _count(self, chunk_RD: Tensor) -> None:
        self._sum_D += chunk_RD.sum(0, dtype=torch.float64)
        if not chunk_RD.is_cuda and (largest := _largest(chunk_RD)) < self._largest:
            # one pass in place of eight; on a GPU to ask would be to wait
            self._max_abs = torch.maximum(self._max_abs, largest.double())
            return
        abs_RD = chunk_RD.abs()
        is_finite_RD = abs_RD <= self._largest
        self._counts[0] += (~is_finite_RD).sum()
        self._counts[1] += (abs_RD == self._largest).sum()
        self._max_abs = torch.maximum(self._max_abs, abs_RD.where(is_finite_RD, 0.0).max().double())

    def _count_small(self, exact_RD: Tensor) -> None:
        assert self._range is not None, "only passes with a target count small values"
        abs_RD = exact_RD.abs()
        is_small_RD = (abs_RD > 0) & (abs_RD < self._range.smallest_normal)
        # a tie between 0 and the smallest number goes to 0, whose last digit is even
        is_flushed_RD = is_small_RD & (abs_RD <= self._range.smallest / 2)
        self._counts[2] += is_small_RD.sum()
        self._counts[3] += is_flushed_RD.sum()
        self._squares[0] += abs_RD.square().sum()

    def _add_rounding(self, exact_RD: Tensor, target: PrecisionPlan) -> None:
        assert self._range is not None, "only passes with a target round"
        abs_RD = exact_RD.abs()
        square_RD = (exact_RD - stored_as(exact_RD, target)).square().where(abs_RD <= self._range.largest, 0.0)
        self._squares[1] += square_RD.sum()
        self._squares[2] += square_RD.where(abs_RD < self._range.smallest_normal, 0.0).sum()

    def finished(self) -> PointTrace:
        """What the point left."""
        nonfinite, saturated, subnormal, flushed = self._counts.tolist()
        square_sum, rounding_square, subnormal_square = self._squares.tolist()
        return PointTrace(
            rows=self._rows,
            values=self._values,
            max_abs=float(self._max_abs),
            nonfinite=nonfinite,
            saturated=saturated,
            subnormal=subnormal,
            flushed=flushed,
            square_sum=square_sum,
            rounding_square=rounding_square,
            subnormal_square=subnormal_square,
            sum_D=self._sum_D.cpu().numpy(),
            sketch_RK=torch.cat(self._sketches).cpu().numpy(),
        )


def _largest(values_RD: Tensor) -> Tensor:
    """Return the largest absolute value; NaN where one is NaN."""
    low, high = torch.aminmax(values_RD)
    return torch.maximum(-low, high)
