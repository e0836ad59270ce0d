"""Records of FASTA and FASTQ files as people have them, and counts of what was left out on the way.

Removed: byte order mark, blank lines, `;` and `#` lines, and blanks, tabs and control characters inside sequences
(groups of ten, as GenBank and UniProt print them), which would become unknown residues. Records without a sequence are
left out. FASTQ is read by dnaio; FASTA is read here, because dnaio refuses headers outside ASCII and byte order marks,
reads `;` lines as residues, and decides by the file's ending. All is decided by content.
"""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import dnaio
from dnaio.readers import FastqReader

from vp_tui.core.errors import InputError
from vp_tui.core.inputs import containers

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\udc80-\udcff]")
_DROPPED: Final = bytes(range(33)) + b"\x7f"
"""ASCII whitespace and control characters (such as DOS's end mark ^Z)."""
_BOM: Final = b"\xef\xbb\xbf"
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_PEEK: Final = 1 << 16
_COMMENTS: Final = (";", "#")
_NON_ASCII_TO_MARK: Final = bytes(range(128)) + b"?" * 128


def printable(text: str) -> str:
    """Return `text` with every control character (C0, DEL, C1) and undecodable byte replaced by '?'."""
    return _CONTROL.sub("?", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Counts of what reading a file left out or changed."""

    blanks: int = 0
    """Blanks, tabs and control characters inside sequences."""
    comments: int = 0
    """Lines that begin with ;."""
    empty: int = 0
    """Records without a sequence."""
    first_empty: str = ""
    headers: int = 0
    """Ids with bytes that are not UTF-8 (FASTQ: not ASCII), which became '?'."""
    trailing: int = 0
    """Bytes after the end of the gzip data."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each kind of change."""
        found = (
            (self.blanks, f"{self.blanks} blanks, tabs or control characters inside sequences were removed"),
            (self.comments, f"{self.comments} comment lines (;) were left out"),
            (self.empty, f"{self.empty} records without a sequence were left out, the first is {self.first_empty!r}"),
            (self.headers, f"{self.headers} ids have characters in an unknown encoding, which were replaced by ?"),
            (self.trailing, f"{self.trailing} bytes after the end of the gzip data were not read"),
        )
        return tuple(text for count, text in found if count)


class Records:
    """Iterable of (id, sequence) of a file; `cleaned` has the counts once it is exhausted."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.cleaned = Cleaned()

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield id (printable) and sequence of every record that has a sequence.

        Raises InputError for a file that is neither format, OSError and the errors of decoders and dnaio as they are.
        """
        stream, gzip = containers.open_stream(self.file)
        with stream:
            yield from self._kept(self._found(_without_mark(self.file, stream)))
            if gzip is not None:
                self._count(trailing=gzip.trailing)

    def _found(self, stream: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
        first = _skip_blanks(stream)
        if first == b"@":
            return self._fastq(stream)
        if first in {b">", b";", b"#", b""}:
            return self._fasta(stream)
        raise InputError(f"{self.file} cannot be read as FASTA or FASTQ: it begins with {_named(stream)}")

    def _kept(self, found: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
        for name, raw in found:
            sequence = raw.translate(None, _DROPPED)
            if len(sequence) != len(raw):
                self._count(blanks=len(raw) - len(sequence))
            if sequence:
                yield name, sequence
            else:
                self._count(empty=1)
                if self.cleaned.empty == 1:
                    self.cleaned = replace(self.cleaned, first_empty=name)

    def _count(self, **more: int) -> None:
        if not any(more.values()):
            return
        self.cleaned = replace(self.cleaned, **{key: getattr(self.cleaned, key) + n for key, n in more.items()})

    def _fasta(self, stream: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
        name: str | None = None
        parts: list[str] = []
        # newline=None reads CR, LF and CRLF
        with io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline=None) as text:
            for number, line in enumerate(text, start=1):
                if line.startswith(">"):
                    if name is not None:
                        yield name, self._letters(name, parts)
                    name, parts = self._id(line[1:]), []
                elif line.startswith(_COMMENTS):
                    self._count(comments=line[0] == ";")
                elif name is not None:
                    parts.append(line.strip())
                elif line.strip():
                    raise InputError(f"{self.file} cannot be read as FASTA: line {number} is not a header like >name")
        if name is not None:
            yield name, self._letters(name, parts)

    def _letters(self, name: str, parts: list[str]) -> bytes:
        text = "".join(parts)
        if not text.isascii():
            # pasted text has no-break spaces and zero-width characters
            plain = re.sub(r"[\s\u200b-\u200d\u2060\ufeff]", "", text)
            self._count(blanks=len(text) - len(plain))
            if not plain.isascii():
                letter = next(letter for letter in plain if not letter.isascii())
                raise InputError(
                    f"{self.file} cannot be read as FASTA or FASTQ: the sequence of {name!r} contains {letter!a}, "
                    "which is not a residue or base; remove it"
                )
            text = plain
        return text.encode("ascii")

    def _fastq(self, stream: io.BufferedReader) -> Iterator[tuple[str, bytes]]:
        # dnaio wants ASCII everywhere; only headers have other characters
        plain = _Ascii(stream)
        for record in FastqReader(containers.buffered(plain)):
            name = self._id(record.name)
            self._count(headers=plain.changed and "?" in name)
            yield name, record.sequence.encode("ascii")

    def _id(self, header: str) -> str:
        words = header.split(maxsplit=1)
        name = words[0] if words else ""
        if any("\udc80" <= letter <= "\udcff" for letter in name):
            self._count(headers=1)
        return printable(name)


class _Ascii(io.RawIOBase):
    """A stream whose bytes outside ASCII are '?'."""

    def __init__(self, stream: io.BufferedReader) -> None:
        super().__init__()
        self._stream = stream
        self.changed = False

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        """Fill `buffer`; return the number of bytes, 0 at the end."""
        found = self._stream.read1(len(buffer))
        if not found.isascii():
            found, self.changed = found.translate(_NON_ASCII_TO_MARK), True
        buffer[: len(found)] = found
        return len(found)


def _without_mark(file: Path, stream: io.BufferedReader) -> io.BufferedReader:
    start = stream.peek(len(_BOM))[: len(_BOM)]
    if start.startswith(_UTF_16):
        raise InputError(
            f"{file} cannot be read as FASTA or FASTQ: it is UTF-16 text, as Windows' shell writes it; convert it by "
            f"`iconv -f UTF-16 -t UTF-8`"
        )
    if start == _BOM:
        stream.read(len(_BOM))
    return stream


def _skip_blanks(stream: io.BufferedReader) -> bytes:
    """Skip leading whitespace; return the next byte without taking it, b"" at the end."""
    while found := stream.peek(_PEEK):
        rest = found.lstrip(b" \t\r\n\v\f")
        stream.read(len(found) - len(rest))
        if rest:
            return rest[:1]
    return b""


def _named(stream: io.BufferedReader) -> str:
    """Return the first characters, and what they are if known."""
    start = stream.peek(_PEEK)[:16]
    for magic, meaning in (
        (b"PK\x03\x04", "a zip archive; unzip it"),
        (b"<", "a web page or XML; fetch the sequences again"),
        (b"LOCUS", "GenBank's flat format; export FASTA"),
        (b"ID  ", "EMBL's or UniProt's flat format; export FASTA"),
        (b"BAM\x01", "a BAM file; use `samtools fasta`"),
    ):
        if start.startswith(magic):
            return meaning
    return f"{start.decode('ascii', 'backslashreplace')!r}, not with > or @"


UNREADABLE: Final[tuple[type[Exception], ...]] = (
    dnaio.FileFormatError,
    dnaio.UnknownFileFormat,
    UnicodeError,
    ValueError,
    *containers.undecodable(),
)
"""Errors for a file that is not what it says."""
