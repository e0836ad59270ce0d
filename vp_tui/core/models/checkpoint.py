"""The weight files of a folder as named tensors, independent of container and key names.

Containers: model.safetensors or pytorch_model.bin, in one file or sharded with an index.json.
Dialects: each kind of model has the roots of its names, tensors that are ignored, and perhaps some that are kept aside;
tensor_names finds the prefix. LayerNorms have weight/bias or, in old files, gamma/beta. Canonical names have no prefix
and weight/bias.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from vp_tui.core import text as fmt
from vp_tui.core.errors import ModelError, first_line
from vp_tui.core.files import read_json
from vp_tui.core.inputs import fair_esm, tensor_names, weight_header
from vp_tui.core.models import torch_file

_LEGACY: Final = ((".gamma", ".weight"), (".beta", ".bias"))
_FLOATS: Final = frozenset({"F64", "F32", "F16", "BF16", "float64", "float32", "float16", "bfloat16"})
_SUFFIXES: Final = (".safetensors", ".bin", ".pt", ".pth", ".ckpt")
_OWN: Final = frozenset({"contact_head", "pooler"})
"""Parts of the bare model classes of transformers; embeddings never use them."""
_NO_WEIGHTS: Final = re.compile(r"(training_args|optimizer|scheduler|scaler|rng_state|adapter_|.*contact-regression)")
"""Files that training writes next to the weights."""
_FOREIGN: Final = (".h5", ".msgpack", ".onnx", ".gguf", ".ot")
_NAMED: Final = 3
"""Tensors listed in an error; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Names of tensors in the files of one kind of model."""

    model: str
    """Name of the kind in errors."""
    roots: frozenset[str]
    """First parts of the encoder's names, which tell it from a head where it has no prefix; empty: all is encoder."""
    ignored: re.Pattern[str]
    """Names, without prefix, of tensors that embeddings do not need."""
    aside: re.Pattern[str] | None = None
    """Names, without prefix, of tensors that are not parameters; kept in OpenCheckpoint.aside."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file, not yet read."""

    shape: tuple[int, ...]
    dtype: str
    """As safetensors names it (F32), or torch (float32)."""
    read: Callable[[], Tensor]


class OpenCheckpoint:
    """Tensors by canonical name; `aside` has those the dialect keeps apart, `unused` the heads, by the file's names."""

    def __init__(self, folder: Path, stored: Mapping[str, Stored], dialect: Dialect) -> None:
        """Sort the tensors. Raises ModelError: two encoders, or a tensor under two names."""
        self.folder = folder
        self.dialect = dialect
        self.tensors: dict[str, Stored] = {}
        self.aside: dict[str, Stored] = {}
        self.unused: list[str] = []
        self.prefix = self._found_prefix(stored) if dialect.roots else ""
        for key, tensor in stored.items():
            self._add(key, tensor)

    def _found_prefix(self, stored: Mapping[str, Stored]) -> str:
        found = tensor_names.prefixes_of(stored)
        if len(found) > 1:
            raise ModelError(
                f"{self.folder} has {len(found)} encoders, under {', '.join(map(repr, found))}; save the one to be "
                "validated alone, by its own save_pretrained"
            )
        return found[0] if found else ""

    def _add(self, key: str, tensor: Stored) -> None:
        name = key.removeprefix(self.prefix)
        is_inside = key.startswith(self.prefix) and (
            bool(self.prefix) or not self.dialect.roots or name.partition(".")[0] in self.dialect.roots
        )
        if not is_inside or self.dialect.ignored.match(name):
            self.unused.append(name if is_inside else key)
            return
        if self.dialect.aside is not None and self.dialect.aside.fullmatch(name):
            self.aside[name] = tensor
            return
        name = _modern(name)
        if name in self.tensors:
            raise ModelError(f"{self.folder} has {name} under two key names; keep one of them")
        self.tensors[name] = tensor

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the run record: heads that are not used, and an unusual prefix."""
        parent = self.prefix.rpartition(".")[0].rpartition(".")[0]
        tops = [name.removeprefix(f"{parent}.") for name in self.unused]
        notes = heads_note(name for name in tops if name.partition(".")[0] not in self.dialect.roots | _OWN)
        return (*notes, f"the encoder is under {self.prefix.removesuffix('.')!r} in the file") if parent else notes

    def require(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise ModelError unless the encoder's tensors are exactly those of `shapes`, in a floating-point format."""
        twice = [key for key in self.unused if any(tail in shapes for tail in _tails(_modern(key)))]
        if twice:
            raise ModelError(
                f"{self.folder} has {_modern(twice[0])} under two key names or outside its encoder "
                f"({self.prefix or 'no prefix'}); keep one of them"
            )
        require_floats(self.folder, self.tensors)
        missing = [name for name in shapes if name not in self.tensors]
        surplus = [name for name in self.tensors if name not in shapes]
        wrong = [
            f"{name} {list(self.tensors[name].shape)} instead of {list(shape)}"
            for name, shape in shapes.items()
            if name in self.tensors and self.tensors[name].shape != shape
        ]
        found = [
            first_names(missing, "missing"),
            first_names(surplus, f"unknown to {self.dialect.model}"),
            first_names(wrong, "with another shape"),
        ]
        if any(found):
            raise ModelError(
                f"{self.folder} does not match its config.json: {'; '.join(part for part in found if part)}; "
                f"{self._advice(missing, surplus)}"
            )

    def _advice(self, missing: list[str], surplus: list[str]) -> str:
        if tensor_names.has_lora([*surplus, *self.unused]):
            return tensor_names.UNMERGED
        if missing and not surplus and len(missing) < len(self.tensors):
            return "the file is incomplete: fetch the checkpoint again"
        if surplus and not missing:
            return "the encoder has parts that would change its output; give one without them, or its own model class"
        return f"give a complete {self.dialect.model} checkpoint and the config.json that belongs to it"

    def read(self, name: str) -> Tensor:
        """Return the tensor `name`, read from its file, on the CPU."""
        return self.tensors[name].read()


def heads_note(names: Iterable[str]) -> tuple[str, ...]:
    """Return a sentence that names the heads (first parts of the names) of unused tensors; none without any."""
    heads = sorted(Counter(name.partition(".")[0] for name in names).items())
    listed = ", ".join(f"{head} ({fmt.plural(count, 'tensor')})" for head, count in heads)
    return (f"not used, because embeddings come from the encoder: {listed}",) if heads else ()


def _modern(name: str) -> str:
    for old, new in _LEGACY:
        name = name.removesuffix(old) + new if name.endswith(old) else name
    return name


def _tails(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[i:]) for i in range(1, len(parts))]


def require_floats(folder: Path, tensors: Mapping[str, Stored]) -> None:
    """Raise ModelError if a tensor is stored in 8 bits or as integers, which quantized weights are."""
    found = [name for name, tensor in tensors.items() if tensor.dtype not in _FLOATS]
    if found:
        kinds = ", ".join(sorted({tensors[name].dtype for name in found}))
        raise ModelError(
            f"{folder} is quantized: {first_names(found, f'stored as {kinds}')}; FP16 and FP32 of such weights "
            "say nothing about the model they were made from: give the checkpoint before quantization"
        )


def first_names(names: list[str], what: str) -> str:
    """Return "N tensors WHAT: a, b, c and M more"; empty without names."""
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{fmt.plural(len(names), 'tensor')} {what}: {', '.join(names[:_NAMED])}{more}"


def weight_files(folder: Path) -> list[Path]:
    """Return the weight files of `folder` sorted by name, safetensors if there are any, else pickled ones.

    A folder without files under the usual names may have one file of weights under another.

    Raises ModelError: no weights, several candidates, or a missing shard.
    """
    for stem, suffix in (("model", ".safetensors"), ("pytorch_model", ".bin")):
        index = folder / f"{stem}{suffix}.index.json"
        if index.is_file():
            return _shards(index)
        if (folder / f"{stem}{suffix}").is_file():
            return [folder / f"{stem}{suffix}"]
    others = [
        path for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES and not _NO_WEIGHTS.match(path.name)
    ]
    if len(others) == 1:
        return others
    foreign = [path.name for path in sorted(folder.iterdir()) if path.suffix in _FOREIGN]
    found = f"it has {', '.join(path.name for path in others) or ', '.join(foreign)}" if others or foreign else ""
    raise ModelError(
        f"{folder} has no weights (model.safetensors or pytorch_model.bin, in one file or sharded)"
        f"{f': {found}' if found else ''}; "
        + (
            "leave one of them there"
            if others
            else "save it by PyTorch's save_pretrained, or fetch the checkpoint again"
        )
    )


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(read_json(index)["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is not a readable shard index ({error!r}); fetch the checkpoint again") from error
    if not all(isinstance(name, str) and Path(name).name == name and len(name) < 256 for name in names):
        raise ModelError(f"{index} names a shard that is no file of its folder; fetch the checkpoint again")
    paths = [index.parent / name for name in names]
    for path in paths:
        if not path.is_file():
            raise ModelError(f"shard {path.name} is missing in {index.parent}; fetch the checkpoint again")
    return paths


@contextmanager
def open_checkpoint(folder: Path, dialect: Dialect) -> Iterator[OpenCheckpoint]:
    """Open the checkpoint in `folder`, whose tensors are named as in `dialect`.

    Raises ModelError for a folder without weights or a file that is not a checkpoint.
    """
    with ExitStack() as stack:
        yield OpenCheckpoint(folder, open_stored(folder, stack), dialect)


def open_stored(folder: Path, stack: ExitStack) -> dict[str, Stored]:
    """Return the tensors of all weight files by their names there; `stack` closes the files.

    Raises ModelError for a folder without weights or a file that is not a checkpoint.
    """
    stored: dict[str, Stored] = {}
    for path in weight_files(folder):
        weight_header.check(path)
        try:
            opened = _open_safetensors(path, stack) if path.suffix == ".safetensors" else _open_bin(path)
        except (SafetensorError, OSError, RuntimeError, ValueError) as error:
            raise ModelError(f"{path} is not a readable checkpoint ({first_line(error)}); fetch it again") from error
        stored.update(opened)
    return stored


def _open_safetensors(path: Path, stack: ExitStack) -> dict[str, Stored]:
    file: Any = stack.enter_context(safe_open(path, framework="pt"))
    slices = {key: file.get_slice(key) for key in file.keys()}  # noqa: SIM118  (a safetensors file is not a mapping)
    return {
        key: Stored(tuple(found.get_shape()), found.get_dtype(), partial(file.get_tensor, key))
        for key, found in slices.items()
    }


def _open_bin(path: Path) -> dict[str, Stored]:
    content = torch_file.read(path, allowed=fair_esm.ALLOWED_CLASSES)
    return stored_tensors(content)


def stored_tensors(content: Any) -> dict[str, Stored]:
    """Return the tensors of the state dict in `content`, under transformers' names.

    Raises ValueError without a state dict, or if two tensors have one name.
    """
    state = tensor_names.state_dict_in(content, lambda value: isinstance(value, Tensor))
    if state is None:
        raise ValueError(f"it contains a {type(content).__name__} without a state dict")
    tensors = {str(key): value for key, value in state.items() if isinstance(value, Tensor)}
    names = fair_esm.canonical(tensors)
    return {
        names[key]: Stored(tuple(value.shape), str(value.dtype).removeprefix("torch."), partial(_given, value))
        for key, value in tensors.items()
    }


def _given(tensor: Tensor) -> Tensor:
    return tensor.detach()
