"""Finished blocks of a run, kept in its folder until it is completed: `run --resume` takes them over.

One .npz per write, numbered in the order of writing; the checksums of a zip file tell a damaged one.

Shape suffixes: S sequences, D width.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import StoreError
from vp_tui.core.events import Arm
from vp_tui.core.files import DAMAGED, replacing

PATTERN: Final = "kept-*.npz"
_ABOUT: Final = "about"
_COLUMNS: Final = ("rows_S", "pack_of_S", "embeddings_SD", "nan_S", "inf_S")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBlock:
    index: int
    rows_S: np.ndarray
    """Sequences of the run, int64."""
    pack_of_S: np.ndarray
    """Packed batch of the block (0, 1, ...) each was in."""
    embeddings_SD: np.ndarray
    """float32."""
    nan_S: np.ndarray
    inf_S: np.ndarray
    encode_s: float
    wall_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptStretch:
    """Blocks that one arm encoded without a pause."""

    arm: Arm
    blocks: tuple[KeptBlock, ...]


def files(folder: Path) -> list[Path]:
    """Return the files in the order in which they were written."""
    return sorted(folder.glob(PATTERN))


def write(folder: Path, facts: Mapping[str, Any], stretches: Sequence[KeptStretch]) -> None:
    """Write at least one stretch with `facts` (JSON types) to a new file.

    Raises:
        OSError: it cannot be written.
    """
    blocks = [block for stretch in stretches for block in stretch.blocks]
    about = {"facts": dict(facts), "stretches": [[stretch.arm, _times(stretch)] for stretch in stretches]}
    columns = {name: np.concatenate([getattr(block, name) for block in blocks]) for name in _COLUMNS}
    before = files(folder)
    number = int(before[-1].stem.partition("-")[2]) + 1 if before else 0
    with replacing(folder / PATTERN.replace("*", f"{number:06d}")) as temporary, temporary.open("wb") as file:
        np.savez(file, allow_pickle=False, **{_ABOUT: np.array(json.dumps(about))}, **columns)


def _times(stretch: KeptStretch) -> list[tuple[int, int, float, float]]:
    return [(block.index, len(block.rows_S), block.encode_s, block.wall_s) for block in stretch.blocks]


def facts_of(path: Path) -> Mapping[str, Any]:
    """Return the facts of a file.

    Raises:
        DAMAGED: it is damaged.
    """
    # opened here: NumPy leaves a damaged file open
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        facts: Mapping[str, Any] = json.loads(str(file[_ABOUT]))["facts"]
        return facts


def read(path: Path) -> tuple[KeptStretch, ...]:
    """Return the stretches of a file.

    Raises:
        DAMAGED: it is damaged.
    """
    # opened here: NumPy leaves a damaged file open
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        about = json.loads(str(file[_ABOUT]))
        columns = {name: file[name] for name in _COLUMNS}
    found, first = [], 0
    for arm, times in about["stretches"]:
        blocks = tuple(_blocks(columns, first, times))
        first += sum(len(block.rows_S) for block in blocks)
        found.append(KeptStretch(arm=arm, blocks=blocks))
    if any(len(column) != first for column in columns.values()):
        raise ValueError(f"it has not the {first} rows that its blocks need")
    return tuple(found)


def _blocks(columns: Mapping[str, np.ndarray], first: int, times: Sequence[Sequence[Any]]) -> Iterator[KeptBlock]:
    for index, num_rows, encode_s, wall_s in times:
        rows = {name: column[first : first + num_rows] for name, column in columns.items()}
        first += num_rows
        yield KeptBlock(index=index, encode_s=encode_s, wall_s=wall_s, **rows)


def first_facts(folder: Path) -> Mapping[str, Any] | None:
    """Return the facts of the run that is resumed; None if no run is, or no file can be read."""
    for path in files(folder):
        try:
            return facts_of(path)
        except DAMAGED:
            continue
    return None


def move(source: Path, target: Path) -> None:
    """Move all files of one run's folder to another's.

    Raises:
        StoreError: one cannot be moved.
    """
    try:
        for path in files(source):
            path.replace(target / path.name)
    except OSError as error:
        raise StoreError(f"cannot move the finished blocks from {source} to {target}: {error.strerror}") from error


def discard(folder: Path) -> None:
    for path in files(folder):
        path.unlink(missing_ok=True)
