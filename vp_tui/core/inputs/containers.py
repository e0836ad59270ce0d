"""Plain, gzip, bzip2, xz and zstandard files as one stream of bytes; the format is known by its first bytes.

Only Python's own decoders are used (zstandard: compression.zstd, before Python 3.14 backports.zstd, which dnaio brings
with xopen). gzip is decoded here, because Python's GzipFile refuses a file with bytes after the last member, which
gunzip reads with a warning.
"""

import bz2
import importlib
import io
import lzma
import zlib
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import InputError

GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTANDARD: Final = b"\x28\xb5\x2f\xfd"
_ZSTANDARD_MODULES: Final = ("compression.zstd", "backports.zstd")
_LONGEST: Final = 6
_CHUNK: Final = 1 << 18
_ZLIB_GZIP: Final = 16 + zlib.MAX_WBITS
"""zlib reads one gzip member and checks its sum."""


class GzipStream(io.RawIOBase):
    """All members of a gzip file; bytes after the last are counted in `trailing`, not an error."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._decoder: zlib._Decompress | None = None
        self._input = b""
        self._ready = memoryview(b"")
        self._size = path.stat().st_size
        self.trailing = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]  # any writable buffer
        """Fill `buffer` and return the number of bytes; 0 at the end.

        Raises EOFError for a truncated file and zlib.error for a corrupt one.
        """
        while not self._ready and self._decode():
            pass
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count

    def _decode(self) -> bool:
        """Decode the next piece; return False at the end."""
        self._input = self._input or self._file.read(_CHUNK)
        if self._decoder is None:
            return self._next_member()
        if not self._input:
            raise EOFError("the gzip file ends before its end mark: it is truncated, fetch it again")
        self._ready = memoryview(self._decoder.decompress(self._input))
        self._input = self._decoder.unused_data
        if self._decoder.eof:
            self._decoder = None
        return True

    def _next_member(self) -> bool:
        """Begin the next member after padding with zeros; return False if there is none."""
        while self._input and not self._input.strip(b"\0"):
            self._input = self._file.read(_CHUNK)
        self._input = self._input.lstrip(b"\0")
        if not self._input:
            return False
        self._input += self._file.read(1)
        if not self._input.startswith(GZIP):
            self.trailing = self._size - self._file.tell() + len(self._input)
            return False
        self._decoder = zlib.decompressobj(_ZLIB_GZIP)
        return True


def buffered(raw: Any) -> io.BufferedReader:
    """Return a raw or compressed stream with a buffer and peek."""
    return io.BufferedReader(raw, _CHUNK)


def open_stream(path: Path) -> tuple[io.BufferedReader, GzipStream | None]:
    """Return the decoded content of `path`, and the gzip stream below it if it is one.

    Raises OSError as Path.open, InputError for a format that cannot be decoded here.
    """
    with path.open("rb") as file:
        magic = file.read(_LONGEST)
    if magic.startswith(GZIP):
        stream = GzipStream(path)
        return buffered(stream), stream
    if magic.startswith(_BZIP2):
        return buffered(bz2.open(path, "rb")), None
    if magic.startswith(_XZ):
        return buffered(lzma.open(path, "rb")), None
    if magic.startswith(_ZSTANDARD):
        return buffered(_zstandard(path)), None
    return path.open("rb"), None


def _zstandard(path: Path) -> Any:
    for name in _ZSTANDARD_MODULES:
        try:
            return importlib.import_module(name).open(path, "rb")
        except ImportError:
            continue
    raise InputError(f"{path} is compressed by zstandard, which needs `pip install backports.zstd`; or unzstd it first")


def undecodable() -> tuple[type[Exception], ...]:
    """Return the errors of all decoders for a corrupt file, besides OSError."""
    found: list[type[Exception]] = [EOFError, zlib.error, lzma.LZMAError]
    for name in _ZSTANDARD_MODULES:
        try:
            found.append(importlib.import_module(name).ZstdError)
        except ImportError:
            continue
    return tuple(found)
