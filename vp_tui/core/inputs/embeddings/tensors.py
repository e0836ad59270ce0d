"""Reader of .safetensors: a tensor `embeddings` [S, D], and ids in the metadata, one a line."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings import table
from vp_tui.core.inputs.embeddings.table import EMBEDDINGS, ID_NAMES, ROWS, EmbeddingTable

_WHAT: Final = "a .safetensors file"
_LENGTH: Final = struct.Struct("<Q")
_MOST_HEADER: Final = 1 << 30
_STORED: Final = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_BF16_BITS: Final = 16


def open_safetensors(path: Path) -> EmbeddingTable:
    """Return the table of a .safetensors file; without ids in its metadata it has none. Raises InputError."""
    return table.readable(path, _WHAT, lambda: _opened(path))


def _opened(path: Path) -> EmbeddingTable:
    # the header is JSON: reading it here takes BF16 too, which safetensors does not give to numpy
    with path.open("rb") as stream:
        (size,) = _LENGTH.unpack(stream.read(_LENGTH.size))
        if size > _MOST_HEADER:
            raise ValueError(f"its header would take {size} bytes")
        header = json.loads(stream.read(size))
    base = _LENGTH.size + size
    metadata = header.pop("__metadata__", {})
    about = header.get(EMBEDDINGS)
    if about is None:
        raise InputError(f"{path} holds {', '.join(map(repr, header)) or 'nothing'}; a tensor 'embeddings' is needed")
    if about["dtype"] not in _STORED:
        raise InputError(f"{path}: embeddings holds {about['dtype']}, not floating-point numbers")
    text = next((metadata[name] for name in ID_NAMES if name in metadata), None)
    ids = None if text is None else table.names(text.split("\n"))
    shape = table.require_rows(path, about["shape"], None if ids is None else len(ids))
    begin, end = (base + offset for offset in about["data_offsets"])
    if path.stat().st_size < end:
        raise InputError(f"{path} is truncated: it ends before its embeddings do; copy or write it again")

    def pieces() -> Iterator[np.ndarray]:
        stored = np.dtype("<u2") if about["dtype"] == "BF16" else np.dtype(f"<f{int(about['dtype'][1:]) // 8}")
        values_SD = np.memmap(path, stored, "r", begin, shape)
        for first in range(0, shape[0], ROWS):
            yield _single(values_SD[first : first + ROWS])

    return EmbeddingTable(
        path=path,
        layout=_WHAT,
        ids=ids,
        shape=shape,
        stored=_STORED[about["dtype"]],
        pieces=table.guarded(path, _WHAT, pieces),
        lengths_S=_numbers(path, header.get("lengths"), base, shape[0]),
        hash_S=_numbers(path, header.get("hashes"), base, shape[0]),
        precision=metadata.get("precision"),
        alphabet=metadata.get("alphabet"),
    )


def _single(values_RD: np.ndarray) -> np.ndarray:
    if values_RD.dtype.kind == "u":
        return (values_RD.astype(np.uint32) << _BF16_BITS).view(np.float32)
    return values_RD.astype(np.float32)


def _numbers(path: Path, about: Any, base: int, num: int) -> np.ndarray | None:
    """Return what `vp-tui embed` added; a tensor that does not fit is not ours."""
    if about is None or about["dtype"] != "I64" or about["shape"] != [num]:
        return None
    return np.array(np.memmap(path, np.int64, "r", base + about["data_offsets"][0], (num,)))
