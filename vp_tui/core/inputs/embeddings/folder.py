"""The reader of a path: by the ending of a file, or all files of one ending in a folder, one after the other."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings.arrays import open_npy, open_npz
from vp_tui.core.inputs.embeddings.hdf5 import open_hdf5
from vp_tui.core.inputs.embeddings.parquet import open_parquet
from vp_tui.core.inputs.embeddings.table import EmbeddingTable
from vp_tui.core.inputs.embeddings.tensors import open_safetensors

Opener = Callable[[Path], EmbeddingTable]
OPENERS: Final[Mapping[str, Opener]] = MappingProxyType(
    {
        ".npz": open_npz,
        ".npy": open_npy,
        ".safetensors": open_safetensors,
        ".h5": open_hdf5,
        ".hdf5": open_hdf5,
        ".parquet": open_parquet,
    }
)
"""Ending -> reader, without .pt, which needs torch (core.workers.judged)."""
TORCH_SUFFIXES: Final = (".pt", ".pth")
SUFFIXES: Final = (*OPENERS, *TORCH_SUFFIXES)


def open_table(path: Path, openers: Mapping[str, Opener] = OPENERS) -> EmbeddingTable:
    """Return the embeddings of a file, or of all files in a folder in natural order (shard_2 before shard_10).

    Raises InputError: missing, unknown ending, unreadable, files of different endings or widths.
    UsageError: a package of the extra `files` is missing.
    """
    if path.is_dir():
        return _joined(path, [_opener(one, openers)(one) for one in _parts(path)])
    if not path.exists():
        raise InputError(f"{path} does not exist; give a file or folder of embeddings ({', '.join(SUFFIXES)})")
    return _opener(path, openers)(path)


def _opener(path: Path, openers: Mapping[str, Opener]) -> Opener:
    found = openers.get(path.suffix.lower())
    if found is None:
        raise InputError(f"{path} has no known ending; files of embeddings end with {', '.join(SUFFIXES)}")
    return found


def _parts(folder: Path) -> list[Path]:
    files = [one for one in folder.iterdir() if one.suffix.lower() in SUFFIXES and not one.name.startswith(".")]
    endings = sorted({one.suffix.lower() for one in files})
    if len(endings) != 1:
        found = f"files of several endings ({', '.join(endings)})" if endings else "no file of embeddings"
        raise InputError(f"{folder} holds {found}; give a folder with files of one of {', '.join(SUFFIXES)}")
    return sorted(files, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _joined(folder: Path, parts: Sequence[EmbeddingTable]) -> EmbeddingTable:
    first = parts[0]
    for part in parts:
        if part.shape[1] != first.shape[1]:
            raise InputError(
                f"{part.path} has embeddings of {part.shape[1]} numbers, {first.path.name} of {first.shape[1]}: one "
                "folder holds one model's"
            )
        if (part.ids is None) != (first.ids is None):
            raise InputError(f"{part.path} and {first.path.name}: only one of them has ids")
    stored = dict.fromkeys(part.stored for part in parts)

    def pieces() -> Iterator[np.ndarray]:
        for part in parts:
            yield from part.pieces()

    return EmbeddingTable(
        path=folder,
        layout=f"{len(parts)} files, each {first.layout}",
        ids=None if first.ids is None else tuple(name for part in parts for name in part.ids or ()),
        shape=(sum(part.shape[0] for part in parts), first.shape[1]),
        stored=", ".join(stored),
        pieces=pieces,
        lengths_S=_all_of([part.lengths_S for part in parts]),
        hash_S=_all_of([part.hash_S for part in parts]),
        precision=first.precision if len({part.precision for part in parts}) == 1 else None,
        alphabet=first.alphabet if len({part.alphabet for part in parts}) == 1 else None,
    )


def _all_of(parts: Sequence[np.ndarray | None]) -> np.ndarray | None:
    found = [part for part in parts if part is not None]
    return np.concatenate(found) if len(found) == len(parts) else None
