"""EmbeddingTable: ids and embeddings of a file or folder, read front to back in pieces, whatever its format.

Only the ids are held in memory; embeddings are read when asked for, so that a file may be larger than the memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from vp_tui.core.errors import InputError
from vp_tui.core.files import DAMAGED
from vp_tui.core.inputs.records import printable

ROWS: Final = 1024
"""Rows per piece: 10 MB of width 2,560."""
ID_NAMES: Final = ("ids", "sequence_ids")
"""Names under which files keep their ids."""
EMBEDDINGS: Final = "embeddings"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingTable:
    """Embeddings [S, D] of one file or folder."""

    path: Path
    layout: str
    """Format in words, for the record."""
    ids: tuple[str, ...] | None
    """None: the file has none, they are those of the FASTA file."""
    shape: tuple[int, int]
    """S, D."""
    stored: str
    """Number format in the file: float16, bfloat16, float32, float64."""
    pieces: Callable[[], Iterator[np.ndarray]]
    """Returns the embeddings in order, float32 [R, D] each."""
    lengths_S: np.ndarray | None = None
    """Residues or bases, int64; only in files of `vp-tui embed`."""
    hash_S: np.ndarray | None = None
    """fingerprint.sequence_hash, int64; likewise."""
    precision: str | None = None
    """Precision of the computation; likewise."""
    alphabet: str | None = None
    """protein or dna; likewise."""


def names(found: Iterable[Any]) -> tuple[str, ...]:
    """Return ids as printable text; bytes are read as UTF-8."""
    return tuple(printable(one.decode(errors="replace") if isinstance(one, bytes) else str(one)) for one in found)


def require_rows(path: Path, shape: Sequence[int], num_ids: int | None) -> tuple[int, int]:
    """Return S and D of a matrix.

    Raises InputError: no matrix, an empty one, or a number of ids that does not fit.
    """
    if len(shape) != 2 or 0 in shape:
        raise InputError(
            f"{path}: its embeddings have the shape {tuple(shape)}; one row per sequence is needed (pooled, not per "
            "residue)"
        )
    if num_ids is not None and num_ids != shape[0]:
        raise InputError(
            f"{path}: {num_ids} ids for {shape[0]} embeddings, so that nothing says which is whose; VirNucPro's merge "
            "leaves such files where an embedding was missing: write it again with an id per embedding"
        )
    return int(shape[0]), int(shape[1])


def require_float(path: Path, name: str, dtype: np.dtype[Any]) -> None:
    """Raise InputError for numbers that are no floats, and for Python objects (pickles), which are never loaded."""
    if dtype.hasobject:
        raise InputError(
            f"{path}: {name} is an array of Python objects, a pickle that could run any program; nothing was loaded. "
            "Save it as an array of numbers or text (dtype=np.float32, dtype=str)"
        )
    if dtype.kind != "f":
        raise InputError(f"{path}: {name} holds {dtype}, not floating-point numbers")


def readable(path: Path, what: str, step: Callable[[], _T]) -> _T:
    """Return step(); the errors of a damaged file become an InputError that says what was expected and what to do."""
    try:
        # a number beyond FP32's range becomes an infinity, which is counted as one
        with np.errstate(over="ignore", invalid="ignore"):
            return step()
    except InputError:
        raise
    except DAMAGED as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise InputError(
            f"{path} cannot be read as {what}: {printable(reason[0])}; if it is truncated, copy or write it again"
        ) from error


def guarded(path: Path, what: str, pieces: Callable[[], Iterator[np.ndarray]]) -> Callable[[], Iterator[np.ndarray]]:
    """Return `pieces` whose errors are those of `readable`."""

    def guarded_pieces() -> Iterator[np.ndarray]:
        found = pieces()
        while True:
            piece = readable(path, what, lambda: next(found, None))
            if piece is None:
                return
            yield piece

    return guarded_pieces
