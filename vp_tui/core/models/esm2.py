"""ESM-2 over packed sequences: no padding in linear layers, one forward for all number formats.

Semantics are fair-esm's (esm/model/esm2.py, modules.py), shared by transformers' EsmModel: pre-LayerNorm blocks, q
scaled before rotary, exact-erf GELU, embeddings times 0.88 at inference, a last LayerNorm. Computed in FP32 in every
format: the 0.88, the rotary angles and rotation (fair-esm's FP16 angles are wrong by 0.25 rad at 1,024 tokens), and,
inside torch's kernels, LayerNorm and softmax.

Shape suffixes: N tokens of the pack, S sequences, D width.
"""

from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.inputs.tokens import MASK
from vp_tui.core.models.attention import Attention, DeviceLayout
from vp_tui.core.models.native import unset_embedding
from vp_tui.core.models.ops import PLAIN, Norm, Ops, ResidualNorm
from vp_tui.core.models.precision import at_least_fp32, back_to
from vp_tui.core.models.rotary import Rotary

TRAINED_KEEP: Final = 1 - 0.15 * 0.8
"""Share of tokens that were not <mask> in training; fair-esm's token_dropout compensates for it."""


class Esm2Layer(nn.Module):
    """One pre-LayerNorm transformer block; q, k and v are one fused linear."""

    def __init__(self, spec: Esm2Spec, ops: Ops) -> None:
        super().__init__()
        self.num_heads = spec.num_heads
        self.ops = ops
        self.attention_norm = Norm(spec.hidden, spec.layer_norm_eps, ops)
        self.qkv = nn.Linear(spec.hidden, 3 * spec.hidden)
        self.out = nn.Linear(spec.hidden, spec.hidden)
        self.ffn_norm = ResidualNorm(spec.hidden, spec.layer_norm_eps, ops)
        self.fc1 = nn.Linear(spec.hidden, spec.ffn)
        self.fc2 = nn.Linear(spec.ffn, spec.hidden)

    def forward(self, hidden_ND: Tensor, rotary: Rotary, attention: Attention, layout: DeviceLayout) -> Tensor:
        """Return the residual stream after this block, [N, D]."""
        qkv_ND3 = self.qkv(self.attention_norm(hidden_ND))
        mixed_ND = self.ops.mix(qkv_ND3, self.num_heads, attention, layout, rotary=rotary)
        normed_ND, summed_ND = self.ffn_norm(hidden_ND, self.out(mixed_ND))
        last_ND: Tensor = self.fc2(self.ops.gelu(self.fc1(normed_ND)))
        return last_ND.add_(summed_ND)


class Esm2(nn.Module):
    """ESM-2 encoder; `inv_freq` is the checkpoint's own, FP32 in every plan but FP64."""

    inv_freq: Tensor

    def __init__(self, spec: Esm2Spec, attention: Attention, ops: Ops = PLAIN) -> None:
        super().__init__()
        self.spec = spec
        self.attention = attention
        self.embedding = unset_embedding(spec.vocab_size, spec.hidden)
        self.layers = nn.ModuleList(Esm2Layer(spec, ops) for _ in range(spec.num_layers))
        self.final_norm = Norm(spec.hidden, spec.layer_norm_eps, ops)
        self.register_buffer("inv_freq", torch.empty(spec.head_dim // 2, dtype=torch.float32))

    @torch.inference_mode()
    def forward(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Return the token outputs after the last LayerNorm, [N, D] in the format of the residual stream.

        `ids_N` are the pack's token ids (int64), BOS and EOS included. Equals `last_hidden_state` of EsmModel and
        `representations[num_layers]` of fair-esm.
        """
        hidden_ND = self.embed(ids_N, layout)
        rotary = Rotary(layout.max_len, layout.positions_N, self.inv_freq)
        for layer in self.layers:
            hidden_ND = layer(hidden_ND, rotary, self.attention, layout)
        normed_ND: Tensor = self.final_norm(hidden_ND)
        return normed_ND

    def embed(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Return token embeddings, [N, D]; token_dropout zeroes <mask> rows and scales all by 0.88 / (1 - ratio)."""
        embedded_ND: Tensor = self.embedding(ids_N)
        if not self.spec.token_dropout:
            return embedded_ND
        masked_N = ids_N == MASK
        # up-cast: 0.88 is not an FP16 number, so the scale is applied in FP32 and rounded once
        wide_ND = at_least_fp32(embedded_ND)
        scale_S = TRAINED_KEEP / (1 - layout.sums(masked_N).to(wide_ND.dtype) / layout.lengths_S)
        scaled_ND = wide_ND * scale_S[layout.sequence_N, None]
        return back_to(scaled_ND.masked_fill(masked_N[:, None], 0.0), embedded_ND)
