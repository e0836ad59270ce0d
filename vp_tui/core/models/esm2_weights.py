"""How ESM-2's files fill core.models.esm2: names, shapes, and the rotary table that is never recomputed.

inv_freq comes per layer (published files), under a literal asterisk (save_pretrained of transformers 5.23) or at
model level. Canonical names are those of transformers' EsmModel.
"""

import re
from typing import Final

import torch
from torch import Tensor

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.models.checkpoint import Checkpoint, Dialect
from vp_tui.core.models.esm2 import Esm2
from vp_tui.core.models.native import Family

DIALECT: Final = Dialect(
    model="ESM-2",
    prefix="esm.",
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
"""Our module in a layer -> Hugging Face's; several are joined along the output axis."""


def _expected_shapes(spec: Esm2Spec) -> dict[str, tuple[int, ...]]:
    """Every tensor a checkpoint of `spec` must have, by Hugging Face's name, without inv_freq."""
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
    """Hugging Face's tensors behind our parameter `ours`."""
    head, _, kind = ours.rpartition(".")
    if head == "embedding":
        return [f"embeddings.word_embeddings.{kind}"]
    if head == "final_norm":
        return [f"encoder.emb_layer_norm_after.{kind}"]
    _, index, module = head.split(".")
    return [f"encoder.layer.{index}.{theirs}.{kind}" for theirs in _LAYER_NAMES[module]]


def _inv_freq(checkpoint: Checkpoint, spec: Esm2Spec) -> Tensor:
    """The rotary frequencies [head_dim / 2] as stored.

    They are FP16-rounded in published files; recomputed ones turn long proteins by up to 0.16 rad
    (transformers PR 19587). Raises ModelError when they are missing or differ between layers.
    """
    if not checkpoint.aside:
        raise ModelError(
            f"{checkpoint.folder} has no rotary inv_freq; they are not recomputed, because published ones are "
            "rounded; use the checkpoint as published or as written by save_pretrained"
        )
    tables = {name: stored.read() for name, stored in checkpoint.aside.items()}
    first_name, first = next(iter(tables.items()))
    for name, table in tables.items():
        if table.shape != (spec.head_dim // 2,):
            raise ModelError(
                f"{checkpoint.folder}: {name} has the shape {list(table.shape)}, "
                f"heads of {spec.head_dim} need [{spec.head_dim // 2}]"
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
