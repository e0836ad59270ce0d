"""Reader of HDF5: `embeddings` [S, D] and `sequence_ids`. h5py is the extra `files`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings import table
from vp_tui.core.inputs.embeddings.extra import require
from vp_tui.core.inputs.embeddings.table import EMBEDDINGS, ID_NAMES, ROWS, EmbeddingTable

_WHAT: Final = "an HDF5 file"


def open_hdf5(path: Path) -> EmbeddingTable:
    """Return the table of an HDF5 file.

    Raises InputError; UsageError: h5py is not installed.
    """
    h5py = require("h5py", path)
    return table.readable(path, _WHAT, lambda: _opened(h5py, path))


def _opened(h5py: Any, path: Path) -> EmbeddingTable:
    with h5py.File(path, "r") as file:
        id_name = next((name for name in reversed(ID_NAMES) if name in file), None)
        if EMBEDDINGS not in file or id_name is None:
            raise InputError(
                f"{path} holds {', '.join(map(repr, file)) or 'nothing'}; the datasets 'embeddings' [S, D] and "
                "'sequence_ids' [S] are needed"
            )
        dtype = file[EMBEDDINGS].dtype
        table.require_float(path, EMBEDDINGS, dtype)
        ids = table.names(file[id_name][:])
        shape = table.require_rows(path, file[EMBEDDINGS].shape, len(ids))

    def pieces() -> Iterator[np.ndarray]:
        with h5py.File(path, "r") as file:
            for first in range(0, shape[0], ROWS):
                yield file[EMBEDDINGS][first : first + ROWS].astype(np.float32)

    return EmbeddingTable(
        path=path,
        layout=_WHAT,
        ids=ids,
        shape=shape,
        stored=dtype.name,
        pieces=table.guarded(path, _WHAT, pieces),
    )
