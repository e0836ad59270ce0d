"""A sequence file as windows of bounded size, in input order.

A window ends after a number of sequences or of letters, whichever comes first, so that its borders depend on the file
and these two numbers only: every job of an array finds the same windows, and none needs to know how many there are.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.records import Cleaned, Records
from vp_tui.core.inputs.sequences import SequenceSet

PER_FILE: Final = 65_536
"""Sequences per window and file: 335 MB of embeddings of width 1,280, and half a minute of a GPU or more."""
LETTERS: Final = 1 << 26
"""Letters that end a window earlier: 65,536 sequences of 1,024."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Sequences that follow each other in the input."""

    index: int
    """0 for the first of the input."""
    ids: tuple[str, ...]
    """As in the file; `sequences` makes them unique."""
    residues: tuple[bytes, ...]
    input_sha256: str
    """SHA-256 of ids and letters of all sequences from the beginning of the input to the end of this window."""

    @property
    def sequences(self) -> SequenceSet:
        """Return them with ids that are unique within the window."""
        unique, renamed = sequences.unique(self.ids)
        return SequenceSet(ids=unique, residues=self.residues, renamed=renamed)


class Windows:
    """Iterable of the windows of a file; the counts are complete once it is exhausted."""

    def __init__(self, file: Path, per_file: int = PER_FILE, letters: int = LETTERS) -> None:
        self._file = file
        self._per_file, self._letters = per_file, letters
        self._records = Records(file)
        self._digest = hashlib.sha256()
        self.windows = 0
        self.sequences = 0

    @property
    def cleaned(self) -> Cleaned:
        """Return what reading left out."""
        return self._records.cleaned

    @property
    def input_sha256(self) -> str:
        """Return the SHA-256 of all ids and letters that were read."""
        return self._digest.hexdigest()

    def __iter__(self) -> Iterator[Window]:
        """Yield the windows.

        Raises InputError: as sequences.read, and a file whose size or time changes while it is read.
        """
        before = _state(self._file)
        ids: list[str] = []
        residues: list[bytes] = []
        letters = 0
        for name, sequence in sequences.checked(self._file, self._records):
            self._add(name, sequence)
            ids.append(name)
            residues.append(sequence)
            letters += len(sequence)
            if len(ids) == self._per_file or letters >= self._letters:
                yield self._window(ids, residues)
                ids, residues, letters = [], [], 0
        if ids:
            yield self._window(ids, residues)
        sequences.require_some(self._file, self.sequences, self._records)
        if _state(self._file) != before:
            raise InputError(f"{self._file} changed while it was read; embed it again when nothing writes into it")

    def _add(self, name: str, sequence: bytes) -> None:
        raw = name.encode()
        self._digest.update(b"%d %d\0%b%b" % (len(raw), len(sequence), raw, sequence))

    def _window(self, ids: list[str], residues: list[bytes]) -> Window:
        self.windows += 1
        self.sequences += len(ids)
        return Window(
            index=self.windows - 1, ids=tuple(ids), residues=tuple(residues), input_sha256=self._digest.hexdigest()
        )


def _state(file: Path) -> tuple[int, int] | None:
    """Return size and time of change; None for a file that is not there, which reading it reports."""
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_size, about.st_mtime_ns
