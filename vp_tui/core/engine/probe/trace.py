"""One pass of a model over the sample, and what is kept of every value in it.

Activations are not kept. A point (points.py) leaves counts, its sum over all token rows in FP64, and a sketch: some
rows times a fixed matrix of random signs, 16 numbers per row. The expected squared length of a sketch over 16 is the
squared length of the row (Johnson-Lindenstrauss; Achlioptas 2003 for signs), so the RMS error between two passes
follows from the difference of their sketches: to 1 % where the errors of rows are independent, to 18 % at worst, where
all rows have one and the same error. Both passes of a ratio are seen through the same signs.

Shape suffixes: N tokens of the sample, R rows of a point, D width, K sketch.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import OutOfMemoryError, Placed, place
from vp_tui.core.engine.memory import is_out_of_memory
from vp_tui.core.engine.probe.points import Look, looking, watched
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.models import precision
from vp_tui.core.models.hf import HfEncoder
from vp_tui.core.models.precision import Range

SKETCH: Final = 16
"""Numbers per row of a sketch."""
SKETCH_ROWS: Final = 2048
"""Rows of a sketch at most."""
_CPU_CHUNK: Final = 1 << 18
"""Values that are looked at together: 2 MiB in FP64 stay in a CPU's cache."""
_CUDA_CHUNK: Final = 1 << 24
"""On a GPU: 128 MiB in FP64, and few launches."""


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
    sum_D: NDArray[np.float64]
    """Over all rows."""
    sketch_RK: NDArray[np.float32]
    """Of the chosen rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What one pass left."""

    points: Mapping[str, PointTrace]
    """By name, in the order of execution."""
    blocks: tuple[str, ...]
    """Points that are the residual stream after a block."""
    tokens_ND: NDArray[np.float32]
    """Token outputs, in the order of the sample."""
    embeddings_PD: NDArray[np.float64]
    """Their means over the pooled tokens, in FP64, in the order of indices_P."""


def rms_error(one: PointTrace, other: PointTrace) -> float:
    """Root of the mean squared distance of a row between two passes, from the sketches."""
    assert one.sketch_RK.shape == other.sketch_RK.shape, "passes over the same sample look at the same rows"
    gap_RK = one.sketch_RK.astype(np.float64) - other.sketch_RK
    return float(np.sqrt(np.square(gap_RK).sum(axis=1).mean() / SKETCH))


def shared_error(one: PointTrace, other: PointTrace) -> float:
    """Length of the error's mean over all rows: the part that they share."""
    return float(np.linalg.norm(one.sum_D - other.sum_D) / one.rows)


def rms(point: PointTrace) -> float:
    """Root mean squared length of a row, of a pass with a target."""
    return float(np.sqrt(point.square_sum / point.rows))


def tokens_error(tokens_ND: NDArray[np.float32], exact_ND: NDArray[np.float32]) -> float | None:
    """Root of the mean squared distance of token outputs; None where one is not finite."""
    with np.errstate(invalid="ignore"):
        error = float(np.sqrt(np.square(tokens_ND.astype(np.float64) - exact_ND).sum(axis=1).mean()))
    return error if np.isfinite(error) else None


def without_nonfinite(one: Trace) -> dict[str, PointTrace]:
    """The points of a trace that hold no NaN and no infinity."""
    return {name: point for name, point in one.points.items() if point.nonfinite == 0}


def trace(
    model: nn.Module,
    sample: Sample,
    plan: PrecisionPlan,
    device: torch.device,
    *,
    target: PrecisionPlan | None = None,
    replaced: Look | None = None,
) -> Trace:
    """Run `model` over the sample in the products' format of `plan`.

    `target`, for an exact pass, is the format that subnormal and flushed values are counted for. With `replaced` every
    value goes through it first, and what it returns is what the model goes on with.

    Where a pack does not fit, a native model gets packs of half the budget.
    Raises OutOfMemoryError: the longest sequence does not fit, or a model of transformers, whose rows are its padded
    batches and must be the same in every pass.
    """
    budget = sample.budget
    counted_for = None if target is None else precision.range_of(target)
    while True:
        try:
            return _trace(model, sample, plan, device, budget, counted_for, replaced)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            if isinstance(model, HfEncoder) or budget // 2 < sample.lengths_P.max():
                raise OutOfMemoryError(budget, device) from error
        # outside the handler: within it the traceback would keep the pack's tensors alive
        budget //= 2
        if device.type == "cuda":
            torch.cuda.empty_cache()


def output_tokens(model: nn.Module, sample: Sample, plan: PrecisionPlan, device: torch.device) -> NDArray[np.float32]:
    """Only the token outputs [N, D] of a pass.

    Raises OutOfMemoryError: a pack does not fit.
    """
    try:
        parts = [
            precision.at_least_fp32(hidden_ND).cpu()
            for _, hidden_ND in _forwards(model, _placed(sample, sample.budget, device), plan)
        ]
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        raise OutOfMemoryError(sample.budget, device) from error
    return torch.cat(parts).float().numpy()


def _placed(sample: Sample, budget: int, device: torch.device) -> list[Placed]:
    return [place(sample.tokens, pack_S, device) for pack_S in sample.packs(budget)]


def _forwards(model: nn.Module, packs: list[Placed], plan: PrecisionPlan) -> Iterator[tuple[Placed, Tensor]]:
    with torch.inference_mode(), precision.matmul_mode(plan):
        for pack in packs:
            yield pack, model(pack.ids_N, pack.layout)


def _trace(
    model: nn.Module,
    sample: Sample,
    plan: PrecisionPlan,
    device: torch.device,
    budget: int,
    target: Range | None,
    replaced: Look | None,
) -> Trace:
    packs = _placed(sample, budget, device)
    # a native model's rows are the tokens; transformers' are the cells of the padded groups
    rows = sum(_cells(pack) if isinstance(model, HfEncoder) else pack.tokens for pack in packs)
    watcher = _Watcher(target, step=-(-rows // SKETCH_ROWS), replaced=replaced)
    outputs = []
    with looking(model, watcher.look):
        for _, hidden_ND in _forwards(model, packs, plan):
            outputs.append(hidden_ND)
    hidden_ND = torch.cat(outputs)
    return Trace(
        points={name: point.finished() for name, point in watcher.points.items()},
        blocks=tuple(name for name, module in watched(model) if any(module.children())),
        tokens_ND=hidden_ND.float().cpu().numpy(),
        embeddings_PD=_pooled(hidden_ND, sample),
    )


def _cells(pack: Placed) -> int:
    """Cells of a pack's padded groups together."""
    return sum(group.gather_BT.size for group in pack.layout.pack.groups())


def _pooled(hidden_ND: Tensor, sample: Sample) -> NDArray[np.float64]:
    """Means over the pooled tokens of each sequence, in FP64."""
    pooled_R = np.flatnonzero(sample.pooled_N)
    counts_P = np.bincount(sample.sequence_N[pooled_R], minlength=len(sample.indices_P))[sample.order_P]
    starts_P = np.cumsum(counts_P) - counts_P
    device = hidden_ND.device
    means_PD = nn.functional.embedding_bag(
        torch.from_numpy(pooled_R).to(device), hidden_ND.double(), torch.from_numpy(starts_P).to(device), mode="mean"
    )
    embeddings_PD = np.empty(means_PD.shape)
    embeddings_PD[sample.order_P] = means_PD.cpu().numpy()
    return embeddings_PD


class _Watcher:
    """The `look` of one pass."""

    def __init__(self, target: Range | None, *, step: int, replaced: Look | None) -> None:
        self.points: dict[str, _Point] = {}
        self._target, self._step, self._replaced = target, step, replaced

    def look(self, name: str, value: Tensor) -> Tensor | None:
        """Note a value; as in points.Look."""
        other = None if self._replaced is None else self._replaced(name, value)
        seen = value if other is None else other
        if name not in self.points:
            self.points[name] = _Point(name, seen, self._target, self._step)
        self.points[name].add(seen.reshape(-1, seen.shape[-1]))
        return other


class _Point:
    """Sums of one point over the calls of a pass; nothing here waits for the device."""

    def __init__(self, name: str, value: Tensor, target: Range | None, step: int) -> None:
        self._step, self._target = step, target
        self._largest = torch.finfo(value.dtype).max
        self._rows, self._kept, self._values = 0, 0, 0
        self._signs_DK = signs(name, value.shape[-1]).to(value.device)
        self._counts = torch.zeros(4, dtype=torch.int64, device=value.device)
        self._max_abs = torch.zeros((), dtype=torch.float64, device=value.device)
        self._square_sum = torch.zeros((), dtype=torch.float64, device=value.device)
        self._sum_D = torch.zeros(value.shape[-1], dtype=torch.float64, device=value.device)
        self._sketches: list[Tensor] = []

    def add(self, rows_RD: Tensor) -> None:
        """Note some rows."""
        values = _CUDA_CHUNK if rows_RD.is_cuda else _CPU_CHUNK
        for chunk_RD in torch.split(rows_RD, max(1, values // rows_RD.shape[1])):
            self._count(chunk_RD)
            if self._target is not None:
                self._count_small(chunk_RD.double(), self._target)
        chosen_RD = rows_RD[-self._rows % self._step :: self._step][: SKETCH_ROWS - self._kept]
        self._sketches.append((chosen_RD.double() @ self._signs_DK.double()).float())
        self._rows += len(rows_RD)
        self._kept += len(chosen_RD)
        self._values += rows_RD.numel()

    def _count(self, chunk_RD: Tensor) -> None:
        abs_RD = chunk_RD.abs()
        is_finite_RD = abs_RD <= self._largest
        self._counts[0] += (~is_finite_RD).sum()
        self._counts[1] += (abs_RD == self._largest).sum()
        self._max_abs = torch.maximum(self._max_abs, abs_RD.where(is_finite_RD, 0.0).max().double())
        self._sum_D += chunk_RD.sum(0, dtype=torch.float64)

    def _count_small(self, exact_RD: Tensor, target: Range) -> None:
        abs_RD = exact_RD.abs()
        is_small_RD = (abs_RD > 0) & (abs_RD < target.smallest_normal)
        # a tie between 0 and the smallest number goes to 0, whose last digit is even
        is_flushed_RD = is_small_RD & (abs_RD <= target.smallest / 2)
        self._counts[2] += is_small_RD.sum()
        self._counts[3] += is_flushed_RD.sum()
        self._square_sum += abs_RD.square().sum()

    def finished(self) -> PointTrace:
        """What the point left."""
        nonfinite, saturated, subnormal, flushed = self._counts.tolist()
        return PointTrace(
            rows=self._rows,
            values=self._values,
            max_abs=float(self._max_abs),
            nonfinite=nonfinite,
            saturated=saturated,
            subnormal=subnormal,
            flushed=flushed,
            square_sum=float(self._square_sum),
            sum_D=self._sum_D.cpu().numpy(),
            sketch_RK=torch.cat(self._sketches).cpu().numpy(),
        )


def signs(name: str, width: int) -> Tensor:
    """The [width, SKETCH] matrix of +1 and -1 (int8) of the point `name`, the same on every machine and version."""
    digest = hashlib.shake_256(name.encode()).digest(width * SKETCH // 8)
    bits = np.unpackbits(np.frombuffer(digest, dtype=np.uint8)).astype(np.int8)
    return torch.from_numpy(2 * bits - 1).view(width, SKETCH)
