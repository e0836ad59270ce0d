"""A set of sequences: read from FASTA or FASTQ, strata by length, a seeded stratified sample.

Headers are untrusted: records.py replaces control characters, so that none reaches a terminal, a file name or a row.
Letters are kept unchanged; tokenizing.py maps them to tokens.
"""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA, Stratum
from vp_tui.core.errors import InputError
from vp_tui.core.files import user_path
from vp_tui.core.fingerprint import sequence_hash
from vp_tui.core.inputs.records import UNREADABLE, Cleaned, Records, printable
from vp_tui.core.measures.selection import even_quotas

_NUCLEOTIDES = b"ACGTUNacgtun"
NUCLEOTIDE_SHARE = 0.9
"""A set with at least this share of A, C, G, T, U, N is DNA or RNA; real proteins have about 0.27."""
TELLING_LENGTH = 30
"""A protein this long is practically never of A, C, G, T, U and N alone (a quarter of the residues of real ones)."""

_AS_IT_WAS = Cleaned()


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceSet:
    """Sequences in input order; `ids` are unique and printable, `residues` are residues or bases."""

    ids: tuple[str, ...]
    residues: tuple[bytes, ...]
    renamed: int = 0
    """Records whose id was changed to make it unique."""
    cleaned: Cleaned = _AS_IT_WAS
    """What reading the file left out."""

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths_S(self) -> np.ndarray:
        """Residues or bases per sequence, int64 [S]."""
        return np.fromiter(map(len, self.residues), np.int64, len(self.residues))

    @property
    def hash_S(self) -> np.ndarray:
        """Content hash of each sequence, int64: equal for equal letters."""
        return np.fromiter(map(sequence_hash, self.residues), np.int64, len(self.residues))

    def take(self, indices: Sequence[int]) -> "SequenceSet":
        """Return the sequences at `indices`, in that order."""
        return SequenceSet(
            ids=tuple(self.ids[i] for i in indices),
            residues=tuple(self.residues[i] for i in indices),
            renamed=self.renamed,
            cleaned=self.cleaned,
        )


def read(path: str | Path) -> SequenceSet:
    """Return all sequences of a file; records without a sequence are left out and counted.

    Raises InputError: missing, unreadable, not FASTA/FASTQ, or no record with a sequence.
    """
    file = user_path(path)
    records = Records(file)
    ids: list[str] = []
    residues: list[bytes] = []
    for name, sequence in checked(file, records):
        ids.append(name)
        residues.append(sequence)
    require_some(file, len(ids), records)
    names, renamed = unique(ids)
    return SequenceSet(ids=names, residues=tuple(residues), renamed=renamed, cleaned=records.cleaned)


def require_some(file: Path, count: int, records: Records) -> None:
    """Raise InputError if `count`, the number of sequences that all `records` of `file` gave, is 0."""
    if not count and records.cleaned.empty:
        raise InputError(f"{file} contains no sequences: none of its {records.cleaned.empty} records has one")
    if not count:
        raise InputError(f"{file} contains no sequences; a FASTA record starts with a line like >name")


def checked(file: Path, records: Records) -> Iterator[tuple[str, bytes]]:
    """Yield the records of `file`; every error becomes an InputError."""
    try:
        if not file.exists():
            raise InputError(f"{file} does not exist; give the path of a FASTA or FASTQ file")
        if not file.is_file():
            raise InputError(f"{file} is not a file; give the path of a FASTA or FASTQ file")
        yield from records
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror or error}") from error
    except UNREADABLE as error:
        raise InputError(f"{file} cannot be read as FASTA or FASTQ: {printable(str(error))}") from error


def unique(ids: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Name a second `x` `x.2`, skipping names that are taken; return the ids and the number of changes."""
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
    """Raise InputError if at least NUCLEOTIDE_SHARE of the sequences is A, C, G, T, U or N."""
    share = _nucleotide_share(sequences)
    if share >= NUCLEOTIDE_SHARE:
        raise InputError(
            f"the sequences are DNA or RNA ({fmt.percent(share)} A, C, G, T, U or N) and the model reads proteins; "
            "translate them first"
        )


def require_dna(sequences: SequenceSet) -> None:
    """Raise InputError if less than NUCLEOTIDE_SHARE of the sequences is A, C, G, T, U or N."""
    share = _nucleotide_share(sequences)
    if share < NUCLEOTIDE_SHARE:
        raise InputError(
            f"the sequences are proteins (only {fmt.percent(share)} A, C, G, T, U or N) and the model reads DNA; give "
            "nucleotide sequences"
        )


def alphabet_of(sequences: SequenceSet) -> Literal["protein", "dna"]:
    """Return dna (also for RNA) from NUCLEOTIDE_SHARE of nucleotides on, else protein."""
    return "dna" if _nucleotide_share(sequences) >= NUCLEOTIDE_SHARE else "protein"


def foreign(sequences: SequenceSet, alphabet: Literal["protein", "dna"]) -> int:
    """Return how many sequences of TELLING_LENGTH or more are clearly of the other alphabet."""
    is_foreign = _looks_like_dna if alphabet == "protein" else _looks_like_protein
    return sum(len(residues) >= TELLING_LENGTH and is_foreign(residues) for residues in sequences.residues)


def _looks_like_dna(residues: bytes) -> bool:
    return not residues.translate(None, _NUCLEOTIDES)


def _looks_like_protein(residues: bytes) -> bool:
    return len(residues.translate(None, _NUCLEOTIDES)) > len(residues) / 2


def _nucleotide_share(sequences: SequenceSet) -> float:
    total = sum(map(len, sequences.residues))
    others = sum(len(sequence.translate(None, _NUCLEOTIDES)) for sequence in sequences.residues)
    return (total - others) / total


def strata_of(lengths_S: np.ndarray, cuts: tuple[int, int]) -> np.ndarray:
    """Return the index into STRATA of each sequence, int64 [S]: 0 up to cuts[0], 1 up to cuts[1], 2 above."""
    return np.searchsorted(np.asarray(cuts), lengths_S, side="left")


def stratified_sample(stratum_S: np.ndarray, sample: int, seed: int) -> np.ndarray:
    """Return the ascending indices of at most `sample` sequences, shared evenly between the strata.

    A stratum with fewer sequences than its share leaves the rest to the others, so that the sample has the requested
    size if the input does. The same seed gives the same sample on every machine.
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


def content_hash(sequences: SequenceSet) -> str:
    """Return the SHA-256 of the sequences in order, independent of headers and compression."""
    digest = hashlib.sha256()
    for sequence in sequences.residues:
        digest.update(len(sequence).to_bytes(8, "little"))
        digest.update(sequence)
    return digest.hexdigest()


def stratum_name(index: int) -> Stratum:
    """Return the name of a stratum index."""
    return STRATA[index]
