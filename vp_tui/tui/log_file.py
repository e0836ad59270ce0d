"""End of a run's log, read by offset: each read costs only what is new, however long the file is.

A log may contain anything: invalid text, escape sequences, progress bars that overwrite their line, very long lines.
Only printable text is kept. A truncated or replaced file is read from its start again.
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
"""Bytes split into lines per read; lines before them are only counted."""
MOST_CHARS = 1_000
_CHUNK = 1 << 20
_MARK = 64
_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTail:
    """State of a log after a read."""

    path: Path
    lines: tuple[str, ...] = ()
    """The last lines; the very last one may be unfinished."""
    num_lines: int = 0
    """Lines in the whole file."""
    size: int = 0
    """Bytes in the whole file."""
    trouble: str | None = None
    """Why nothing could be read."""
    offset: int = 0
    """Start of the unfinished line, or of the part of a very long one that is kept."""
    mark: bytes = b""
    """The bytes before the offset; a change means another file."""
    inode: int = 0


def read_tail(folder: Path, known: LogTail | None = None) -> LogTail:
    """Return the end of the log in a run's folder; `known` is the previous result, whose lines are kept."""
    path = folder / NAME
    if known is None or known.path != path:
        known = LogTail(path=path)
    try:
        with path.open("rb") as file:
            return _read(file, known)
    except FileNotFoundError:
        words = "nothing written yet" if folder.is_dir() else "the folder of the run does not exist"
        return LogTail(path=path, trouble=f"no {NAME}: {words}: {path}")
    except OSError as error:
        return LogTail(path=path, trouble=f"cannot read {path}: {error.strerror}")


def _read(file: BinaryIO, known: LogTail) -> LogTail:
    facts = os.fstat(file.fileno())
    size, inode = facts.st_size, facts.st_ino
    is_same = _before(file, known.offset) == known.mark
    if known.trouble is None and (inode, size) == (known.inode, known.size) and is_same:
        return known
    if inode != known.inode or size < known.size or not is_same:
        known = LogTail(path=known.path)
    begin = max(known.offset, size - TAIL_BYTES)
    skipped = _count_lines(file, known.offset, begin)
    file.seek(begin)
    data = file.read(size - begin)
    *whole, rest = data.split(b"\n")
    # after skipped lines the known ones are not adjacent any more, and the first piece is a partial line
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


def _unfinished(known: LogTail) -> int:
    """Return 1 if the last line has no end yet: it is read again."""
    return 1 if known.size > known.offset else 0


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
    """Return one line as printable text: the last state of an overwritten one, the start of a long one."""
    # a progress bar returns to the start of its line
    last = raw.rstrip(b"\r").rpartition(b"\r")[2]
    shown = _ESCAPES.sub(b"", last[: 4 * MOST_CHARS]).decode("utf-8", "replace")
    text = fmt.safe(shown.expandtabs(4))
    if len(last) <= 4 * MOST_CHARS and len(text) <= MOST_CHARS:
        return text
    return f"{text[:MOST_CHARS]} .. ({fmt.short(len(last))} bytes in this line)"
