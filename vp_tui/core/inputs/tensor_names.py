"""The encoder inside a file of tensors: where it is nested, and which prefix its names have.

People publish the encoder alone, with a head, inside DistributedDataParallel (`module.`), PEFT (`base_model.model.`),
torch.compile (`_orig_mod.`) or a class of their own (`model.`, `encoder.`), and checkpoints of training loops hold the
state dict under one of several keys. One rule finds the prefix: the text before the name of the token embedding. All
that lies under the prefix belongs to the encoder and must be known; all outside is a head, which embeddings do not use.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

TOKEN_EMBEDDING: Final = "embeddings.word_embeddings.weight"
"""In transformers' names of ESM and BERT."""
LORA: Final = ("lora_", ".base_layer.", "modules_to_save", "original_module", "ia3_", ".adapter")
"""Parts of names of tensors that PEFT adds to a module."""
UNMERGED: Final = (
    "these are adapter (LoRA) weights that are not merged, so the encoder alone is not the fine-tuned model: call "
    "model.merge_and_unload().save_pretrained(folder) and give that folder"
)

_NESTS: Final = ("state_dict", "model_state_dict", "model", "module", "net", "network", "weights")
_DEPTH: Final = 4


def state_dict_in(content: Any, is_tensor: Callable[[Any], bool], depth: int = _DEPTH) -> Mapping[str, Any] | None:
    """Return the state dict in the content of a file of torch.save; None without one.

    A flat state dict, a fair-esm file ("model"), a Lightning checkpoint ("state_dict") or one of a training loop
    ("model_state_dict", "module", ...), also nested.
    """
    if not isinstance(content, Mapping) or not depth:
        return None
    for key in _NESTS:
        found = state_dict_in(content.get(key), is_tensor, depth - 1)
        if found is not None:
            return found
    return content if any(map(is_tensor, content.values())) else None


def prefixes_of(names: Iterable[str], anchor: str = TOKEN_EMBEDDING) -> list[str]:
    """Return the distinct texts before `anchor` among `names`, sorted: one per encoder in the file."""
    ends = (name.removesuffix(anchor) for name in names if name.endswith(anchor))
    return sorted({prefix for prefix in ends if not prefix or prefix.endswith(".")})


def has_lora(names: Iterable[str]) -> bool:
    """Return whether one of `names` is a tensor that PEFT adds."""
    return any(part in name for name in names for part in LORA)
