"""Weight files of an encoder that runs inside transformers, checked for what transformers itself passes over.

from_pretrained drops every tensor that the model has no place for, with a line in its log: a head, but also unmerged
LoRA weights in the encoder, without which the model is its base model and not the checkpoint.
"""

import re
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import tensor_names
from vp_tui.core.models.checkpoint import first_names, heads_note, open_stored, require_floats

_WRAPPER: Final = re.compile(r"(?:module\.|_orig_mod\.|model\.|base_model\.)+")
_BUFFERS: Final = re.compile(
    r"(.*\.)?(position_ids|token_type_ids|inv_freq|num_batches_tracked|relative_position_index|masked_bias)"
)
"""Tensors that some versions of transformers saved and compute by themselves."""


def check(folder: Path) -> None:
    """Raise ModelError for unreadable or quantized weights."""
    with ExitStack() as stack:
        stored = open_stored(folder, stack)
        require_floats(folder, {name: one for name, one in stored.items() if name.endswith((".weight", ".bias"))})


def wrapper_of(folder: Path) -> str:
    """Return the prefix of all names that a wrapper (DistributedDataParallel, torch.compile, PEFT) added, or ""."""
    with ExitStack() as stack:
        names = tuple(open_stored(folder, stack))
    found = {match[0] if (match := _WRAPPER.match(name)) else "" for name in names}
    return min(found, key=len, default="") if all(found) else ""


def unwrapped(folder: Path, prefix: str) -> dict[str, Tensor]:
    """Return all tensors without `prefix`."""
    with ExitStack() as stack:
        return {name.removeprefix(prefix): one.read() for name, one in open_stored(folder, stack).items()}


def unused_notes(folder: Path, body: Any, unexpected: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence about the heads among the tensors that `body` has no place for.

    Raises ModelError if one of them is inside the encoder: it would change the output, or belongs to another model.
    """
    bare = [name.removeprefix(f"{body.base_model_prefix}.") for name in unexpected]
    bare = sorted(name for name in bare if not _BUFFERS.fullmatch(name))
    children = {name for name, _ in body.named_children()}
    inside = [name for name in bare if name.partition(".")[0] in children]
    if inside:
        advice = (
            tensor_names.UNMERGED
            if tensor_names.has_lora(inside)
            else "they would change the output; give a checkpoint without them, or --trust-remote-code if its "
            "architecture has code of its own"
        )
        where = f"in its encoder that {type(body).__name__} has no place for"
        raise ModelError(f"{folder} has {first_names(inside, where)}; {advice}")
    return heads_note(name for name in bare if not name.startswith("pooler."))
