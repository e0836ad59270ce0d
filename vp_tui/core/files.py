"""Files that are there whole or not at all."""

import contextlib
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from vp_tui.core.errors import UsageError

_SQLITE: Final = b"SQLite format 3\0"
_SPECIAL: Final = ("/dev/", "/proc/")
_KEPT_NAME: Final = 100
"""Characters of a file's name in that of its part: a longer one would pass the limit of 255."""


def part_of(path: Path) -> Path:
    """Return a hidden name beside `path` that this process writes it under.

    Nobody can guess it: a link that was placed there in advance would make this process write into its target.
    """
    return path.with_name(f".{path.name[:_KEPT_NAME]}.{secrets.token_hex(8)}.{os.getpid()}.part")


def parts(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every file in `folder` and below that has such a name, and the pid of the process that writes it, or did.

    SQLite's journal beside a part that is a database is one too.
    """
    for path in sorted((*folder.rglob(".*.part"), *folder.rglob(".*.part-*"))):
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


@contextlib.contextmanager
def output(path: Path) -> Iterator[Path]:
    """As `replacing`, for a file that the user named: a link stays one, a device or a pipe is written into.

    Raises:
        UsageError: the file is an SQLite database, most likely the store.
    """
    if _is_special(path):
        with tempfile.TemporaryDirectory(prefix="vp-tui-") as folder:
            temporary = Path(folder) / (path.name or "output")
            yield temporary
            with temporary.open("rb") as made, path.open("ab") as opened:
                shutil.copyfileobj(made, opened)
        return
    target = path.resolve()
    if _is_database(target):
        raise UsageError(f"{path} is an SQLite database and is not overwritten; give another name")
    with replacing(target) as temporary:
        yield temporary


def _is_special(path: Path) -> bool:
    """Return True for a device, a pipe, and whatever has a name of /dev or /proc, as >(command) and /dev/stdout."""
    if str(path.absolute()).startswith(_SPECIAL):
        return True
    try:
        kind = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(kind) and not stat.S_ISDIR(kind)


def _is_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False
