"""fair-esm's .pt files: the model's sizes, read without torch, and Hugging Face's names of its tensors.

A file is {"model": state dict, "cfg" or "args": argparse.Namespace}. torch.load is not used, because the command line
and the dashboard read a spec before any worker starts; the pickle is read with an allow-list (`_Pickle`) that turns
tensors into their shapes, so no code and no weight of the file is loaded. The shapes determine the model: the number of
heads follows from the width and the length of the stored rotary table.
"""

import io
import pickle
import re
import zipfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from vp_tui.core.errors import ModelError

ALLOWED_CLASSES: Final = (Namespace,)
"""Classes besides tensors in fair-esm's files; torch.load(weights_only=True) refuses them by default."""

PREFIX: Final = re.compile(r"encoder\.(sentence_encoder\.)?")
_EMBEDDING: Final = "embeddings.word_embeddings.weight"
_LAYER: Final = re.compile(r"layers\.(\d+)\.(\w+(?:\.\w+_proj)?)\.(weight|bias)")
_TABLE: Final = re.compile(r"layers\.(\d+)\.self_attn\.rot_emb\.inv_freq")
_IN_LAYER: Final[Mapping[str, str]] = {
    "self_attn.q_proj": "attention.self.query",
    "self_attn.k_proj": "attention.self.key",
    "self_attn.v_proj": "attention.self.value",
    "self_attn.out_proj": "attention.output.dense",
    "self_attn_layer_norm": "attention.LayerNorm",
    "fc1": "intermediate.dense",
    "fc2": "output.dense",
    "final_layer_norm": "LayerNorm",
}
_UNREADABLE: Final = (OSError, zipfile.BadZipFile, pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError,
                      AttributeError, IndexError)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class FairEsm:
    """Sizes of a fair-esm ESM-2, from the shapes of its tensors."""

    num_layers: int
    hidden: int
    num_heads: int
    ffn: int
    vocab_size: int
    token_dropout: bool


class _Shape(NamedTuple):
    """Shape of a tensor in the file."""

    sizes: tuple[int, ...]


def hugging_face_name(name: str) -> str:
    """Return the name of the tensor `name` in transformers' EsmModel; heads and unknown tensors keep theirs."""
    name = PREFIX.sub("", name, count=1) if PREFIX.match(name) else name
    if name == "embed_tokens.weight":
        return _EMBEDDING
    if name.startswith("emb_layer_norm_after."):
        return f"encoder.{name}"
    if table := _TABLE.fullmatch(name):
        return f"encoder.layer.{table[1]}.attention.self.rotary_embeddings.inv_freq"
    if (part := _LAYER.fullmatch(name)) and part[2] in _IN_LAYER:
        return f"encoder.layer.{part[1]}.{_IN_LAYER[part[2]]}.{part[3]}"
    return name


def read(path: Path) -> FairEsm:
    """Return the sizes of the ESM-2 in `path`.

    Raises ModelError: not a file of torch.save, a pickle that asks for other classes, or another model.
    """
    try:
        content = _unpickled(path)
    except _UNREADABLE as error:
        raise ModelError(
            f"{path} is not a readable fair-esm checkpoint ({error or type(error).__name__}); fetch it again from "
            "dl.fbaipublicfiles.com/fair-esm, or give a folder as save_pretrained writes it"
        ) from error
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict):
        raise ModelError(f"{path} has no state dict under 'model', unlike fair-esm's files; give one of those")
    shapes = {hugging_face_name(name): tensor.sizes for name, tensor in state.items() if isinstance(tensor, _Shape)}
    return _sizes(path, shapes, _options(content))


def _sizes(path: Path, shapes: Mapping[str, tuple[int, ...]], options: Mapping[str, Any]) -> FairEsm:
    needed = (
        _EMBEDDING,
        "encoder.layer.0.intermediate.dense.weight",
        "encoder.layer.0.attention.self.rotary_embeddings.inv_freq",
    )
    missing = [name for name in needed if name not in shapes]
    if missing:
        raise ModelError(
            f"{path} is not an ESM-2: {', '.join(missing)} missing (Hugging Face's names); give ESM-1b and MSA models "
            "as a Hugging Face folder"
        )
    sizes = [shapes[name] for name in needed]
    if [len(size) for size in sizes] != [2, 2, 1] or sizes[0][1] % (2 * sizes[2][0] or 1):
        raise ModelError(f"{path} is not an ESM-2: embedding, feed-forward and rotary table have shapes {sizes}")
    (vocab_size, hidden), (ffn, _), (half_head,) = sizes
    found = FairEsm(
        num_layers=1 + max(int(name.split(".")[2]) for name in shapes if name.startswith("encoder.layer.")),
        hidden=hidden,
        num_heads=hidden // (2 * half_head),
        ffn=ffn,
        vocab_size=vocab_size,
        token_dropout=bool(options.get("token_dropout", True)),
    )
    for option, value in (
        ("encoder_layers", found.num_layers),
        ("encoder_embed_dim", found.hidden),
        ("encoder_attention_heads", found.num_heads),
    ):
        if options.get(option, value) != value:
            raise ModelError(
                f"{path}: {option} is {options[option]!r} in its options but {value} by its tensors; fetch it again"
            )
    return found


def _options(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return cfg["model"] or args, {} if the file has neither."""
    cfg = content.get("cfg")
    options = cfg.get("model") if isinstance(cfg, dict) else content.get("args")
    if isinstance(options, Namespace):
        return vars(options)
    return options if isinstance(options, dict) else {}


def _unpickled(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        name = next((name for name in archive.namelist() if name.endswith("/data.pkl")), None)
        if name is None:
            raise ValueError("the archive has no data.pkl")
        return _Pickle(io.BytesIO(archive.read(name))).load()


class _Pickle(pickle.Unpickler):
    """Unpickler that turns tensors into shapes and refuses every class that a checkpoint does not need."""

    def persistent_load(self, pid: Any) -> Any:
        """Return the id of a storage, whose numbers are not read."""
        return pid

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a class or function of the pickle."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("argparse", "Namespace"):
            return Namespace
        if module == "torch._utils" and name.startswith("_rebuild_tensor"):
            return _shape
        if module == "torch._utils" and name == "_rebuild_parameter":
            return _first
        if module == "torch" or module.startswith("torch.storage"):
            # storage classes and dtypes are arguments of tensors, never called
            return name
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no checkpoint of weights needs")


def _shape(storage: Any, offset: int, size: tuple[int, ...], *_: Any) -> _Shape:
    del storage, offset
    return _Shape(tuple(size))


def _first(data: Any, *_: Any) -> Any:
    return data
