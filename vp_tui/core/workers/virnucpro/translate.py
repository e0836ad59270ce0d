"""Contigs to frames by VirNucPro's rules: chunks with spread overlap, six frames, stops removed.

Read from its units.py, oddities included, because what the models see in production is what has to be validated:
a codon with an ambiguous base vanishes and the frame stays, a nucleotide slice has one base more than its codons,
and the last chunk of a contig may be shorter than the others. No torch, and no Python loop over bases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from vp_tui.core.inputs.sequences import SequenceSet, require_dna

RULES_VERSION: Final = 1
"""Increased whenever the same contigs give other frames; older files are then recomputed."""

FRAMES: Final = ("F1", "F2", "F3", "R1", "R2", "R3")
"""Forward from base 1, 2, 3; then the same on the reverse complement. A frame's id ends with its name."""

CODON: Final = 3
_ORDER: Final = "TCAG"
_STANDARD_CODE: Final = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
"""The amino acids of TTT, TTC, TTA .. GGG (NCBI table 1)."""
_STOP: Final = b"*"
_NONE: Final = b"-"
"""Stands for a codon that is not in the table, until it is dropped."""
_COMPLEMENT: Final = bytes.maketrans(b"ACGT", b"TGCA")
_LOWER: Final = b"abcdefghijklmnopqrstuvwxyz"
_AMBIGUOUS: Final = 64
_BATCH: Final = 4096
"""Chunks translated at a time; 500 bases each are 4 million letters."""


class Frame(NamedTuple):
    """A frame without a stop codon, the input of both models."""

    id: str
    """Contig, chunk and frame: `contig_7_chunk_2R1`."""
    contig: int
    """Index of its contig in the input."""
    chunk: int
    """Counted from 1, as VirNucPro does."""
    name: str
    """One of FRAMES."""
    nucleotide: bytes
    protein: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """The frames of a set of contigs, and the counts of their translation."""

    frames: tuple[Frame, ...]
    """In VirNucPro's order: contig, chunk, frame."""
    contigs: int
    chunks: int
    too_short: int
    """Contigs of less than one codon."""
    without_frame: int
    """Contigs of one codon or more in which every frame has a stop or no codon of the table."""
    rna_letters: int
    """U, read as T."""
    lower_case: int
    ambiguous: int
    """Letters that are not A, C, G, T or U; a codon with one of them is dropped."""


def chunk_starts(length: int, chunk: int) -> list[int]:
    """Return the starts of the chunks of a contig of `length` bases, each at most `chunk` bases long.

    There are ceil(length / chunk) chunks; their total excess is spread over the overlaps in whole bases. The larger
    steps come first, and there may be more of them than overlaps: then the last chunk is a little shorter.
    """
    number = -(-length // chunk)
    excess = number * chunk - length
    smaller = excess // number
    larger_steps = excess - smaller * (number - 1)
    return [k * (chunk - smaller) - min(k, larger_steps) for k in range(number)]


def translate(contigs: SequenceSet, chunk: int) -> Translation:
    """Return the frames of all chunks without a stop codon, as proteins and nucleotides.

    Lower case is read as upper case and U as T, which VirNucPro's users must do by hand; both are counted.

    Raises:
        InputError: the letters are not nucleotides.
    """
    require_dna(contigs)
    letters = [residues.upper().replace(b"U", b"T") for residues in contigs.residues]
    starts = [chunk_starts(len(sequence), chunk) for sequence in letters]
    frames = tuple(_frames(contigs.ids, letters, starts, chunk))
    with_frame = {frame.contig for frame in frames}
    too_short = sum(len(sequence) < CODON for sequence in letters)
    return Translation(
        frames=frames,
        contigs=len(contigs),
        chunks=sum(map(len, starts)),
        too_short=too_short,
        without_frame=len(contigs) - too_short - len(with_frame),
        rna_letters=_count(contigs.residues, b"uU"),
        lower_case=_count(contigs.residues, _LOWER),
        ambiguous=sum(map(len, letters)) - _count(letters, b"ACGT"),
    )


def _count(residues: Sequence[bytes], letters: bytes) -> int:
    return sum(len(sequence) - len(sequence.translate(None, letters)) for sequence in residues)


def _frames(ids: Sequence[str], letters: Sequence[bytes], starts: Sequence[list[int]], chunk: int) -> Iterator[Frame]:
    places = [(contig, k) for contig, of_contig in enumerate(starts) for k in range(len(of_contig))]
    for first in range(0, len(places), _BATCH):
        batch = places[first : first + _BATCH]
        chunks = [letters[contig][starts[contig][k] : starts[contig][k] + chunk] for contig, k in batch]
        for (contig, k), survivors in zip(batch, six_frames(chunks), strict=True):
            prefix = f"{ids[contig]}_chunk_{k + 1}"
            for name, nucleotide, protein in survivors:
                yield Frame(prefix + name, contig, k + 1, name, nucleotide, protein)


def six_frames(chunks: Sequence[bytes]) -> Iterator[list[tuple[str, bytes, bytes]]]:
    """Yield the surviving frames of each chunk (upper case, no U): name, nucleotide, protein.

    All strands are translated at once: the amino acid of the codon at every base, from which a frame is every third.
    """
    pairs = [(chunk, chunk.translate(_COMPLEMENT)[::-1]) for chunk in chunks]
    amino = _amino_acids(b"".join(strand for pair in pairs for strand in pair))
    offset = 0
    for pair in pairs:
        survivors: list[tuple[str, bytes, bytes]] = []
        for strand, names in zip(pair, (FRAMES[:3], FRAMES[3:]), strict=True):
            survivors += _survivors(strand, amino[offset : max(offset + len(strand) - CODON + 1, 0)], names)
            offset += len(strand)
        yield survivors


def _survivors(strand: bytes, amino: bytes, names: Sequence[str]) -> Iterator[tuple[str, bytes, bytes]]:
    """Yield the frames of one strand without a stop and with at least one codon of the table."""
    for frame, name in enumerate(names):
        protein = amino[frame::CODON]
        if _STOP in protein:
            continue
        protein = protein.replace(_NONE, b"")
        if protein:
            # One base more than the codons: VirNucPro slices [num - 1 : num + 3 * residues] with num = frame + 1.
            yield name, strand[frame : frame + 1 + CODON * len(protein)], protein


def _amino_acids(bases: bytes) -> bytes:
    """Return the amino acid of the codon at each base; '-' where the codon is not in the table."""
    code_N = _BASE_CODES[np.frombuffer(bases, np.uint8)]
    codon_N = 16 * code_N[:-2] + 4 * code_N[1:-1] + code_N[2:]
    amino_N: np.ndarray = _AMINO_ACIDS[np.minimum(codon_N, _AMBIGUOUS)]
    return amino_N.tobytes()


def _base_codes() -> np.ndarray:
    codes = np.full(256, _AMBIGUOUS, np.uint16)
    codes[list(_ORDER.encode())] = np.arange(len(_ORDER))
    return codes


_BASE_CODES: Final = _base_codes()
_AMINO_ACIDS: Final = np.frombuffer(_STANDARD_CODE.encode() + _NONE, np.uint8)
