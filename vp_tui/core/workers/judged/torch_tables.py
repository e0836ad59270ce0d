"""Reader of .pt files of embeddings: the layouts of VirNucPro, of its checkpoints, and of fair-esm's extract.

    {'proteins' | 'nucleotide' | 'ids': [ids], 'data': [tensor, ...] or tensor [S, D]}
    {'nucleotide': [ids], 'data': [{'label': id, 'mean_representation': [D numbers]}, ...]}
    {'sequence_ids': [ids], 'embeddings': tensor [S, D], 'metadata': ...}
    {'label': id, 'mean_representations': {layer: tensor [D]}}

Files are read by torch's weights-only loader: a class that tensors do not need is refused by name, nothing of it runs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vp_tui.core.errors import InputError
from vp_tui.core.inputs.embeddings import table
from vp_tui.core.inputs.embeddings.table import ROWS, EmbeddingTable
from vp_tui.core.inputs.records import printable
from vp_tui.core.models import torch_file

_WHAT: Final = "a .pt file of embeddings"
_IDS: Final = ("proteins", "nucleotide", "sequence_ids", "ids")
_DATA: Final = ("data", "embeddings")
_MEAN, _MEANS, _LABEL = "mean_representation", "mean_representations", "label"


def holds_embeddings(path: Path) -> bool:
    """Return True for a file of embeddings; False for one that may be a checkpoint, or that cannot be read."""
    try:
        found = torch_file.read(path)
    except ValueError:
        return False
    return isinstance(found, dict) and (_parts(found) is not None or _MEANS in found)


def open_pt(path: Path) -> EmbeddingTable:
    """Return the table of a .pt file; its tensors are memory-mapped, lists of numbers are not.

    Raises InputError: unreadable, a pickle of other classes (named), another layout, ids that do not fit.
    """
    try:
        found = torch_file.read(path)
    except ValueError as error:
        raise InputError(f"{path} cannot be read as {_WHAT}: {printable(str(error))}") from error
    return table.readable(path, _WHAT, lambda: _opened(path, *_layout(path, found)))


def _parts(found: dict[Any, Any]) -> tuple[Any, Any] | None:
    id_name = next((name for name in _IDS if name in found), None)
    data_name = next((name for name in _DATA if name in found), None)
    return None if id_name is None or data_name is None else (found[id_name], found[data_name])


def _layout(path: Path, found: Any) -> tuple[list[Any], Sequence[Any]]:
    """Return ids and rows; raises InputError for another layout."""
    if isinstance(found, dict) and _MEANS in found:
        layers = found[_MEANS]
        if len(layers) != 1:
            raise InputError(f"{path} has the means of {len(layers)} layers; keep the one to judge")
        return [found.get(_LABEL, path.stem)], [*layers.values()]
    parts = _parts(found) if isinstance(found, dict) else None
    if parts is None:
        keys = ", ".join(map(repr, found)) if isinstance(found, dict) else type(found).__name__
        raise InputError(
            f"{path} holds {printable(keys)}; ids ({', '.join(_IDS)}) and embeddings ({', '.join(_DATA)}) are needed"
        )
    ids, rows = parts
    return list(ids), rows


def _opened(path: Path, ids: list[Any], rows: Sequence[Any]) -> EmbeddingTable:
    num = len(rows)
    first = _row(rows[0]) if num else np.empty(0, np.float32)
    shape = table.require_rows(path, (num, len(first)), len(ids))
    _require_own_labels(path, ids, rows)

    def pieces() -> Iterator[np.ndarray]:
        for start in range(0, num, ROWS):
            part = rows[start : start + ROWS]
            if isinstance(part, Tensor):
                yield _single(part)
                continue
            found = [_row(row) for row in part]
            for index, row_D in enumerate(found):
                if len(row_D) != shape[1]:
                    raise InputError(
                        f"{path}: embedding {start + index + 1} has {len(row_D)} numbers, the first has {shape[1]}"
                    )
            yield np.stack(found)

    return EmbeddingTable(
        path=path,
        layout=_WHAT,
        ids=table.names(ids),
        shape=shape,
        stored=_stored(rows),
        pieces=table.guarded(path, _WHAT, pieces),
    )


def _row(row: Any) -> np.ndarray:
    """One embedding: a tensor [D] or [1, D], numbers, or VirNucPro's record of a nucleotide sequence."""
    values = row[_MEAN] if isinstance(row, dict) else row
    found = _single(values) if isinstance(values, Tensor) else np.asarray(values, np.float32)
    return found.reshape(-1) if found.ndim == 2 and len(found) == 1 else found


def _single(values: Tensor) -> np.ndarray:
    # up-cast of a stored 16-bit embedding, exact
    found: np.ndarray = values.detach().to(torch.float32).numpy()
    return found


def _stored(rows: Sequence[Any]) -> str:
    first = rows[0][_MEAN] if isinstance(rows[0], dict) else rows[0]
    return str(first.dtype).removeprefix("torch.") if isinstance(first, Tensor) else "float64"


def _require_own_labels(path: Path, ids: Sequence[Any], rows: Sequence[Any]) -> None:
    """Raise InputError where a record's own label is another than the id in its place."""
    for name, row in zip(ids, rows, strict=True):
        if isinstance(row, dict) and row.get(_LABEL, name) != name:
            raise InputError(
                f"{path}: the list of ids has {printable(str(name))!r} where the record says "
                f"{printable(str(row[_LABEL]))!r}: ids and embeddings are shifted against each other"
            )
