"""The end of a run's log: read by offset, so that each look costs what is new, however long the file is.

A log may hold anything: bytes that are no text, escape sequences, progress bars that write over their line, lines of a
megabyte. What is kept of it is text that can be shown. A file that was cut or replaced is read from its start again.
"""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from vp_tui.core import text as fmt

NAME = "run.log"
MOST_LINES = 2_000
TAIL_BYTES = 4 << 20
"""No more than this is turned into lines at a time; what lies before it is counted only."""
MOST_CHARS = 1_000
_CHUNK = 1 << 20
_MARK = 64
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """What is known of a log after a look at it."""

    path: Path
    lines: tuple[str, ...] = ()
    """The last ones, the last of all perhaps unfinished."""
    num_lines: int = 0
    """Lines in the whole file."""
    size: int = 0
    """Bytes in the whole file."""
    trouble: str | None = None
    """Why there is nothing to read, in words."""
    offset: int = 0
    """Where the first unfinished line begins, or, of a very long one, what is kept of it."""
    mark: bytes = b""
    """The bytes before the offset; others there mean another file."""
    inode: int = 0


def read_tail(folder: Path, known: LogTail | None = None) -> LogTail:
    """The end of the log in a run's folder; `known` is the answer before, of which the old lines are kept."""
    path = folder / NAME
    if known is None or known.path != path:
        known = LogTail(path=path)
    try:
        with path.open("rb") as file:
            return _read(file, known)
    except FileNotFoundError:
        words = "it has written nothing yet" if folder.is_dir() else "its folder is gone, or not made yet"
        return LogTail(path=path, trouble=f"no {NAME}: {words}: {path}")
    except OSError as error:
        return LogTail(path=path, trouble=f"cannot read {path}: {error.strerror}")


def _read(file: BinaryIO, known: LogTail) -> LogTail:
    size, inode = _facts(file)
    if known.trouble is None and (inode, size) == (known.inode, known.size) and _is_same(file, known):
        return known
    if inode != known.inode or size < known.size or not _is_same(file, known):
        known = LogTail(path=known.path)
    begin = max(known.offset, size - TAIL_BYTES)
    skipped = _count_lines(file, known.offset, begin)
    file.seek(begin)
    data = file.read(size - begin)
    *whole, rest = data.split(b"\n")
    # whole lines were left out: what was known is no neighbour any more, and the first piece is half a line
    kept = known.lines[: len(known.lines) - _unfinished(known)] if not skipped else ()
    new = [_text(raw) for raw in (whole[1:] if skipped else whole)[-MOST_LINES:]]
    last = [_text(rest)] if rest else []
    num_whole = known.num_lines - _unfinished(known) + skipped + len(whole)
    end = begin + len(data)
    offset = end - len(rest)
    return replace(
        known,
        lines=(*kept, *new, *last)[-MOST_LINES:],
        num_lines=num_whole + len(last),
        size=end,
        trouble=None,
        offset=offset,
        mark=_before(file, offset),
        inode=inode,
    )


def _facts(file: BinaryIO) -> tuple[int, int]:
    facts = os.fstat(file.fileno())
    return facts.st_size, facts.st_ino


def _unfinished(known: LogTail) -> int:
    """1 where the last line has no end yet: it is read again."""
    return 1 if known.size > known.offset else 0


def _is_same(file: BinaryIO, known: LogTail) -> bool:
    return _before(file, known.offset) == known.mark


def _before(file: BinaryIO, offset: int) -> bytes:
    file.seek(max(0, offset - _MARK))
    return file.read(min(offset, _MARK))


def _count_lines(file: BinaryIO, begin: int, end: int) -> int:
    file.seek(begin)
    found = 0
    while (left := end - file.tell()) > 0 and (chunk := file.read(min(left, _CHUNK))):
        found += chunk.count(b"\n")
    return found


def _text(raw: bytes) -> str:
    """One line as it can be shown: of what was written over, the last; of a long one, its beginning."""
    # a progress bar goes back to the start of its line
    last = raw.rstrip(b"\r").rpartition(b"\r")[2]
    shown = _ESCAPES.sub(b"", last[: 4 * MOST_CHARS]).decode("utf-8", "replace")
    text = fmt.safe(shown.expandtabs(4))
    if len(last) <= 4 * MOST_CHARS and len(text) <= MOST_CHARS:
        return text
    return f"{text[:MOST_CHARS]} .. ({fmt.short(len(last))} bytes in this line)"
