"""One pass of a model over the sample, and what is kept of every value in it (point.py).

Shape suffixes: N tokens of the sample, R rows of a point, D width.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import OutOfMemoryError, Placed, place
from vp_tui.core.engine.memory import is_out_of_memory
from vp_tui.core.engine.probe.point import Point, PointTrace
from vp_tui.core.engine.probe.points import Look, looking, watched
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.sketch import Sketched, sketched
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models import precision
from vp_tui.core.models.hf import HfEncoder


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
    sketched: Sketched
    """The rows that the points' sketches are of."""

    @property
    def sequences(self) -> int:
        """Of the sample."""
        return len(self.embeddings_PD)


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
    kind: Kind = "hf",
    replaced: Look | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> Trace:
    """Run `model` over the sample in the products' format of `plan`.

    `target`, for an exact pass, is the plan whose formats subnormal and flushed values are counted for, at each point
    that of its unit in a model of this `kind` (the base everywhere, if not given). With `replaced` every
    value goes through it first, and what it returns is what the model goes on with. `tell` is called after each pack
    with the number of sequences that are done.

    Where a pack does not fit, a native model gets packs of half the budget.
    Raises OutOfMemoryError: the longest sequence does not fit, or a model of transformers, whose rows are its padded
    batches and must be the same in every pass.
    """
    budget = sample.budget
    target_at = None if target is None else lambda name: target.at(unit_of(name, kind))
    while True:
        try:
            return _trace(model, sample, plan, device, budget, target_at, replaced, tell)
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
    target_at: Callable[[str], PrecisionPlan] | None,
    replaced: Look | None,
    tell: Callable[[int], None],
) -> Trace:
    # a native model's rows are the tokens; transformers' are the cells of the padded groups
    rows = sketched(sample, is_padded=isinstance(model, HfEncoder))
    watcher = _Watcher(target_at, rows, replaced)
    outputs = []
    with looking(model, watcher.look):
        done = 0
        packs = zip(sample.packs(budget), _forwards(model, _placed(sample, budget, device), plan), strict=True)
        for pack_S, (_, hidden_ND) in packs:
            outputs.append(hidden_ND)
            done += len(pack_S)
            tell(done)
    hidden_ND = torch.cat(outputs)
    return Trace(
        points={name: point.finished() for name, point in watcher.points.items()},
        blocks=tuple(name for name, module in watched(model) if any(module.children())),
        tokens_ND=hidden_ND.float().cpu().numpy(),
        embeddings_PD=_pooled(hidden_ND, sample),
        sketched=rows,
    )


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

    def __init__(self, target_at: Callable[[str], PrecisionPlan] | None, rows: Sketched, replaced: Look | None) -> None:
        self.points: dict[str, Point] = {}
        self._target_at, self._replaced = target_at, replaced
        self._row_R = torch.from_numpy(rows.row_R)

    def look(self, name: str, value: Tensor) -> Tensor | None:
        """Note a value; as in points.Look."""
        other = None if self._replaced is None else self._replaced(name, value)
        seen = value if other is None else other
        if name not in self.points:
            target = None if self._target_at is None else self._target_at(name)
            self.points[name] = Point(name, seen, target, self._row_R)
        self.points[name].add(seen.reshape(-1, seen.shape[-1]))
        return other
