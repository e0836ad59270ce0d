"""Mapping of ESM-2's files to models/esm2.py: names, shapes, and the rotary table, which is never recomputed.

inv_freq is stored per layer (published files), under a literal asterisk (save_pretrained of transformers 5.23) or at
model level. Canonical names are those of transformers' EsmModel.
"""

import re
from typing import Final

import torch
from torch import Tensor

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.models.checkpoint import Dialect, OpenCheckpoint
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
"""Hugging Face's modules of each of our modules in a layer; several are concatenated along the output axis."""


def _expected_shapes(spec: Esm2Spec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a checkpoint, by Hugging Face's name, without inv_freq."""
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
    """Return the names of Hugging Face's tensors for our parameter `ours`."""
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
            "rounded; use the published checkpoint or one written by save_pretrained"
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
