"""Single files with an ESM-2: the model's sizes, read without torch, and Hugging Face's names of its tensors.

fair-esm's .pt is {"model": state dict, "cfg" or "args": argparse.Namespace}; fine-tuned ones, Lightning's .ckpt and
files of training loops are state dicts, flat or nested, under fair-esm's or transformers' names. torch.load is not
used, because the command line and the dashboard read a spec before any worker starts; the pickle is read with an
allow-list (`_Pickle`) that turns tensors into their shapes, so no code and no weight of the file is loaded. The
shapes determine the model: the number of heads follows from the width and the length of the stored rotary table.
"""

import io
import pickle
import pickletools
import re
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import tensor_names, weight_header
from vp_tui.core.inputs.tensor_names import UNMERGED


def _path(*parts: str) -> str:
    return "/".join(parts)


class _Options:
    """Stands for argparse.Namespace: a hostile pickle may set attributes of the class that it is given."""


# torch fills only plain dicts and OrderedDicts
_STAND_INS: Final[Mapping[str, Any]] = {
    "argparse.Namespace": _Options,
    "lightning.fabric.utilities.data.AttributeDict": OrderedDict,
    "lightning_fabric.utilities.data.AttributeDict": OrderedDict,
    "pytorch_lightning.utilities.parsing.AttributeDict": OrderedDict,
    # the second since Python 3.13
    "pathlib.PosixPath": _path,
    "pathlib._local.PosixPath": _path,
}
ALLOWED_CLASSES: Final = tuple((stand_in, name) for name, stand_in in _STAND_INS.items())
"""Stand-ins for classes besides tensors in checkpoints; torch.load(weights_only=True) refuses all others."""
WHAT_TO_GIVE: Final = (
    "fetch it again, or give a folder as save_pretrained writes it, fair-esm's file "
    "(dl.fbaipublicfiles.com/fair-esm), or torch.save(model.state_dict(), path) of an ESM-2"
)
_ANCHOR: Final = "embed_tokens.weight"

PREFIX: Final = re.compile(r"encoder\.(sentence_encoder\.)?")
_EMBEDDING: Final = tensor_names.TOKEN_EMBEDDING
_INV_FREQ: Final = "rotary_embeddings.inv_freq"
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
                      AttributeError, IndexError, MemoryError, OverflowError, RecursionError)  # fmt: skip
_MOST_PICKLE: Final = 1 << 28
"""Bytes of names and shapes; the numbers lie beside them."""


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


def canonical(names: Iterable[str]) -> dict[str, str]:
    """Return Hugging Face's name of each tensor; names that are no fair-esm's are returned as they are.

    Raises ValueError if two tensors have one name.
    """
    names = tuple(names)
    prefixes = tensor_names.prefixes_of(names, _ANCHOR)
    if len(prefixes) != 1 or tensor_names.prefixes_of(names):
        return {name: name for name in names}
    found = {name: hugging_face_name(name.removeprefix(prefixes[0])) for name in names}
    twice = [name for name, count in Counter(found.values()).items() if count > 1]
    if twice:
        raise ValueError(f"it has {twice[0]} under two key names")
    return found


def read(path: Path) -> FairEsm:
    """Return the sizes of the ESM-2 in `path`.

    Raises ModelError: not a file of torch.save, a pickle that asks for other classes, or another model.
    """
    weight_header.check(path)
    try:
        content = _unpickled(path)
        state = tensor_names.state_dict_in(content, lambda value: isinstance(value, _Shape))
        tensors = {name: tensor.sizes for name, tensor in (state or {}).items() if isinstance(tensor, _Shape)}
        names = canonical(tensors)
    except _UNREADABLE as error:
        raise ModelError(
            f"{path} is not a readable checkpoint ({error or type(error).__name__}); {WHAT_TO_GIVE}"
        ) from error
    if not tensors:
        raise ModelError(f"{path} has no state dict; {WHAT_TO_GIVE}")
    prefix = next(iter(tensor_names.prefixes_of(names.values())), "")
    shapes = {names[name].removeprefix(prefix): sizes for name, sizes in tensors.items()}
    return _sizes(path, shapes, _options(content))


def _sizes(path: Path, shapes: Mapping[str, tuple[int, ...]], options: Mapping[str, Any]) -> FairEsm:
    table = next((name for name in shapes if name.endswith(_INV_FREQ)), f"encoder.layer.0.attention.self.{_INV_FREQ}")
    needed = (_EMBEDDING, "encoder.layer.0.intermediate.dense.weight", table)
    missing = [name for name in needed if name not in shapes]
    if missing:
        advice = tensor_names.has_lora(shapes) and UNMERGED
        raise ModelError(
            f"{path} is not an ESM-2: {', '.join(missing)} missing (Hugging Face's names); "
            + (advice or "put a file of another model into a folder with its config.json and tokenizer, and give that")
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
    content = content if isinstance(content, Mapping) else {}
    cfg = content.get("cfg")
    options = cfg.get("model") if isinstance(cfg, dict) else content.get("args")
    if isinstance(options, _Options):
        return vars(options)
    return options if isinstance(options, dict) else {}


def _unpickled(path: Path) -> Any:
    with zipfile.ZipFile(path) as archive:
        part = next((part for part in archive.infolist() if part.filename.endswith("/data.pkl")), None)
        if part is None:
            raise ValueError("the archive has no data.pkl")
        if part.compress_type != zipfile.ZIP_STORED or part.file_size > _MOST_PICKLE:
            raise ValueError(f"its data.pkl is compressed or has {part.file_size} bytes: torch.save did not write it")
        content = archive.read(part)
    _require_small_memo(content)
    return _Pickle(io.BytesIO(content)).load()


def _require_small_memo(content: bytes) -> None:
    """Raise ValueError for a pickle that numbers an object beyond its own length: the table would take all memory."""
    for opcode, number, _ in pickletools.genops(content):
        if opcode.name.endswith("PUT") and number is not None and number > len(content):
            raise ValueError("its pickle numbers more objects than it can hold")


def _called(function: Any, _: Any, arguments: tuple[Any, ...], *__: Any) -> Any:
    return function(*arguments)


def _ignored(*_: Any) -> None:
    return None


_OF_TORCH: Final[Mapping[str, Any]] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "builtins.set": set,
    "builtins.bytearray": _ignored,
    "_codecs.encode": _ignored,
    "torch.Size": tuple,
    "torch.device": _ignored,
    "torch._tensor._rebuild_from_type_v2": _called,
    "torch.nn.parameter.Parameter": "Parameter",
}
"""Besides storages and tensors, what torch's own allow-list has."""


class _Pickle(pickle.Unpickler):
    """Unpickler that turns tensors into shapes and refuses every class that a checkpoint does not need."""

    def persistent_load(self, pid: Any) -> Any:
        """Return the id of a storage, whose numbers are not read."""
        return pid

    def find_class(self, module: str, name: str) -> Any:
        """Return the stand-in for a class or function of the pickle."""
        known = _STAND_INS.get(f"{module}.{name}") or _OF_TORCH.get(f"{module}.{name}")
        if known is not None:
            return known
        if module == "torch._utils" and name.startswith("_rebuild_tensor"):
            return _shape
        if module == "torch._utils" and name.startswith("_rebuild_parameter"):
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
