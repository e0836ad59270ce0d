"""Exact arithmetic that rounds as a format must, once per stored value: what no engine in that format can do better.

The twin runs in IEEE FP32 with the candidate's own weights (rounded to its format), and every value that a watched
module gives away or that enters a linear layer or a norm is rounded once. What a candidate errs beyond its twin is
its arithmetic, its tables and its mistakes. TF32 stores FP32, so only what enters products is rounded, and the weights
of linear layers.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.probe.points import entering, watched
from vp_tui.core.models.precision import is_16_bit, round_to_tf32, storage_dtype, stored_as


class Rounding:
    """How values and weights are rounded for the candidate's plan."""

    math = plain_plan("fp32")
    """The plan that a twin computes in."""

    def __init__(self, plan: PrecisionPlan) -> None:
        self._plan = plan
        self._is_stored = is_16_bit(storage_dtype(plan.precision))

    def weight(self, module: nn.Module, weight: Tensor) -> Tensor:
        """A parameter of `module` as the candidate holds it, or as its products take it, in FP32."""
        if self._is_stored:
            return stored_as(weight, self._plan)
        return round_to_tf32(weight) if isinstance(module, nn.Linear) and weight.ndim > 1 else weight

    def value(self, name: str, value: Tensor) -> Tensor | None:
        """The value at a point as the candidate would hold it; as in points.Look."""
        if self._is_stored:
            return stored_as(value, self._plan)
        return round_to_tf32(value) if name.endswith(".in") else None

    @contextmanager
    def entering_norms(self, model: nn.Module) -> Iterator[None]:
        """Within it, what enters the other leaf modules of `model` is rounded too, where the format is a stored one.

        A block's inner residual stream and scaled embeddings are no module's output, yet an engine stores them.
        """
        handles = [
            module.register_forward_pre_hook(self._before)
            for _, module in watched(model)
            if self._is_stored and not isinstance(module, nn.Linear) and not any(module.children())
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _before(self, _: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...] | None:
        value = entering(inputs)
        if value is None:
            return None
        # a sum takes the place of both its parts
        rest = inputs[2:] if value is not inputs[0] else inputs[1:]
        return (stored_as(value, self._plan), *rest)


def rounding_of(plan: PrecisionPlan) -> Rounding | None:
    """The rounding of `plan`; None where the twin would be the candidate itself (FP32, FP64)."""
    return None if plan.precision in {"fp32", "fp64"} else Rounding(plan)


def round_weights(model: nn.Module, rounding: Callable[[nn.Module, Tensor], Tensor]) -> None:
    """Round the parameters of a model that was loaded whole, in place."""
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            parameter.data = rounding(module, parameter.data)
