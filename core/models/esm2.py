"""ESM-2 over packed sequences: no padding in any linear layer, one forward for every number format.

Semantics are fair-esm's (esm/model/esm2.py, modules.py), which transformers' EsmModel shares:
pre-LayerNorm blocks, q scaled before rotary, exact-erf GELU, embeddings times 0.88 at inference,
a last LayerNorm. Three steps compute in FP32 whatever the stream's format is: the 0.88, the rotary
angles and their product (fair-esm's half angles are wrong by 0.25 rad at 1,024 tokens), and, inside
torch's own kernels, LayerNorm and softmax.

Shape suffixes: N tokens of the pack, S sequences, H heads, K head size, k half of it, D width, F ffn width.
"""

from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.models.attention import Attention, DeviceLayout
from vp_tui.core.models.native import unset_embedding
from vp_tui.core.models.spec import Esm2Spec
from vp_tui.core.precision import at_least_fp32, back_to
from vp_tui.core.tokens import MASK

TRAINED_KEEP: Final = 1 - 0.15 * 0.8
"""Part of the tokens that were not <mask> in training; fair-esm's token_dropout compensates for it."""


class Layer(nn.Module):
    """One pre-LayerNorm transformer block; q, k and v are one fused linear."""

    def __init__(self, spec: Esm2Spec) -> None:
        super().__init__()
        self.num_heads = spec.num_heads
        self.attention_norm = nn.LayerNorm(spec.hidden, eps=spec.layer_norm_eps)
        self.qkv = nn.Linear(spec.hidden, 3 * spec.hidden)
        self.out = nn.Linear(spec.hidden, spec.hidden)
        self.ffn_norm = nn.LayerNorm(spec.hidden, eps=spec.layer_norm_eps)
        self.fc1 = nn.Linear(spec.hidden, spec.ffn)
        self.fc2 = nn.Linear(spec.ffn, spec.hidden)

    def forward(self, hidden_ND: Tensor, rotary: "Rotary", attention: Attention, layout: DeviceLayout) -> Tensor:
        """The residual stream after this block, [N, D]."""
        qkv_ND3 = self.qkv(self.attention_norm(hidden_ND))
        q_NHK, k_NHK, v_NHK = qkv_ND3.unflatten(-1, (3, self.num_heads, -1)).unbind(1)
        # fair-esm scales before rotary; afterwards rounds differently for head sizes 24, 32 and 128
        q_NHK = rotary.turn(q_NHK * q_NHK.shape[-1] ** -0.5)
        mixed_NHK = attention(q_NHK, rotary.turn(k_NHK), v_NHK, layout, 1.0)
        hidden_ND = hidden_ND + self.out(mixed_NHK.flatten(1))
        # the fused kernel has erf in FP32 inside; the written-out formula in half is wrong by up to 100 %
        grown_NF = nn.functional.gelu(self.fc1(self.ffn_norm(hidden_ND)))
        return torch.add(hidden_ND, self.fc2(grown_NF))


class Rotary:
    """cos and sin of every token's angles in the format of inv_freq, made once per pack (NeoX halves)."""

    def __init__(self, positions_N: Tensor, inv_freq_k: Tensor) -> None:
        # positions need FP32: half has no odd numbers above 2,048 and too few digits for the product
        angles_Nk = positions_N[:, None].to(inv_freq_k.dtype) * inv_freq_k
        self.cos_N1k = angles_Nk.cos()[:, None]
        self.sin_N1k = angles_Nk.sin()[:, None]

    def turn(self, states_NHK: Tensor) -> Tensor:
        """`states_NHK` turned by its angles, in its own format."""
        # up-cast: products with half cos and sin would add an error per layer; rounded once at the end
        first_NHk, second_NHk = at_least_fp32(states_NHK).chunk(2, dim=-1)
        turned = (
            first_NHk * self.cos_N1k - second_NHk * self.sin_N1k,
            second_NHk * self.cos_N1k + first_NHk * self.sin_N1k,
        )
        return back_to(torch.cat(turned, dim=-1), states_NHK)


class Esm2(nn.Module):
    """ESM-2 encoder; `inv_freq` is the checkpoint's own, FP32 in every plan but FP64."""

    inv_freq: Tensor

    def __init__(self, spec: Esm2Spec, attention: Attention) -> None:
        super().__init__()
        self.spec = spec
        self.attention = attention
        self.embedding = unset_embedding(spec.vocab_size, spec.hidden)
        self.layers = nn.ModuleList(Layer(spec) for _ in range(spec.num_layers))
        self.final_norm = nn.LayerNorm(spec.hidden, eps=spec.layer_norm_eps)
        self.register_buffer("inv_freq", torch.empty(spec.head_dim // 2, dtype=torch.float32))

    @torch.inference_mode()
    def forward(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Token outputs after the last LayerNorm, [N, D] in the stream's format.

        `ids_N` are the pack's token ids (int64), BOS and EOS included; equals `last_hidden_state` of
        EsmModel and `representations[num_layers]` of fair-esm.
        """
        hidden_ND = self.embed(ids_N, layout)
        rotary = Rotary(layout.positions_N, self.inv_freq)
        for layer in self.layers:
            hidden_ND = layer(hidden_ND, rotary, self.attention, layout)
        normed_ND: Tensor = self.final_norm(hidden_ND)
        return normed_ND

    def embed(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Token embeddings, [N, D]; token_dropout zeroes <mask> rows and scales all by 0.88 / (1 - ratio)."""
        embedded_ND: Tensor = self.embedding(ids_N)
        if not self.spec.token_dropout:
            return embedded_ND
        masked_N = ids_N == MASK
        before_N = nn.functional.pad(masked_N.cumsum(0), (1, 0))
        masked_S = before_N[layout.cu_seqlens[1:]] - before_N[layout.cu_seqlens[:-1]]
        # up-cast: 0.88 is no FP16 number, so the scale is applied in FP32 and rounded once
        wide_ND = at_least_fp32(embedded_ND)
        scale_S = TRAINED_KEEP / (1 - masked_S.to(wide_ND.dtype) / layout.lengths_S)
        scaled_ND = wide_ND * scale_S[layout.sequence_N, None]
        return back_to(scaled_ND.masked_fill(masked_N[:, None], 0.0), embedded_ND)
