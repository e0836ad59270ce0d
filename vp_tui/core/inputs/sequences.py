"""Sequences in: FASTA or FASTQ (plain or gzip) through dnaio, strata by length, a seeded stratified sample.

Headers come from strangers: control characters are replaced here, once, so that none can reach a
terminal, a file name or a row. Letters are kept as they are; mapping them to tokens is core.tokens.
"""

import gzip
import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import dnaio
import numpy as np

from vp_tui.core.config import STRATA, Stratum
from vp_tui.core.errors import InputError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_NUCLEOTIDES = b"ACGTUNacgtun"
NUCLEOTIDE_SHARE = 0.9
"""A set whose letters are A, C, G, T, U, N to this share is DNA or RNA; real proteins have about 0.27."""
_GZIP_MAGIC = b"\x1f\x8b"
_UNREADABLE = (
    dnaio.FileFormatError,
    dnaio.UnknownFileFormat,
    UnicodeDecodeError,
    EOFError,
    zlib.error,
    ValueError,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """Sequences in input order; `ids` are unique and printable."""

    ids: tuple[str, ...]
    residues: tuple[bytes, ...]
    renamed: int = 0
    """Records whose id had to be changed to make it unique."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths_S(self) -> np.ndarray:
        """Residues or bases per sequence, int64 [S]."""
        return np.fromiter(map(len, self.residues), np.int64, len(self.residues))

    def take(self, indices: Sequence[int]) -> "SequenceSet":
        """The sequences at `indices`, in that order."""
        return SequenceSet(
            ids=tuple(self.ids[i] for i in indices),
            residues=tuple(self.residues[i] for i in indices),
            renamed=self.renamed,
        )


def read(path: str | Path) -> SequenceSet:
    """Read a sequence file whole.

    Raises:
        InputError: missing, unreadable, not FASTA/FASTQ, no record, or a record without sequence.
    """
    file = Path(path).expanduser()
    ids: list[str] = []
    residues: list[bytes] = []
    for number, (name, letters) in enumerate(_records(file), start=1):
        if not letters:
            raise InputError(
                f"{file}: record {number} ({name!r}) has a header and no sequence; remove it or add its letters"
            )
        ids.append(name)
        residues.append(letters)
    if not ids:
        raise InputError(f"{file}: no sequence in the file; a FASTA record starts with a line like >name")
    unique, renamed = _unique(ids)
    return SequenceSet(ids=unique, residues=tuple(residues), renamed=renamed)


def _records(file: Path) -> Iterator[tuple[str, bytes]]:
    try:
        if not file.exists():
            raise InputError(f"no sequence file at {file}; give the path of a FASTA or FASTQ file")
        if not file.is_file():
            raise InputError(f"{file} is no file; give the path of a FASTA or FASTQ file")
        with dnaio.open(file, opener=_opened) as reader:
            for record in reader:
                name = record.name.split(maxsplit=1)[0] if record.name.strip() else ""
                yield printable(name), record.sequence.encode("ascii")
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from error
    except _UNREADABLE as error:
        raise InputError(f"{file} cannot be read as FASTA or FASTQ (plain or gzip): {printable(str(error))}") from error


def _opened(path: str, mode: str) -> BinaryIO:
    """Plain or gzip, by content. dnaio's own opener picks a decoder that is installed (isal, zlib-ng, zstd), and each
    has an error class of its own; Python's gzip costs 3 s per GB more and its errors are in _UNREADABLE.
    """
    with Path(path).open("rb") as file:
        is_gzip = file.read(len(_GZIP_MAGIC)) == _GZIP_MAGIC
    return gzip.open(path, "rb") if is_gzip else Path(path).open("rb")  # type: ignore[return-value]


def printable(text: str) -> str:
    """`text` with every control character (C0, DEL, C1) replaced by '?'."""
    return _CONTROL.sub("?", text)


def _unique(ids: list[str]) -> tuple[tuple[str, ...], int]:
    """Give a second `x` the name `x.2`, skipping names that are taken."""
    taken = set(ids)
    seen: Counter[str] = Counter()
    result = []
    for name in ids:
        seen[name] += 1
        fresh = name
        while seen[name] > 1 and fresh in taken:
            fresh = f"{name}.{seen[name]}"
            seen[name] += fresh in taken
        taken.add(fresh)
        result.append(fresh)
    return tuple(result), sum(a != b for a, b in zip(ids, result, strict=True))


def require_protein(sequences: SequenceSet) -> None:
    """Refuse nucleotides where proteins are needed.

    Raises:
        InputError: at least NUCLEOTIDE_SHARE of all letters are A, C, G, T, U or N.
    """
    share = _nucleotide_share(sequences)
    if share >= NUCLEOTIDE_SHARE:
        raise InputError(
            f"{100 * share:.0f} % of the letters are A, C, G, T, U or N: this is DNA or RNA, and the "
            "model reads proteins; translate the sequences first"
        )


def require_dna(sequences: SequenceSet) -> None:
    """Refuse proteins where nucleotides are needed.

    Raises:
        InputError: less than NUCLEOTIDE_SHARE of all letters are A, C, G, T, U or N.
    """
    share = _nucleotide_share(sequences)
    if share < NUCLEOTIDE_SHARE:
        raise InputError(
            f"only {100 * share:.0f} % of the letters are A, C, G, T, U or N: these are proteins, and the "
            "model reads DNA; give the nucleotide sequences they come from"
        )


def alphabet_of(sequences: SequenceSet) -> Literal["protein", "dna"]:
    """What the letters are: DNA (or RNA) when NUCLEOTIDE_SHARE of them are its own."""
    return "dna" if _nucleotide_share(sequences) >= NUCLEOTIDE_SHARE else "protein"


def _nucleotide_share(sequences: SequenceSet) -> float:
    total = sum(map(len, sequences.residues))
    others = sum(len(letters.translate(None, _NUCLEOTIDES)) for letters in sequences.residues)
    return (total - others) / total


def strata_of(lengths_S: np.ndarray, cuts: tuple[int, int]) -> np.ndarray:
    """Index into STRATA per sequence, int64 [S]: 0 up to cuts[0], 1 up to cuts[1], 2 above."""
    return np.searchsorted(np.asarray(cuts), lengths_S, side="left")


def stratified_sample(stratum_S: np.ndarray, sample: int, seed: int) -> np.ndarray:
    """Indices of at most `sample` sequences, rising, shared evenly between the strata.

    A stratum with fewer sequences than its share gives the rest to the others, so that the sample is as
    large as asked for whenever the input is. The same seed gives the same sample on every machine.
    """
    if sample >= len(stratum_S):
        return np.arange(len(stratum_S))
    available = np.bincount(stratum_S, minlength=len(STRATA))
    quotas = even_quotas(available, sample)
    generator = np.random.Generator(np.random.PCG64(seed))
    chosen = [
        generator.choice(np.flatnonzero(stratum_S == index), quota, replace=False) for index, quota in enumerate(quotas)
    ]
    return np.sort(np.concatenate(chosen))


def even_quotas(available: np.ndarray, sample: int) -> np.ndarray:
    """Share `sample` evenly between strata, int64 like `available`, none above what it has (smallest first)."""
    quotas = np.zeros_like(available)
    left = sample
    order = np.argsort(available, kind="stable")
    for position, index in enumerate(order):
        quotas[index] = min(available[index], left // (len(order) - position))
        left -= quotas[index]
    return quotas


def content_hash(sequences: SequenceSet) -> str:
    """sha256 over letters in order: equal data, equal hash, whatever the headers and the compression."""
    digest = hashlib.sha256()
    for letters in sequences.residues:
        digest.update(len(letters).to_bytes(8, "little"))
        digest.update(letters)
    return digest.hexdigest()


def stratum_name(index: int) -> Stratum:
    """The name of a stratum index."""
    return STRATA[index]
