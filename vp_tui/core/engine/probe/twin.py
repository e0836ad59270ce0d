"""Exact arithmetic that rounds as a format must, once per stored value: what no engine in that format can do better.

The twin (rounding emulation) runs in IEEE FP32 with the candidate's own weights (rounded to its format), and every
value that a watched module gives away or that enters a linear layer, a norm or an attention kernel is rounded once:
every engine stores q and k again after the rotary rotation, and without that rounding a sound engine has up to 3 times
the error of its twin. What a candidate errs beyond its twin is its arithmetic, its tables and its mistakes. TF32 stores
FP32, so only what enters matmuls is rounded: in linear layers, and their weights, here; in attention by the device,
which multiplies in TF32 there as it does for the candidate. cuBLAS takes TF32 for some shapes only (a length that is no
multiple of 4 stays in FP32), and a twin that rounded every operand had 1.6 times the error of a sound engine, one that
rounded none 0.7 times. Operands of 8 bits and less, real or emulated, are rounded as those layers do, row by row.

Inside transformers q, k and the products of attention cannot be reached; attention probabilities, which kernels may
keep in 16 bits, are not rounded in either kind.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.probe.points import ENTERS, entering, watched
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models.kernels.base import Attention, AttentionCall
from vp_tui.core.models.operands import ROUNDING
from vp_tui.core.models.ops import Ops, ResidualNorm
from vp_tui.core.models.precision import is_16_bit, products_of, round_to_tf32, storage_dtype, stored_as


@dataclass(frozen=True, slots=True)
class _RoundedAttention:
    """A kernel whose q and k are rounded first; v has not changed since the linear layer gave it."""

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


class _RoundedNorm(Ops):
    """The ops of a norm whose input has its own format, which may be another than that of the residual stream."""

    def __init__(self, inner: Ops, rounded: Callable[[Tensor], Tensor]) -> None:
        self.inner, self._rounded = inner, rounded
        self.name = inner.name

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        return self.inner.norm(self._rounded(hidden_ND), norm, delta_ND)


class Rounding:
    """How values and weights are rounded for the candidate's plan.

    Weights are rounded to the base format, those of kept units too: then their floor is a little high, which accuses
    nobody; published ESM-2 weights are FP16 numbers anyway.
    """

    math = plain_plan("fp32")
    """The plan that a twin computes in."""

    def __init__(self, plan: PrecisionPlan, kind: Kind) -> None:
        self._plan, self._kind = plan, kind
        self._base_is_stored = is_16_bit(storage_dtype(plan.precision))
        self._block = ""
        """Name of the block that runs."""

    def weight(self, name: str, module: nn.Module, weight: Tensor) -> Tensor:
        """A parameter of the module `name` as the candidate holds it, or as its products take it, in FP32."""
        is_matrix = isinstance(module, nn.Linear) and weight.ndim > 1
        stored = stored_as(weight, self._plan) if self._base_is_stored else weight
        operands = ROUNDING.get(self._plan.of(unit_of(name, self._kind)))
        if operands is not None:
            return operands.weight(stored) if is_matrix else stored
        return round_to_tf32(stored) if is_matrix and self._plan.precision == "tf32" else stored

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

    @contextmanager
    def inside(self, model: nn.Module) -> Iterator[None]:
        """Within it, what no module gives away but an engine stores is rounded too, where the format is a stored one.

        That is what enters the other leaf modules (a block's inner residual stream, scaled embeddings), and what enters
        the attention kernel of a native model (q and k after the rotary rotation).
        """
        kernel = getattr(model, "attention", None)
        if kernel is not None:
            rounded = _RoundedAttention(kernel, self._in_attention, self._attention_products)
            setattr(model, "attention", rounded)  # noqa: B010  (not a module)
        handles = [
            module.register_forward_pre_hook(partial(self._enter_block if _is_block(module) else self._before, name))
            for name, module in watched(model)
            if not isinstance(module, nn.Linear)
        ]
        plain = {name: (module, module.ops) for name, module in watched(model) if isinstance(module, ResidualNorm)}
        for name, (norm, ops) in plain.items():
            norm.ops = _RoundedNorm(ops, partial(self._as_stored, name))
        try:
            yield
        finally:
            for norm, ops in plain.values():
                norm.ops = ops
            for handle in handles:
                handle.remove()
            if kernel is not None:
                setattr(model, "attention", kernel)  # noqa: B010

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

    def _before(self, name: str, _: nn.Module, inputs: tuple[object, ...]) -> tuple[object, ...] | None:
        value = entering(inputs)
        if value is None:
            return None
        # a sum takes the place of both its parts
        rest = inputs[2:] if value is not inputs[0] else inputs[1:]
        return (self._as_stored(_summed_in(name, self._kind), value), *rest)


def _is_block(module: nn.Module) -> bool:
    return any(module.children())


def _summed_in(norm: str, kind: Kind) -> str:
    """Return the unit that stores what enters a norm: in ESM-2 the residual stream of its block."""
    holder, _, own = norm.rpartition(".")
    return f"{holder}.residual" if kind == "esm2" and own == "ffn_norm" else norm


def rounding_of(plan: PrecisionPlan, kind: Kind) -> Rounding | None:
    """The rounding of `plan`; None where the twin would be the candidate itself (base FP32 or FP64)."""
    is_exact = plan.precision in {"fp32", "fp64"} and not plan.is_emulated
    return None if is_exact else Rounding(plan, kind)


def round_weights(model: nn.Module, rounding: Callable[[str, nn.Module, Tensor], Tensor]) -> None:
    """Round the parameters of a model that was loaded whole, in place."""
    for name, module in model.named_modules():
        for parameter in module.parameters(recurse=False):
            parameter.data = rounding(name, module, parameter.data)
