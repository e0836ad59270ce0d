"""What lies between the products of a block: norms, residual sums, GELU, rotary and attention, in plain torch.

Every model is written against `Steps`; steps may use up what a product has just made. The plain ones here run in every
format on every device; fused/ has the same steps for CUDA in fewer passes over memory. A fused step must err at most
1.1 times as much as its plain one.

Shape suffixes: N tokens of the pack, H heads, K head size, D width, F feed-forward width.
"""

from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.models.kernels.base import Attention, AttentionCall, DeviceLayout
from vp_tui.core.models.rotary import Rotary


class Steps:
    """The plain steps."""

    name = "plain"
    """In the run record."""

    def attending(self, kernel: str, head_dim: int) -> str:
        """Name of what attends in the run record, where `kernel` was chosen."""
        del head_dim
        return kernel

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        """LayerNorm of hidden, or of hidden + delta; `delta_ND` is used up."""
        summed_ND = hidden_ND if delta_ND is None else delta_ND.add_(hidden_ND)
        return nn.functional.layer_norm(summed_ND, norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        """LayerNorm of hidden + delta, and the sum, which is rounded to the stream's format before the norm sees it.

        `delta_ND` is used up.
        """
        summed_ND = delta_ND.add_(hidden_ND)
        return self.norm(summed_ND, norm), summed_ND

    def gelu(self, states_NF: Tensor) -> Tensor:
        """The exact-erf GELU, in place: `states_NF` is used up."""
        # the kernel has erf in FP32 inside; the written-out formula in half is wrong by up to 100 %
        grown_NF: Tensor = torch.ops.aten.gelu_(states_NF)
        return grown_NF

    def gated(self, both_N2F: Tensor) -> Tensor:
        """gelu(first half) * second half, [N, F]."""
        activated_NF, linear_NF = both_N2F.chunk(2, dim=-1)
        return self.gelu(activated_NF).mul_(linear_NF)

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
        """Attention over q, k and v (all of q, then all of k, then all of v, each head by head), [N, D].

        With `rotary` q is scaled and then, like k, turned; `slopes_H` are ALiBi's, for scores that are scaled already.
        """
        qkv_N3HK = qkv_ND3.view(len(qkv_ND3), 3, num_heads, -1)
        q_NHK, k_NHK, v_NHK = qkv_N3HK.unbind(1)
        scale = q_NHK.shape[-1] ** -0.5
        if rotary is not None:
            # fair-esm scales q before it turns it, not the scores
            q_NHK, k_NHK = rotary.turn(qkv_N3HK[:, :2]).unbind(1)
            scale = 1.0
        call = AttentionCall(q_NHK=q_NHK, k_NHK=k_NHK, v_NHK=v_NHK, layout=layout, scale=scale, alibi_slopes_H=slopes_H)
        return attention(call).flatten(1)


PLAIN: Final = Steps()


class Norm(nn.LayerNorm):
    """A LayerNorm whose forward is a step: of hidden, or of hidden + delta."""

    def __init__(self, width: int, eps: float, steps: Steps) -> None:
        super().__init__(width, eps=eps)
        self.steps = steps

    def forward(self, hidden_ND: Tensor, delta_ND: Tensor | None = None) -> Tensor:
        """[N, D] in the stream's format."""
        return self.steps.norm(hidden_ND, self, delta_ND)


class ResidualNorm(Norm):
    """The LayerNorm of a residual stream that goes on: gives the norm of hidden + delta, and the sum."""

    def forward(self, hidden_ND: Tensor, delta_ND: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """[N, D] each; without `delta_ND` the sum is hidden itself."""
        if delta_ND is None:
            return self.steps.norm(hidden_ND, self), hidden_ND
        return self.steps.add_norm(hidden_ND, delta_ND, self)
