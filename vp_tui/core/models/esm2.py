"""ESM-2 over packed sequences: no padding in linear layers, one forward for all number formats.

Semantics are fair-esm's (esm/model/esm2.py, modules.py), shared by transformers' EsmModel: pre-LayerNorm blocks, q
scaled before rotary, exact-erf GELU, embeddings times 0.88 at inference, a last LayerNorm. Computed in FP32 in every
format: the 0.88, the rotary angles and rotation (fair-esm's FP16 angles are wrong by 0.25 rad at 1,024 tokens), and,
inside torch's kernels, LayerNorm and softmax.

The rotary table is read from the file, never recomputed: inv_freq is stored per layer (published files), under a
literal asterisk (save_pretrained of transformers 5.23) or at model level. Canonical names are those of transformers'
EsmModel.

Shape suffixes: N tokens of the pack, S sequences, D width.
"""

import re
from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.inputs.tokens import MASK
from vp_tui.core.models.checkpoint import Dialect, OpenCheckpoint
from vp_tui.core.models.kernels.base import Attention, DeviceLayout
from vp_tui.core.models.native import Family, unset_embedding
from vp_tui.core.models.ops import PLAIN, Norm, Ops, ResidualNorm, Rotary
from vp_tui.core.models.precision import at_least_fp32, back_to

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
        qkv_ND3 = self.qkv(self.attention_norm(hidden_ND))
        mixed_ND = self.ops.mix(qkv_ND3, self.num_heads, attention, layout, rotary=rotary)
        normed_ND, summed_ND = self.ffn_norm(hidden_ND, self.out(mixed_ND))
        return self.ops.add(summed_ND, self.fc2(self.ops.gelu(self.fc1(normed_ND))))


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
        return self.resume(self.embed(ids_N, layout), layout)

    @torch.inference_mode()
    def resume(self, hidden_ND: Tensor, layout: DeviceLayout, first: int = 0) -> Tensor:
        """Return the outputs of a forward whose residual stream before block `first` is `hidden_ND`."""
        rotary = Rotary(layout.max_len, layout.positions_N, self.inv_freq)
        for layer in self.layers[first:]:
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


DIALECT: Final = Dialect(
    model="ESM-2",
    # the last four are fair-esm's names of tensors that are not ESM-2's
    roots=frozenset(
        {"embeddings", "encoder", "rotary_embeddings", "layers", "embed_positions", "emb_layer_norm_before"}
    ),
    ignored=re.compile(
        r"lm_head\.|contact_head\.|pooler\.|embeddings\.position_embeddings\.|embeddings\.position_ids$"
    ),
    aside=re.compile(r"(encoder\.layer\.(\d+|\*)\.attention\.self\.)?rotary_embeddings\.inv_freq"),
)

_LAYER_NAMES: Final = {
    "attention_norm": ("attention.LayerNorm",),
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "ffn_norm": ("LayerNorm",),
    "fc1": ("intermediate.dense",),
    "fc2": ("output.dense",),
}
"""Hugging Face's modules of each of our modules in a layer; several are concatenated along the output axis."""


def _expected_shapes(spec: Esm2Spec) -> dict[str, tuple[int, ...]]:
    width, ffn = spec.hidden, spec.ffn
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (spec.vocab_size, width),
        "encoder.emb_layer_norm_after.weight": (width,),
        "encoder.emb_layer_norm_after.bias": (width,),
    }
    for index in range(spec.num_layers):
        for theirs in (name for names in _LAYER_NAMES.values() for name in names):
            out = ffn if theirs == "intermediate.dense" else width
            inner = ffn if theirs == "output.dense" else width
            prefix = f"encoder.layer.{index}.{theirs}"
            shapes[f"{prefix}.weight"] = (width,) if theirs.endswith("LayerNorm") else (out, inner)
            shapes[f"{prefix}.bias"] = (out,)
    return shapes


def _sources(ours: str) -> list[str]:
    head, _, kind = ours.rpartition(".")
    if head == "embedding":
        return [f"embeddings.word_embeddings.{kind}"]
    if head == "final_norm":
        return [f"encoder.emb_layer_norm_after.{kind}"]
    _, index, module = head.split(".")
    return [f"encoder.layer.{index}.{theirs}.{kind}" for theirs in _LAYER_NAMES[module]]


def _inv_freq(checkpoint: OpenCheckpoint, spec: Esm2Spec) -> Tensor:
    """Return the rotary frequencies [head_dim / 2] as stored.

    They are rounded to FP16 in published files; recomputed ones differ by up to 0.16 rad on long proteins
    (transformers PR 19587). Raises ModelError if they are missing or differ between layers.
    """
    if not checkpoint.aside:
        raise ModelError(
            f"{checkpoint.folder} has no rotary inv_freq, which cannot be recomputed because published ones are "
            "rounded; save the table rotary_embeddings.inv_freq of the base checkpoint with these weights, or give a "
            "checkpoint written by save_pretrained"
        )
    tables = {name: stored.read() for name, stored in checkpoint.aside.items()}
    first_name, first = next(iter(tables.items()))
    for name, table in tables.items():
        if table.shape != (spec.head_dim // 2,):
            raise ModelError(
                f"{checkpoint.folder}: {name} has shape {list(table.shape)}, expected [{spec.head_dim // 2}] for heads "
                f"of {spec.head_dim}"
            )
        if not torch.equal(table, first):
            raise ModelError(f"{checkpoint.folder}: {name} differs from {first_name}; ESM-2 has one rotary table")
    return first


ESM2: Final[Family[Esm2Spec]] = Family(
    dialect=DIALECT,
    build=Esm2,
    shapes=_expected_shapes,
    sources=_sources,
    buffers=lambda spec, checkpoint: {"inv_freq": _inv_freq(checkpoint, spec)},
)
