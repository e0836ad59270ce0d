"""Mapping of DNABERT-S's and DNABERT-2's files to models/dnabert_s.py: names and shapes.

DNABERT-S was saved from the bare model, DNABERT-2 with the prefix `bert.` and a masked-language head. Both have a
pooler, which is not used. The feed-forward's LayerNorm is named `layernorm`, the other two `LayerNorm`.
"""

import re
from typing import Final

from vp_tui.core.inputs.spec import DnabertSSpec
from vp_tui.core.models.checkpoint import Dialect
from vp_tui.core.models.dnabert_s import DnabertS, alibi_slopes
from vp_tui.core.models.native import Family

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
    """Return the shape of every tensor of a checkpoint of `spec`."""
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
    """Return the name of the checkpoint's tensor for our parameter `ours`."""
    head, _, kind = ours.rpartition(".")
    if head in _OURS_AND_THEIRS:
        return [f"{_OURS_AND_THEIRS[head]}.{kind}"]
    _, index, module = head.split(".")
    return [f"encoder.layer.{index}.{_LAYER_NAMES[module]}.{kind}"]


DNABERT_S: Final[Family[DnabertSSpec]] = Family(
    dialect=Dialect(model="DNABERT-S", prefix="bert.", ignored=re.compile(r"cls\.|pooler\.")),
    build=DnabertS,
    shapes=_expected_shapes,
    sources=_sources,
    buffers=lambda spec, _: {"slopes_H": alibi_slopes(spec.num_heads)},
)
