"""DNABERT-S (DNABERT-2's MosaicBERT) over packed sequences, without the published remote code.

That code fails with current Triton, or casts FP32 to FP16 inside attention. Its formulas: token embedding plus
token-type row 0 (not zero), LayerNorm after each residual sum, one fused q k v, a gated feed-forward with an exact-erf
GELU on its first half, symmetric ALiBi on scores divided by sqrt(K), no position embeddings, no last LayerNorm. ALiBi
slopes are FP32 in every format; LayerNorm, softmax and GELU compute in FP32 inside torch's kernels (eps 1e-12 is zero
in FP16).

Shape suffixes: N tokens of the pack, H heads, K head size, D width, F feed-forward width.
"""

import math

import torch
from torch import Tensor, nn

from vp_tui.core.inputs.spec import DnabertSSpec
from vp_tui.core.models.attention import Attention, DeviceLayout
from vp_tui.core.models.native import unset_embedding
from vp_tui.core.models.ops import PLAIN, Norm, Ops


def alibi_slopes(num_heads: int) -> Tensor:
    """Return the slope of each head in FP32, as in the ALiBi paper's code.

    A power of two n has 2^(-8/n), 2^(-16/n), ...; any other number uses those of the next lower power of two and then
    every second one of the next higher. The plain formula would be wrong for every one of 12 heads.
    """
    lower = 2 ** math.floor(math.log2(num_heads))
    slopes = _geometric(lower)
    if lower != num_heads:
        slopes += _geometric(2 * lower)[::2][: num_heads - lower]
    return torch.tensor(slopes, dtype=torch.float32)


def _geometric(power_of_two: int) -> list[float]:
    return [2.0 ** (-8 * (head + 1) / power_of_two) for head in range(power_of_two)]


class DnabertLayer(nn.Module):
    """One post-LayerNorm transformer block."""

    def __init__(self, spec: DnabertSSpec, ops: Ops) -> None:
        super().__init__()
        self.num_heads = spec.num_heads
        self.ops = ops
        self.qkv = nn.Linear(spec.hidden, 3 * spec.hidden)
        self.out = nn.Linear(spec.hidden, spec.hidden)
        self.attention_norm = Norm(spec.hidden, spec.layer_norm_eps, ops)
        self.gated = nn.Linear(spec.hidden, 2 * spec.ffn, bias=False)
        self.wo = nn.Linear(spec.ffn, spec.hidden)
        self.ffn_norm = Norm(spec.hidden, spec.layer_norm_eps, ops)

    def forward(self, hidden_ND: Tensor, slopes_H: Tensor, attention: Attention, layout: DeviceLayout) -> Tensor:
        """Return the residual stream after this block, [N, D]."""
        mixed_ND = self.ops.mix(self.qkv(hidden_ND), self.num_heads, attention, layout, slopes_H=slopes_H)
        hidden_ND = self.attention_norm(hidden_ND, self.out(mixed_ND))
        normed_ND: Tensor = self.ffn_norm(hidden_ND, self.wo(self.ops.gated(self.gated(hidden_ND))))
        return normed_ND


class DnabertS(nn.Module):
    """DNABERT-S encoder; `slopes_H` are FP32 in every plan but FP64."""

    slopes_H: Tensor

    def __init__(self, spec: DnabertSSpec, attention: Attention, ops: Ops = PLAIN) -> None:
        super().__init__()
        self.spec = spec
        self.attention = attention
        self.embedding = unset_embedding(spec.vocab_size, spec.hidden)
        self.token_type = unset_embedding(2, spec.hidden)
        self.embedding_norm = Norm(spec.hidden, spec.layer_norm_eps, ops)
        self.layers = nn.ModuleList(DnabertLayer(spec, ops) for _ in range(spec.num_layers))
        self.register_buffer("slopes_H", torch.empty(spec.num_heads, dtype=torch.float32))

    @torch.inference_mode()
    def forward(self, ids_N: Tensor, layout: DeviceLayout) -> Tensor:
        """Return the token outputs of the last layer, [N, D] in the format of the residual stream.

        `ids_N` are the pack's token ids (int64), [CLS] and [SEP] included. Equals element 0 of the published model's
        output for each sequence.
        """
        # every token has type 0, whose row was trained
        hidden_ND: Tensor = self.embedding_norm(self.embedding(ids_N) + self.token_type.weight[0])
        for layer in self.layers:
            hidden_ND = layer(hidden_ND, self.slopes_H, self.attention, layout)
        return hidden_ND
