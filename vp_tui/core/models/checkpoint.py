"""The weight files of a folder as named tensors, independent of container and key names.

Containers: model.safetensors or pytorch_model.bin, in one file or sharded with an index.json.
Dialects: each kind of model has an optional prefix, heads that are ignored, and perhaps tensors that are kept aside;
LayerNorms have weight/bias or, in old files, gamma/beta. Canonical names have no prefix and weight/bias.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open
from torch import Tensor

from vp_tui.core.errors import ModelError
from vp_tui.core.models import torch_file

_LEGACY: Final = ((".gamma", ".weight"), (".beta", ".bias"))
_NAMED: Final = 3
"""Tensors listed in an error; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """Names of tensors in the files of one kind of model."""

    model: str
    """Name of the kind in errors."""
    prefix: str
    """Prefix of every encoder tensor in some files."""
    ignored: re.Pattern[str]
    """Names, without prefix, of tensors that embeddings do not need."""
    aside: re.Pattern[str] | None = None
    """Names, without prefix, of tensors that are not parameters; kept in OpenCheckpoint.aside."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file, not yet read."""

    shape: tuple[int, ...]
    read: Callable[[], Tensor]


class OpenCheckpoint:
    """Tensors by canonical name; `aside` has those the dialect keeps apart, under the file's names."""

    def __init__(self, folder: Path, stored: Mapping[str, Stored], dialect: Dialect) -> None:
        self.folder = folder
        self.dialect = dialect
        self.tensors: dict[str, Stored] = {}
        self.aside: dict[str, Stored] = {}
        for key, tensor in stored.items():
            self._add(key, tensor)

    def _add(self, key: str, tensor: Stored) -> None:
        name = key.removeprefix(self.dialect.prefix)
        if self.dialect.ignored.match(name):
            return
        if self.dialect.aside is not None and self.dialect.aside.fullmatch(name):
            self.aside[name] = tensor
            return
        for old, new in _LEGACY:
            name = name.removesuffix(old) + new if name.endswith(old) else name
        if name in self.tensors:
            raise ModelError(f"{self.folder} has {name} under two key names; fetch the checkpoint again")
        self.tensors[name] = tensor

    def require(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Raise ModelError unless the tensors are exactly those of `shapes`."""
        missing = [name for name in shapes if name not in self.tensors]
        surplus = [name for name in self.tensors if name not in shapes]
        wrong = [
            f"{name} {list(self.tensors[name].shape)} instead of {list(shape)}"
            for name, shape in shapes.items()
            if name in self.tensors and self.tensors[name].shape != shape
        ]
        found = [
            _few(missing, "missing"),
            _few(surplus, f"unknown to {self.dialect.model}"),
            _few(wrong, "with another shape"),
        ]
        if any(found):
            raise ModelError(
                f"{self.folder} does not match its config.json: {'; '.join(part for part in found if part)}; "
                f"fetch the checkpoint again, or give a complete {self.dialect.model} checkpoint"
            )

    def read(self, name: str) -> Tensor:
        """Return the tensor `name`, read from its file, on the CPU."""
        return self.tensors[name].read()


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its class if it has no text."""
    return next(iter(str(error).splitlines()), type(error).__name__)


def _few(names: list[str], what: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{len(names)} tensors {what}: {', '.join(names[:_NAMED])}{more}"


def weight_files(folder: Path) -> list[Path]:
    """Return the weight files of `folder` sorted by name, safetensors if there are any, else pickled ones.

    Raises ModelError: no weights, or a missing shard.
    """
    for stem, suffix in (("model", ".safetensors"), ("pytorch_model", ".bin")):
        index = folder / f"{stem}{suffix}.index.json"
        if index.is_file():
            return _shards(index)
        if (folder / f"{stem}{suffix}").is_file():
            return [folder / f"{stem}{suffix}"]
    raise ModelError(
        f"{folder} has no weights (model.safetensors or pytorch_model.bin, in one file or sharded); "
        "fetch the checkpoint again"
    )


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} is not a readable shard index ({error!r}); fetch the checkpoint again") from error
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
    stored: dict[str, Stored] = {}
    with ExitStack() as stack:
        for path in weight_files(folder):
            try:
                opened = _open_safetensors(path, stack) if path.suffix == ".safetensors" else _open_bin(path)
            except (SafetensorError, OSError, RuntimeError, ValueError) as error:
                raise ModelError(
                    f"{path} is not a readable checkpoint ({first_line(error)}); fetch it again"
                ) from error
            stored.update(opened)
        yield OpenCheckpoint(folder, stored, dialect)


def _open_safetensors(path: Path, stack: ExitStack) -> dict[str, Stored]:
    file: Any = stack.enter_context(safe_open(path, framework="pt"))
    return {
        key: Stored(tuple(file.get_slice(key).get_shape()), partial(file.get_tensor, key))
        for key in file.keys()  # noqa: SIM118  (a safetensors file is not a mapping)
    }


def _open_bin(path: Path) -> dict[str, Stored]:
    state = torch_file.read(path)
    if not isinstance(state, dict):
        raise ValueError(f"it contains a {type(state).__name__}, not a state dict")
    return stored_tensors(state)


def stored_tensors(state: Mapping[str, Any]) -> dict[str, Stored]:
    """Return the tensors of a state dict; other values are left out."""
    return {
        key: Stored(tuple(value.shape), partial(_given, value))
        for key, value in state.items()
        if isinstance(value, Tensor)
    }


def _given(tensor: Tensor) -> Tensor:
    return tensor
