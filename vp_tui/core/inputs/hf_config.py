"""Sizes of any encoder, from the various key names in config.json; no torch, no transformers.

They serve records, memory estimates and the width of an embedding; transformers reads the file itself for the forward.
"""

import json
import math
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
"""Models that count positions from pad_token_id + 1; the rows of the table before that are unused."""
_ITEM_BYTES: Final[Mapping[str, int]] = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
_MOST_HEADER: Final = 100_000_000
"""Bytes; the limit of safetensors itself."""
_SAFETENSORS_LENGTH: Final = 8
"""Bytes of the length field before a safetensors header."""


def numbers(config: ConfigJson) -> dict[str, int]:
    """Return hidden, num_layers, num_heads, ffn and vocab_size; 0 for a missing optional one.

    Raises ModelError: width or vocabulary size missing, or a size that is not a positive integer.
    """
    return {ours: _number(config, ours, theirs) for ours, theirs in _NAMES.items()}


def _number(config: ConfigJson, ours: str, theirs: tuple[str, ...]) -> int:
    for name in theirs:
        if config.get(name) is not None:
            return config.positive(name)
    if ours in _NEEDED:
        raise ModelError(
            f"{config.path}: model_type is {config.get('model_type')!r} without {' or '.join(theirs)}; give an "
            "encoder that has it, such as a BERT or an ESM"
        )
    return 0


def max_tokens(config: ConfigJson) -> int | None:
    """Return the maximum number of tokens of a table of absolute positions; None without one."""
    rows = config.get("max_position_embeddings")
    if not isinstance(rows, int) or rows < 1:
        return None
    pad = config.get("pad_token_id")
    kind = config.get("model_type")
    if isinstance(kind, str) and kind in _OFFSET_TYPES and isinstance(pad, int):
        return rows - pad - 1
    return rows


def num_parameters(config: ConfigJson, folder: Path) -> int:
    """Return the number of parameters in the weight files of `folder`, heads included; 0 without files.

    Exact for safetensors; for pickled files estimated from their size and the config's dtype.
    """
    safetensors = sorted(folder.glob("model*.safetensors"))
    if safetensors:
        return sum(map(_count, safetensors))
    item = _ITEM_BYTES.get(str(config.get("dtype") or config.get("torch_dtype")), 4)
    return sum(path.stat().st_size for path in folder.glob("pytorch_model*.bin")) // item


def _count(path: Path) -> int:
    """Return the number of parameters in a safetensors file; 0 if unreadable, which loading reports."""
    try:
        return sum(math.prod(entry["shape"]) for entry in safetensors_header(path).values())
    except (ValueError, KeyError, TypeError):
        return 0


def safetensors_header(path: Path) -> dict[str, Any]:
    """Return dtype and shape of each tensor in a safetensors file by its name; {} for another or a broken file."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(_SAFETENSORS_LENGTH), "little")
            header: Any = json.loads(file.read(size)) if size <= _MOST_HEADER else {}
        return {name: entry for name, entry in header.items() if name != "__metadata__"}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}
