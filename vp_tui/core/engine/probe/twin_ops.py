"""The ops of a native model within the rounding emulation: what they take and give is rounded once, computed in FP32.

The units and their order are those of models.planned: a unit casts at its entry, computes, and stores its result.

Shape suffixes: N tokens of the pack, D width, F feed-forward width.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor, nn

from vp_tui.core.models.ops import Ops

Stored = Callable[[str, Tensor], Tensor]
"""The value at a unit as the candidate stores it, in FP32; the same object where it stores FP32."""


class RoundedOps(Ops):
    """The ops of one block."""

    def __init__(self, inner: Ops, block: str, stored: Stored) -> None:
        self.inner, self.name = inner, inner.name
        self._residual, self._gelu, self._attention = (
            partial(stored, f"{block}.{unit}") for unit in ("residual", "gelu", "attention")
        )

    def add(self, hidden_ND: Tensor, delta_ND: Tensor) -> Tensor:
        return self._residual(self.inner.add(self._residual(hidden_ND), self._residual(delta_ND)))

    def gelu(self, states_NF: Tensor) -> Tensor:
        return self._gelu(self.inner.gelu(self._gelu(states_NF)))

    def gated(self, both_N2F: Tensor) -> Tensor:
        activated_NF, linear_NF = self._gelu(both_N2F).chunk(2, dim=-1)
        # engines round the GELU before the multiplication
        return self._gelu(self._gelu(self.inner.gelu(activated_NF)) * linear_NF)

    def mix(self, qkv_ND3: Tensor, *others: Any, **named: Any) -> Tensor:
        return self._attention(self.inner.mix(self._attention(qkv_ND3), *others, **named))


class RoundedNormOps(Ops):
    """The ops of one norm, which may add a residual first."""

    def __init__(self, inner: Ops, norm: str, stored: Stored) -> None:
        """`norm` is its name; a sum that continues the residual stream is stored in the stream's format."""
        self.inner, self.name = inner, inner.name
        self._own = partial(stored, norm)
        self._stream = partial(stored, f"{norm.rpartition('.')[0]}.residual")

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        taken_ND = self._own(hidden_ND)
        if delta_ND is not None:
            taken_ND = self._own(taken_ND + self._own(delta_ND))
        return self.inner.norm(taken_ND, norm)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        summed_ND = self._stream(self._stream(hidden_ND) + self._stream(delta_ND))
        return self.norm(summed_ND, norm), summed_ND
