"""The fused ops as one `Ops`.

Shape suffixes: N tokens of the pack, D width, F feed-forward width.
"""

from typing import Any, Final

from torch import Tensor, nn

from vp_tui.core.models.fused import elementwise, short
from vp_tui.core.models.fused.eight_bits import FusedRounding
from vp_tui.core.models.fused.rounding import empty_rows
from vp_tui.core.models.kernels.base import Attention, AttentionCall, DeviceLayout
from vp_tui.core.models.kernels.flash import FlashAttention
from vp_tui.core.models.kernels.varlen import VarlenAttention
from vp_tui.core.models.ops import Ops, Rotary
from vp_tui.core.models.precision import is_16_bit
from vp_tui.core.models.small_linear import leave

PARTS: Final = frozenset({"norm", "rotary", "gated", "short"})
"""Names of the fused ops; tests/bench/ablation.py adds them one by one."""


class Fused(Ops):
    """Ops in Triton; those not in `parts` are plain."""

    def __init__(self, parts: frozenset[str] = PARTS) -> None:
        assert parts <= PARTS, f"unknown parts {parts - PARTS}"
        self.parts = parts

    @property
    def name(self) -> str:  # type: ignore[override]
        return "fused" if self.parts == PARTS else f"fused {'+'.join(sorted(self.parts))}"

    def attending(self, kernel: str, head_dim: int) -> str:
        """Return a name such as flash+short: packs of short sequences have their own kernel."""
        is_taken = "short" in self.parts and kernel in {FlashAttention.name, VarlenAttention.name}
        return f"{kernel}+short" if is_taken and short.takes(head_dim) else kernel

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        if "norm" not in self.parts:
            return super().norm(hidden_ND, norm, delta_ND)
        return elementwise.norm(hidden_ND, norm, delta_ND)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        if "norm" not in self.parts:
            return super().add_norm(hidden_ND, delta_ND, norm)
        return elementwise.add_norm(hidden_ND, delta_ND, norm)

    def gated(self, both_N2F: Tensor) -> Tensor:
        if "gated" not in self.parts:
            return super().gated(both_N2F)
        return elementwise.gated(both_N2F)

    def mix(
        self,
        qkv_ND3: Tensor,
        num_heads: int,
        attention: Attention,
        layout: DeviceLayout,
        *,
        rotary: Rotary | None = None,
        slopes_H: Tensor | None = None,
    ) -> Tensor:
        """As in Ops; `qkv_ND3` is overwritten: q and k may be rotated in place."""
        if self._is_short(qkv_ND3, num_heads, attention, layout):
            assert layout.tiles_B3 is not None
            return short.attend(qkv_ND3, num_heads, layout.tiles_B3, rotary=rotary, slopes_H=slopes_H)
        if rotary is None or "rotary" not in self.parts:
            return super().mix(qkv_ND3, num_heads, attention, layout, rotary=rotary, slopes_H=slopes_H)
        elementwise.rotate_(qkv_ND3, num_heads, rotary)
        q_NHK, k_NHK, v_NHK = qkv_ND3.view(len(qkv_ND3), 3, num_heads, -1).unbind(1)
        call = AttentionCall(q_NHK=q_NHK, k_NHK=k_NHK, v_NHK=v_NHK, layout=layout, scale=1.0, alibi_slopes_H=slopes_H)
        return attention(call).flatten(1)

    def _is_short(self, qkv_ND3: Tensor, num_heads: int, attention: Attention, layout: DeviceLayout) -> bool:
        return (
            "short" in self.parts
            and layout.tiles_B3 is not None
            and isinstance(attention, FlashAttention | VarlenAttention)
            and is_16_bit(qkv_ND3.dtype)
            and short.takes(qkv_ND3.shape[1] // (3 * num_heads))
        )


class FusedBeforeFp8(Fused):
    """Fused ops of which a linear layer in FP8 takes the result: it is rounded for that layer on the way."""

    _rounding: Final = FusedRounding()

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        rows = empty_rows(hidden_ND)
        return leave(elementwise.norm(hidden_ND, norm, delta_ND, rows), rows)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        rows = empty_rows(hidden_ND)
        normed_ND, summed_ND = elementwise.add_norm(hidden_ND, delta_ND, norm, rows)
        return leave(normed_ND, rows), summed_ND

    def gelu(self, states_NF: Tensor) -> Any:
        """Return only the rows in FP8."""
        return self._rounding.grown(states_NF)

    def gated(self, both_N2F: Tensor) -> Any:
        """Return only the rows in FP8."""
        return self._rounding.gated(both_N2F)
