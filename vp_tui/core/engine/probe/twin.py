"""Exact arithmetic that rounds as a format must, once per stored value: what no engine in that format can do better.

The twin (rounding emulation) runs in IEEE FP32 with the candidate's own weights, and every value that a unit of the
model takes or gives away is rounded once to that unit's format, weights too: embeddings after their scaling, q and k
again after the rotary rotation, both halves of a gated GELU, all parts of a residual sum. A value that engines store
and the twin did not round gave sound engines up to 3 times the error of their twin, and 400 times in a plan. What a
candidate errs beyond its twin is its arithmetic, its tables and its mistakes. TF32 stores FP32, so only what enters
matmuls is rounded: in linear layers, and their weights, here; in attention by the device, which multiplies in TF32
there as it does for the candidate. cuBLAS takes TF32 for some shapes only (often not for a length that is no multiple
of 4), and a twin that rounded every operand had 1.6 times the error of a sound engine, one that rounded none 0.7 times.
Operands of 8 bits and less, real or emulated, are rounded as those layers do, row by row.

Inside transformers q, k and the products of attention cannot be reached; attention probabilities, which kernels may
keep in 16 bits, are not rounded in either kind.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.probe.points import ENTERS, entering, watched
from vp_tui.core.engine.probe.twin_ops import RoundedNormOps, RoundedOps
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.units import BLOCKS, unit_of
from vp_tui.core.models.kernels.base import Attention, AttentionCall
from vp_tui.core.models.operands import ROUNDING
from vp_tui.core.models.ops import Norm
from vp_tui.core.models.precision import formats_of, is_16_bit, products_of, round_to_tf32, storage_dtype, stored_as


@dataclass(frozen=True, slots=True)
class _RoundedAttention:
    """A kernel whose q and k, rotated by now, are rounded first; v was rounded where it entered attention."""

    kernel: Attention
    rounded: Callable[[Tensor], Tensor]
    products: Callable[[], AbstractContextManager[None]]
    """Within it, products run in the candidate's format."""

    @property
    def name(self) -> str:
        """That of the kernel."""
        return self.kernel.name

    def __call__(self, call: AttentionCall) -> Tensor:
        q_NHK, k_NHK = (self.rounded(states_NHK) for states_NHK in (call.q_NHK, call.k_NHK))
        with self.products():
            return self.kernel(replace(call, q_NHK=q_NHK, k_NHK=k_NHK))


class Rounding:
    """How values and weights are rounded for the candidate's plan, each as its unit stores it."""

    math = plain_plan("fp32")
    """The plan that a twin computes in."""

    def __init__(self, plan: PrecisionPlan, kind: Kind) -> None:
        self._plan, self._kind = plan, kind
        self._block = ""
        """Name of the block that runs."""

    def weight(self, name: str, module: nn.Module, weight: Tensor) -> Tensor:
        """A parameter of the module `name` as the candidate holds it, or as its products take it, in FP32."""
        unit = unit_of(name, self._kind)
        own, stored = self._plan.of(unit), self._as_stored(unit, weight)
        if not isinstance(module, nn.Linear) or weight.ndim == 1:
            return stored
        operands = ROUNDING.get(own)
        if operands is not None:
            return operands.weight(stored)
        return round_to_tf32(stored) if own == "tf32" else stored

    def value(self, name: str, value: Tensor) -> Tensor | None:
        """The value at a point as the candidate would hold it; as in points.Look."""
        own = self._plan.at(unit_of(name, self._kind))
        stored = stored_as(value, own) if is_16_bit(storage_dtype(own.precision)) else None
        operands = ROUNDING.get(own.precision)
        if operands is not None and name.endswith(ENTERS):
            return operands.entering(value if stored is None else stored)
        if stored is not None:
            return stored
        return round_to_tf32(value) if own.precision == "tf32" and name.endswith(ENTERS) else None

    def inside(self, model: nn.Module) -> AbstractContextManager[None]:
        """Return a context within which what no module gives away but an engine stores is rounded too."""
        return self._in_transformers(model) if self._kind == "hf" else self._in_native(model)

    @contextmanager
    def _in_native(self, model: nn.Module) -> Iterator[None]:
        """Within it, all ops of a native model round, and what enters its attention kernel (q and k, rotated)."""
        kernel = getattr(model, "attention")  # noqa: B009  (not a module)
        rounded = _RoundedAttention(kernel, self._in_attention, self._attention_products)
        setattr(model, "attention", rounded)  # noqa: B010
        plain = [(module, module.ops) for module in model.modules() if hasattr(module, "ops")]
        handles = []
        for name, module in model.named_modules():
            if isinstance(module, Norm):
                module.ops = RoundedNormOps(module.ops, name, self._as_stored)
            elif hasattr(module, "ops"):
                module.ops = RoundedOps(module.ops, name, self._as_stored)
                handles.append(module.register_forward_pre_hook(partial(self._enter_block, name)))
        first = getattr(model, "embedding_norm", None) or model.get_submodule(f"{BLOCKS}.0")
        handles.append(first.register_forward_pre_hook(self._embedded))
        try:
            yield
        finally:
            for module, ops in plain:
                module.ops = ops
            for handle in handles:
                handle.remove()
            setattr(model, "attention", kernel)  # noqa: B010

    @contextmanager
    def _in_transformers(self, model: nn.Module) -> Iterator[None]:
        """Within it, what enters leaf modules that are no linear layers is rounded, as a block's inner sum."""
        handles = [
            module.register_forward_pre_hook(partial(self._before, name))
            for name, module in watched(model)
            if not isinstance(module, nn.Linear) and not any(module.children())
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def _in_attention(self, states_NHK: Tensor) -> Tensor:
        return self._as_stored(self._attention_unit, states_NHK)

    def _attention_products(self) -> AbstractContextManager[None]:
        return products_of(self._plan.of(self._attention_unit))

    @property
    def _attention_unit(self) -> str:
        return f"{self._block}.attention"

    def _as_stored(self, unit: str, value: Tensor) -> Tensor:
        own = self._plan.at(unit)
        return stored_as(value, own) if is_16_bit(storage_dtype(own.precision)) else value

    def _enter_block(self, name: str, _: nn.Module, __: tuple[object, ...]) -> None:
        self._block = name

    def _embedded(self, _: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Round what the model made of its embeddings, which has no module."""
        return (self._as_stored("embedding", inputs[0]), *inputs[1:])

    def _before(self, name: str, _: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...] | None:
        value = entering(inputs)
        if value is None:
            return None
        # a sum takes the place of both its parts
        rest = inputs[2:] if value is not inputs[0] else inputs[1:]
        return (self._as_stored(name, value), *rest)


def rounding_of(plan: PrecisionPlan, kind: Kind) -> Rounding | None:
    """The rounding of `plan`; None where the twin would be the candidate itself (FP32 or FP64 throughout)."""
    return None if formats_of(plan) <= {"fp32", "fp64"} else Rounding(plan, kind)


def round_weights(model: nn.Module, rounding: Callable[[str, nn.Module, Tensor], Tensor]) -> None:
    """Round the parameters of a model that was loaded whole, in place."""
    for name, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            parameter.data = rounding(name, module, parameter.data)
