"""Files of embeddings that are written once and whole: Parquet, or HDF5 in VirNucPro's layout.

The same rows give the same bytes: no time and no name of a machine is written. pyarrow and h5py are the extra `files`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from vp_tui.core.inputs.embeddings.extra import require
from vp_tui.core.inputs.embeddings.table import EMBEDDINGS

ROW_GROUP: Final = 8192
"""Rows of Parquet that are written and can be read together: 42 MB of width 1,280."""
STORED: Final[Mapping[str, type[np.floating]]] = MappingProxyType({"fp32": np.float32, "fp16": np.float16})
"""Values of --store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """The sequences of a file, in input order."""

    ids: tuple[str, ...]
    lengths_S: np.ndarray
    """Letters, int64."""
    hash_S: np.ndarray
    """Content hash of each sequence, int64."""
    embeddings_SD: np.ndarray
    """In the stored number format."""
    precision: str
    alphabet: str


def write_parquet(path: Path, rows: Rows) -> None:
    """Write the columns id, length, hash and embedding (a list of fixed size).

    Raises UsageError: pyarrow is not installed. OSError: the disk.
    """
    pyarrow, parquet = require("pyarrow", path), require("pyarrow.parquet", path)
    count, width = rows.embeddings_SD.shape
    numbers = pyarrow.array(np.ascontiguousarray(rows.embeddings_SD).reshape(-1))
    columns = {
        "id": pyarrow.array(rows.ids, pyarrow.string()),
        "length": pyarrow.array(rows.lengths_S),
        "hash": pyarrow.array(rows.hash_S),
        "embedding": pyarrow.FixedSizeListArray.from_arrays(numbers, width),
    }
    table = pyarrow.table(columns, metadata={"precision": rows.precision, "alphabet": rows.alphabet})
    # numbers of embeddings do not become smaller
    compression = {"id": "zstd", "length": "zstd", "hash": "none", "embedding.list.element": "none"}
    parquet.write_table(
        table, path, row_group_size=min(ROW_GROUP, count), compression=compression, use_dictionary=False,
        write_statistics=["id", "length"],
    )  # fmt: skip


def write_hdf5(path: Path, rows: Rows) -> None:
    """Write VirNucPro's datasets `embeddings` [S, D] and `sequence_ids` [S], and beside them lengths and hashes.

    Raises UsageError: h5py is not installed. OSError: the disk.
    """
    h5py = require("h5py", path)
    # made in memory: HDF5 ends the process where the disk fills under it
    with h5py.File(path, "w", driver="core", backing_store=False) as file:
        file.attrs["precision"], file.attrs["alphabet"] = rows.precision, rows.alphabet
        file.create_dataset(EMBEDDINGS, data=rows.embeddings_SD)
        file.create_dataset("sequence_ids", data=np.array(rows.ids, object), dtype=h5py.string_dtype())
        file.create_dataset("lengths", data=rows.lengths_S)
        file.create_dataset("hashes", data=rows.hash_S)
        file.flush()
        image = file.id.get_file_image()
    path.write_bytes(image)


@dataclass(frozen=True, slots=True)
class Format:
    """One value of --format."""

    suffix: str
    package: str
    """What writes it."""
    write: Callable[[Path, Rows], None]


FORMATS: Final[Mapping[str, Format]] = MappingProxyType(
    {"parquet": Format(".parquet", "pyarrow", write_parquet), "hdf5": Format(".h5", "h5py", write_hdf5)}
)
