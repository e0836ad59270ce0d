"""Files that are there whole or not at all."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def part_of(path: Path) -> Path:
    """The hidden name beside `path` that this process writes it under."""
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def parts(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file in `folder` and below that has such a name, and the pid of the process that writes it, or did."""
    for path in sorted(folder.rglob(".*.part")):
        pid = path.name.split(".")[-2]
        if pid.isdecimal():
            yield path, int(pid)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside `path` that takes its place when the block ends well, and vanishes when not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = part_of(path)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
