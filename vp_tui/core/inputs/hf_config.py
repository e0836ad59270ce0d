"""Numbers of any encoder's config.json, whatever its author called them; no torch, no transformers.

They are for records, memory and the width of an embedding; how the model computes, transformers reads for itself.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.config_json import ConfigJson

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "hidden": ("hidden_size", "d_model", "n_embd", "dim", "emb_dim"),
    "num_layers": ("num_hidden_layers", "num_layers", "n_layer", "n_layers"),
    "num_heads": ("num_attention_heads", "num_heads", "n_head", "n_heads"),
    "ffn": ("intermediate_size", "d_ff", "n_inner", "ffn_dim", "hidden_dim"),
    "vocab_size": ("vocab_size",),
}
_NEEDED: Final = ("hidden", "vocab_size")
_OFFSET_TYPES: Final = frozenset(
    {"esm", "roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "longformer", "data2vec-text", "mpnet", "ibert"}
)
"""These count positions from pad_token_id + 1, so that many rows of their table are never used."""
_ITEM_BYTES: Final[Mapping[str, int]] = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
_SAFETENSORS_LENGTH: Final = 8
"""Bytes in front of the header of a safetensors file, which hold its length."""


def numbers(config: ConfigJson) -> dict[str, int]:
    """hidden, num_layers, num_heads, ffn and vocab_size; 0 where the file has none that is not needed.

    Raises ModelError: no width or vocabulary, or no whole number above 0 there.
    """
    return {ours: _number(config, ours, theirs) for ours, theirs in _NAMES.items()}


def _number(config: ConfigJson, ours: str, theirs: tuple[str, ...]) -> int:
    for name in theirs:
        if config.get(name) is not None:
            return config.positive(name)
    if ours in _NEEDED:
        raise ModelError(
            f"{config.path}: model_type is {config.get('model_type')!r}, and there is no {' or '.join(theirs)}; "
            "an encoder with one is needed, such as a BERT or an ESM"
        )
    return 0


def max_tokens(config: ConfigJson) -> int | None:
    """Tokens a table of absolute positions has room for; None when the config names none."""
    rows = config.get("max_position_embeddings")
    if not isinstance(rows, int) or rows < 1:
        return None
    pad = config.get("pad_token_id")
    if config.get("model_type") in _OFFSET_TYPES and isinstance(pad, int):
        return rows - pad - 1
    return rows


def num_parameters(config: ConfigJson, folder: Path) -> int:
    """Weights in the files of `folder`, heads included; 0 when there are none (loading says what is missing).

    Exact for safetensors, by size and the config's own number format for pickled files.
    """
    safetensors = sorted(folder.glob("model*.safetensors"))
    if safetensors:
        return sum(map(_count, safetensors))
    item = _ITEM_BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 4)
    return sum(path.stat().st_size for path in folder.glob("pytorch_model*.bin")) // item


def _count(path: Path) -> int:
    """Numbers in a safetensors file; 0 when it is none (loading says so)."""
    try:
        with path.open("rb") as file:
            header: Any = json.loads(file.read(int.from_bytes(file.read(_SAFETENSORS_LENGTH), "little")))
        return sum(_product(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, MemoryError, OverflowError):
        return 0


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product
