"""Reader of Parquet: a column of text with the ids, and a column of lists of numbers. pyarrow is the extra `files`.

Files of `vp-tui embed` have also lengths, content hashes, precision and alphabet.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings import table
from vp_tui.core.inputs.embeddings.extra import require
from vp_tui.core.inputs.embeddings.table import EMBEDDINGS, ID_NAMES, ROWS, EmbeddingTable

_WHAT: Final = "a Parquet file"


def open_parquet(path: Path) -> EmbeddingTable:
    """Return the table of a Parquet file.

    Raises InputError; UsageError: pyarrow is not installed.
    """
    parquet = require("pyarrow.parquet", path)
    return table.readable(path, _WHAT, lambda: _opened(parquet, path))


def _opened(parquet: Any, path: Path) -> EmbeddingTable:
    types = require("pyarrow.types", path)
    with parquet.ParquetFile(path) as file:
        fields = list(file.schema_arrow)
        texts = [one.name for one in fields if types.is_string(one.type) or types.is_large_string(one.type)]
        lists = [one for one in fields if _is_vector(types, one.type)]
        id_name = _one_of(path, "text, for the ids", texts, (*ID_NAMES, "id", "sequence_id"))
        vector = _one_of(path, "lists of numbers", [one.name for one in lists], (EMBEDDINGS, "embedding"))
        stored = {"halffloat": "float16", "float": "float32", "double": "float64"}[
            str(next(one for one in lists if one.name == vector).type.value_type)
        ]
        ids = table.names(file.read([id_name]).column(0).to_pylist())
        first = next(file.iter_batches(1, columns=[vector]), None)
        width = 0 if first is None or not len(first) else len(first.column(0)[0])
        shape = table.require_rows(path, (len(ids), width), len(ids))
        lengths_S, hash_S = (_whole_numbers(types, file, name) for name in ("length", "hash"))
        about = file.schema_arrow.metadata or {}

    def pieces() -> Iterator[np.ndarray]:
        with parquet.ParquetFile(path) as file:
            done = 0
            for batch in file.iter_batches(ROWS, columns=[vector]):
                yield _rows(path, batch.column(0), width, done)
                done += len(batch)

    return EmbeddingTable(
        path=path,
        layout=_WHAT,
        ids=ids,
        shape=shape,
        stored=stored,
        pieces=table.guarded(path, _WHAT, pieces),
        lengths_S=lengths_S,
        hash_S=hash_S,
        precision=_text(about, b"precision"),
        alphabet=_text(about, b"alphabet"),
    )


def _whole_numbers(types: Any, file: Any, name: str) -> np.ndarray | None:
    """Return a column as `vp-tui embed` writes it, int64 [S] without gaps; None where the file has no such one."""
    places = [one for one in file.schema_arrow if one.name == name and types.is_int64(one.type)]
    column = file.read([name]).column(0) if len(places) == 1 else None
    return None if column is None or column.null_count else np.asarray(column.to_numpy(), np.int64)


def _text(about: Any, name: bytes) -> str | None:
    return about[name].decode(errors="replace") if name in about else None


def _is_vector(types: Any, kind: Any) -> bool:
    is_list = types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
    return bool(is_list and types.is_floating(kind.value_type))


def _one_of(path: Path, what: str, found: Sequence[str], preferred: Sequence[str]) -> str:
    """Return the only column of its kind, or the one with a known name."""
    named = [name for name in preferred if name in found]
    if len(found) == 1 or named:
        return named[0] if named else found[0]
    told = ", ".join(map(repr, found)) or "none"
    raise InputError(f"{path}: one column of {what} is needed, found {told}; name it one of {', '.join(preferred)}")


def _rows(path: Path, column: Any, width: int, done: int) -> np.ndarray:
    sizes = [0 if one is None else len(one) for one in column]
    for row, size in enumerate(sizes):
        if size != width:
            raise InputError(f"{path}: embedding {done + row + 1} has {size} numbers, the first has {width}")
    return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float32).reshape(-1, width)
