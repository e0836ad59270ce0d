"""Files that are there whole or not at all."""

import contextlib
import errno
import json
import os
import secrets
import shutil
import stat
import struct
import tempfile
import tokenize
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import UsageError

_SQLITE: Final = b"SQLite format 3\0"
MOST_TEXT: Final = 1 << 26
"""Bytes of a text that is read whole; a tokenizer.json has up to 20 MB."""
MOST_TOML: Final = 1 << 16
"""Bytes of a file of settings."""
_MOST_DOTS: Final = 100
"""Of a line of TOML: a key of n parts takes n * n memory."""
DAMAGED: Final[tuple[type[Exception], ...]] = (
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What readers of arrays, archives and JSON raise for damaged bytes, as fuzzing found: NumPy alone nine of them."""
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
        UsageError: the file is an SQLite database, most likely the store, or its folder does not exist.
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
    if not target.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {target.parent}; create it, or give another name")
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


def read_text(path: Path, most: int = MOST_TEXT) -> str:
    """Return the UTF-8 text of a regular file of at most `most` bytes: a pipe would hang, /dev/zero has no end.

    Raises:
        OSError: it cannot be read, is no regular file or is larger.
        ValueError: it is not UTF-8.
    """
    found = path.stat()
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe, not a file", str(path))
    if found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size} bytes, more than {most}", str(path))
    with path.open("rb") as file:
        return file.read(most).decode("utf-8")


def read_json(path: Path) -> Any:
    """Return the JSON of a file.

    Raises:
        OSError, ValueError: as `read_text`; not JSON, or nested too deeply.
    """
    try:
        return json.loads(read_text(path))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_toml(path: Path) -> dict[str, Any]:
    """Return the TOML of a file.

    Raises:
        OSError, ValueError: as `read_text`; not TOML, or nested too deeply.
    """
    text = read_text(path, MOST_TOML)
    if any(line.count(".") > _MOST_DOTS for line in text.splitlines()):
        raise ValueError("it is nested too deeply")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def size_of(path: Path) -> int | None:
    """Return the bytes of a file; None for one that is not there, or that cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def user_path(given: str | Path) -> Path:
    """Return a path as a user writes it; unlike Path.expanduser, an unknown ~user is a name like any other."""
    return Path(os.path.expanduser(given))
