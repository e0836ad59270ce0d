"""Readers of numpy's .npz and .npy: rows are read from the stream, nothing is unpickled.

`.npz` has `ids` and `embeddings`, as `vp-tui embed` writes it, compressed or not. `.npy` has no ids.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.lib import format as npy

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings import table
from vp_tui.core.inputs.embeddings.table import EMBEDDINGS, ID_NAMES, ROWS, EmbeddingTable

_NPZ, _NPY = "an .npz file", "an .npy file"
_SUFFIX: Final = ".npy"


def open_npz(path: Path) -> EmbeddingTable:
    """Return the table of an .npz file; raises InputError."""
    return table.readable(path, _NPZ, lambda: _npz(path))


def open_npy(path: Path) -> EmbeddingTable:
    """Return the table of an .npy file, without ids; raises InputError."""
    return table.readable(path, _NPY, lambda: _npy(path))


def _npz(path: Path) -> EmbeddingTable:
    with zipfile.ZipFile(path) as archive:
        members = [name.removesuffix(_SUFFIX) for name in archive.namelist()]
        id_name = next((name for name in ID_NAMES if name in members), None)
        if EMBEDDINGS not in members or id_name is None:
            raise InputError(
                f"{path} holds {', '.join(map(repr, members)) or 'nothing'}; the arrays 'embeddings' [S, D] and 'ids' "
                "[S] are needed"
            )
        ids = table.names(_whole(path, archive, id_name).tolist())
        with archive.open(EMBEDDINGS + _SUFFIX) as stream:
            shape, dtype = _header(path, stream)
        size = table.require_rows(path, shape, len(ids))
        lengths_S, hash_S = (_numbers(path, archive, members, name, len(ids)) for name in ("lengths", "hashes"))
        precision, alphabet = (
            str(_whole(path, archive, name)) if name in members else None for name in ("precision", "alphabet")
        )

    def pieces() -> Iterator[np.ndarray]:
        with zipfile.ZipFile(path) as archive, archive.open(EMBEDDINGS + _SUFFIX) as stream:
            _header(path, stream)
            yield from _rows(stream, size, dtype)
            # reading to the end checks the checksum of the archive
            stream.read(1)

    return EmbeddingTable(
        path=path,
        layout=_NPZ,
        ids=ids,
        shape=size,
        stored=dtype.name,
        pieces=table.guarded(path, _NPZ, pieces),
        lengths_S=lengths_S,
        hash_S=hash_S,
        precision=precision,
        alphabet=alphabet,
    )


def _npy(path: Path) -> EmbeddingTable:
    with path.open("rb") as stream:
        shape, dtype = _header(path, stream)
        size = table.require_rows(path, shape, None)
        missing = size[0] * size[1] * dtype.itemsize - (path.stat().st_size - stream.tell())
    if missing > 0:
        raise InputError(f"{path} is truncated: {missing} bytes are missing; copy or write it again")

    def pieces() -> Iterator[np.ndarray]:
        with path.open("rb") as stream:
            _header(path, stream)
            yield from _rows(stream, size, dtype)

    return EmbeddingTable(
        path=path,
        layout=_NPY,
        ids=None,
        shape=size,
        stored=dtype.name,
        pieces=table.guarded(path, _NPY, pieces),
    )


def _header(path: Path, stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and format of the embeddings; the stream is then at the first number."""
    version = npy.read_magic(stream)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, is_by_column, dtype = read(stream)
    table.require_float(path, EMBEDDINGS, dtype)
    if is_by_column:
        raise InputError(f"{path}: its embeddings are stored by column; save np.ascontiguousarray(embeddings)")
    return shape, dtype


def _rows(stream: IO[bytes], shape: tuple[int, int], dtype: np.dtype[Any]) -> Iterator[np.ndarray]:
    num, width = shape
    for first in range(0, num, ROWS):
        wanted = min(ROWS, num - first) * width * dtype.itemsize
        found = stream.read(wanted)
        if len(found) < wanted:
            raise EOFError(f"the embeddings end after {first} of {num} rows")
        yield np.frombuffer(found, dtype).reshape(-1, width).astype(np.float32)


def _whole(path: Path, archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Return a small array; one of Python objects is refused by its name."""
    with archive.open(name + _SUFFIX) as stream:
        try:
            found: np.ndarray = npy.read_array(stream, allow_pickle=False)
        except ValueError as error:
            if "Object arrays" in str(error):
                table.require_float(path, name, np.dtype(object))
            raise
    return found


def _numbers(path: Path, archive: zipfile.ZipFile, members: list[str], name: str, num: int) -> np.ndarray | None:
    """Return what `vp-tui embed` added; an array that does not fit is not ours."""
    if name not in members:
        return None
    found_S = _whole(path, archive, name)
    return found_S.astype(np.int64) if found_S.shape == (num,) and found_S.dtype.kind == "i" else None
