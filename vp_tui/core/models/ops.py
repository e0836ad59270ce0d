"""Ops between the matmuls of a block: norms, residual sums, GELU, rotary embeddings and attention, in plain torch.

Models are written against `Ops`; an op may overwrite the output of the matmul before it. The plain ops here run in
every format on every device; fused/ has the same ops for CUDA with fewer passes over memory. The error of a fused op
must be at most 1.1x that of the plain one.

Shape suffixes: N tokens of the pack, P positions, H heads, K head size, k half of it, D width,
F feed-forward width.
"""

import importlib.util
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.config import AttentionName
from vp_tui.core.models.kernels.base import Attention, AttentionCall, DeviceLayout, in_words, too_old
from vp_tui.core.models.precision import at_least_fp32, back_to


class Rotary:
    """cos and sin of every position's angles in the format of inv_freq, computed once per pack."""

    def __init__(self, max_len: int, positions_N: Tensor, inv_freq_k: Tensor) -> None:
        self.positions_N = positions_N
        # positions need FP32: FP16 has no odd numbers above 2,048 and too few bits for the product
        positions_P = torch.arange(max_len, device=inv_freq_k.device, dtype=inv_freq_k.dtype)
        angles_Pk = positions_P[:, None] * inv_freq_k
        self.cos_Pk, self.sin_Pk = angles_Pk.cos(), angles_Pk.sin()

    def rotate(self, qk_N2HK: Tensor) -> Tensor:
        """Return q times K^-0.5 and k, both rotated, in their own format.

        The two numbers of a pair are adjacent in the result: another order than the input's, but the same for q and k,
        so that their dot products are unchanged.
        """
        # up-cast: products with half cos and sin would add an error per layer; rounded once at the end
        first_N2Hk, second_N2Hk = at_least_fp32(qk_N2HK).chunk(2, dim=-1)
        rotated_N2Hk = torch.complex(first_N2Hk, second_N2Hk).mul_(self._rotations_N21k)
        return back_to(torch.view_as_real(rotated_N2Hk).flatten(-2), qk_N2HK)

    @cached_property
    def _rotations_N21k(self) -> Tensor:
        """e^(i angle) of each token, scaled by K^-0.5 for q."""
        cis_Pk = torch.complex(at_least_fp32(self.cos_Pk), at_least_fp32(self.sin_Pk))
        scale = (2 * cis_Pk.shape[1]) ** -0.5
        return torch.stack((scale * cis_Pk, cis_Pk), dim=1)[self.positions_N][:, :, None]


class Ops:
    """The plain ops."""

    name = "plain"
    """Name in the run record."""

    def attending(self, kernel: str, head_dim: int) -> str:
        """Return the name of attention in the run record if `kernel` was chosen."""
        del head_dim
        return kernel

    def norm(self, hidden_ND: Tensor, norm: nn.LayerNorm, delta_ND: Tensor | None = None) -> Tensor:
        """Return the LayerNorm of hidden, or of hidden + delta; `delta_ND` is overwritten."""
        summed_ND = hidden_ND if delta_ND is None else delta_ND.add_(hidden_ND)
        return nn.functional.layer_norm(summed_ND, norm.normalized_shape, norm.weight, norm.bias, norm.eps)

    def add_norm(self, hidden_ND: Tensor, delta_ND: Tensor, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
        """Return the LayerNorm of hidden + delta, and the sum, which is rounded to the stream's format before the norm.

        `delta_ND` is overwritten.
        """
        summed_ND = delta_ND.add_(hidden_ND)
        return self.norm(summed_ND, norm), summed_ND

    def add(self, hidden_ND: Tensor, delta_ND: Tensor) -> Tensor:
        """Return hidden + delta, the residual sum at the end of a block; `delta_ND` is overwritten."""
        return delta_ND.add_(hidden_ND)

    def gelu(self, states_NF: Tensor) -> Tensor:
        """Return the exact-erf GELU, in place: `states_NF` is overwritten."""
        # the kernel computes erf in FP32; the formula written out in FP16 has errors of up to 100 %
        grown_NF: Tensor = torch.ops.aten.gelu_(states_NF)
        return grown_NF

    def gated(self, both_N2F: Tensor) -> Tensor:
        """Return gelu(first half) * second half, [N, F]."""
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
        """Return the attention output [N, D] of q, k and v (all of q, then all of k, then all of v, each by head).

        With `rotary` q is scaled, and q and k are rotated; `slopes_H` are ALiBi's, applied to scaled scores.
        """
        qkv_N3HK = qkv_ND3.view(len(qkv_ND3), 3, num_heads, -1)
        q_NHK, k_NHK, v_NHK = qkv_N3HK.unbind(1)
        scale = q_NHK.shape[-1] ** -0.5
        if rotary is not None:
            # fair-esm scales q before the rotation, not the scores
            q_NHK, k_NHK = rotary.rotate(qkv_N3HK[:, :2]).unbind(1)
            scale = 1.0
        call = AttentionCall(q_NHK=q_NHK, k_NHK=k_NHK, v_NHK=v_NHK, layout=layout, scale=scale, alibi_slopes_H=slopes_H)
        return attention(call).flatten(1)


PLAIN: Final = Ops()


class Norm(nn.LayerNorm):
    """LayerNorm of hidden, or of hidden + delta, computed by ops."""

    def __init__(self, width: int, eps: float, ops: Ops) -> None:
        super().__init__(width, eps=eps)
        self.ops = ops

    def forward(self, hidden_ND: Tensor, delta_ND: Tensor | None = None) -> Tensor:
        """Return the norm [N, D] in the stream's format."""
        return self.ops.norm(hidden_ND, self, delta_ND)


class ResidualNorm(Norm):
    """LayerNorm of hidden + delta that also returns the sum, which continues the residual stream."""

    def forward(self, hidden_ND: Tensor, delta_ND: Tensor | None = None) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        """Return norm and sum, [N, D] each; without `delta_ND` the sum is hidden itself."""
        if delta_ND is None:
            return self.ops.norm(hidden_ND, self), hidden_ND
        return self.ops.add_norm(hidden_ND, delta_ND, self)


FUSED_CAPABILITY = (8, 0)
"""Triton's matmuls need Ampere or newer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenOps:
    ops: Ops
    reason: str


def why_not_fused(dtype: torch.dtype, device: torch.device) -> str | None:
    if dtype == torch.float64:
        return f"they compute in FP32, and {in_words(dtype)} needs more"
    problem = too_old(device, FUSED_CAPABILITY)
    if problem is None and importlib.util.find_spec("triton") is None:
        return "Triton is not installed (it comes with torch for CUDA)"
    return problem


def choose_ops(dtype: torch.dtype, device: torch.device, attention: AttentionName) -> ChosenOps:
    """Return the ops for a residual stream of `dtype`; a requested attention kernel computes all attention."""
    problem = why_not_fused(dtype, device)
    if problem is not None:
        return ChosenOps(ops=PLAIN, reason=f"plain ops, not fused: {problem}")
    # imported here because CPU builds of torch have no Triton
    from vp_tui.core.models.fused.ops import PARTS, Fused

    if attention == "auto":
        return ChosenOps(ops=Fused(), reason="fused ops")
    return ChosenOps(ops=Fused(PARTS - {"short"}), reason=f"fused ops, all attention by {attention}")
