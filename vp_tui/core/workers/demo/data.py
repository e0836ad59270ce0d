"""The sequences of the demo: a synthetic protein file and one of coding DNA."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.inputs.synthetic import UNIPROT_PERCENT, random_coding_dna, random_proteins
from vp_tui.core.workers.demo import NUM_PROTEINS, NUM_READS

_HOMOLOGUE_EVERY: Final = 10
_SUBSTITUTED: Final = 0.03
"""Part of a homologue's letters: its raw cosine with the original is above the limit, as between real variants."""
_LONGEST: Final = 1022
_LONGEST_DNA: Final = 3000
"""About 600 tokens: more than the 512 that ALiBi models were trained with."""
_LINE: Final = 60
_THIRDS: Final = 3
"""Short, medium and long take turns."""


def make_fasta(path: Path, *, num_sequences: int = NUM_PROTEINS, seed: int = 0) -> None:
    """Write synthetic proteins to `path`, a third each of <= 64, 65-128 and 129-1022 residues.

    Most long ones have 129-400 residues, every twentieth up to 1022, so that a CPU is done in seconds. Every tenth
    medium and long one is a homologue: the one before it in its third with 3 % of the letters substituted.
    The same arguments give the same bytes.
    """
    lengths = _lengths(num_sequences, np.random.default_rng(seed), (20, 65, 129, 401, _LONGEST))
    copies = _homologues(num_sequences)
    lengths[copies] = lengths[copies - _THIRDS]
    proteins = random_proteins(lengths, seed)
    for copy in copies.tolist():
        proteins[copy] = _substituted(proteins[copy - _THIRDS], proteins[copy])
    _write(path, proteins, "protein", "residues")


def _homologues(count: int) -> NDArray[np.int64]:
    """The last of every ten medium and of every ten long ones; never one of the very long."""
    place = np.arange(count)
    return np.flatnonzero((place % _THIRDS > 0) & (place // _THIRDS % _HOMOLOGUE_EVERY == _HOMOLOGUE_EVERY - 1))


def _substituted(original: bytes, drawn: bytes) -> bytes:
    """`original` with evenly spread letters taken from `drawn`, the next one of UNIPROT_PERCENT where both agree."""
    alphabet = "".join(UNIPROT_PERCENT).encode()
    letters = bytearray(original)
    places = np.linspace(0, len(letters) - 1, max(1, round(_SUBSTITUTED * len(letters)))).astype(np.int64)
    for place in places.tolist():
        letter = drawn[place]
        if letter == letters[place]:
            letter = alphabet[(alphabet.index(letter) + 1) % len(alphabet)]
        letters[place] = letter
    return bytes(letters)


def make_dna_fasta(path: Path, *, num_sequences: int = NUM_READS) -> None:
    """Write synthetic coding DNA to `path`, a third each of <= 199, 200-399 and 400-3000 bases, as make_fasta does."""
    lengths = _lengths(num_sequences, np.random.default_rng(0), (75, 200, 400, 701, _LONGEST_DNA))
    _write(path, random_coding_dna(lengths, 0), "coding DNA", "bases")


def _write(path: Path, sequences: list[bytes], what: str, unit: str) -> None:
    lines = []
    for number, sequence in enumerate(sequences, start=1):
        text = sequence.decode("ascii")
        lines.append(f">demo_{number:05d} synthetic {what}, {len(text)} {unit}")
        lines.extend(text[start : start + _LINE] for start in range(0, len(text), _LINE))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _lengths(count: int, rng: np.random.Generator, borders: tuple[int, int, int, int, int]) -> NDArray[np.int64]:
    """A third each between the first four `borders`; every twentieth of the last third goes up to the fifth."""
    shortest, medium, long, rare_from, longest = borders
    kinds = np.arange(count)
    lengths = np.choose(
        kinds % _THIRDS,
        [
            rng.integers(shortest, medium, count),
            rng.integers(medium, long, count),
            rng.integers(long, rare_from, count),
        ],
    )
    rare = kinds % 60 == 2
    lengths[rare] = rng.integers(rare_from, longest + 1, int(rare.sum()))
    return lengths.astype(np.int64)
