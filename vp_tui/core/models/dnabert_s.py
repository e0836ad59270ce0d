"""DNABERT-S (DNABERT-2's MosaicBERT) over packed sequences, without the published remote code.

That code fails with current Triton, or casts FP32 to FP16 inside attention. Its formulas: token embedding plus
token-type row 0 (not zero), LayerNorm after each residual sum, one fused q k v, a gated feed-forward with an exact-erf
GELU on its first half, symmetric ALiBi on scores divided by sqrt(K), no position embeddings, no last LayerNorm. ALiBi
slopes are FP32 in every format; LayerNorm, softmax and GELU compute in FP32 inside torch's kernels (eps 1e-12 is zero
in FP16).

DNABERT-S was saved from the bare model, DNABERT-2 with the prefix `bert.` and a masked-language head. Both have a
pooler, which is not used. The feed-forward's LayerNorm is named `layernorm`, the other two `LayerNorm`.

Shape suffixes: N tokens of the pack, H heads, K head size, D width, F feed-forward width.
"""

import math
import re
from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.inputs.spec import DnabertSSpec
from vp_tui.core.models.checkpoint import Dialect
from vp_tui.core.models.kernels.base import Attention, DeviceLayout
from vp_tui.core.models.native import Family, unset_embedding
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
        return self.resume(self.embedding_norm(self.embedding(ids_N) + self.token_type.weight[0]), layout)

    @torch.inference_mode()
    def resume(self, hidden_ND: Tensor, layout: DeviceLayout, first: int = 0) -> Tensor:
        """Return the outputs of a forward whose residual stream before block `first` is `hidden_ND`."""
        for layer in self.layers[first:]:
            hidden_ND = layer(hidden_ND, self.slopes_H, self.attention, layout)
        return hidden_ND


_OURS_AND_THEIRS: Final = {
    "embedding": "embeddings.word_embeddings",
    "token_type": "embeddings.token_type_embeddings",
    "embedding_norm": "embeddings.LayerNorm",
}
_LAYER_NAMES: Final = {
    "qkv": "attention.self.Wqkv",
    "out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "gated": "mlp.gated_layers",
    "wo": "mlp.wo",
    "ffn_norm": "mlp.layernorm",
}


def _expected_shapes(spec: DnabertSSpec) -> dict[str, tuple[int, ...]]:
    width, ffn = spec.hidden, spec.ffn
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (spec.vocab_size, width),
        "embeddings.token_type_embeddings.weight": (2, width),
        "embeddings.LayerNorm.weight": (width,),
        "embeddings.LayerNorm.bias": (width,),
    }
    in_layer: dict[str, tuple[int, ...]] = {
        "attention.self.Wqkv.weight": (3 * width, width),
        "attention.self.Wqkv.bias": (3 * width,),
        "attention.output.dense.weight": (width, width),
        "attention.output.dense.bias": (width,),
        "attention.output.LayerNorm.weight": (width,),
        "attention.output.LayerNorm.bias": (width,),
        "mlp.gated_layers.weight": (2 * ffn, width),
        "mlp.wo.weight": (width, ffn),
        "mlp.wo.bias": (width,),
        "mlp.layernorm.weight": (width,),
        "mlp.layernorm.bias": (width,),
    }
    for index in range(spec.num_layers):
        shapes |= {f"encoder.layer.{index}.{name}": shape for name, shape in in_layer.items()}
    return shapes


def _sources(ours: str) -> list[str]:
    head, _, kind = ours.rpartition(".")
    if head in _OURS_AND_THEIRS:
        return [f"{_OURS_AND_THEIRS[head]}.{kind}"]
    _, index, module = head.split(".")
    return [f"encoder.layer.{index}.{_LAYER_NAMES[module]}.{kind}"]


DNABERT_S: Final[Family[DnabertSSpec]] = Family(
    dialect=Dialect(
        model="DNABERT-S",
        roots=frozenset({"embeddings", "encoder"}),
        ignored=re.compile(r"cls\.|pooler\.|embeddings\.position_ids$|encoder\.alibi$"),
    ),
    build=DnabertS,
    shapes=_expected_shapes,
    sources=_sources,
    buffers=lambda spec, _: {"slopes_H": alibi_slopes(spec.num_heads)},
)
