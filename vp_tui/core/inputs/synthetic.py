"""Random proteins and random coding DNA, for the demo and for benchmarks without a file."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNIPROT_PERCENT: Final[Mapping[str, float]] = MappingProxyType(
    {
        **{"A": 8.25, "R": 5.53, "N": 4.06, "D": 5.46, "C": 1.38, "Q": 3.93, "E": 6.72, "G": 7.07, "H": 2.27},
        **{"I": 5.91, "L": 9.65, "K": 5.80, "M": 2.41, "F": 3.86, "P": 4.74, "S": 6.65, "T": 5.36, "W": 1.10},
        **{"Y": 2.92, "V": 6.85},
    }
)
"""Amino acids in percent: UniProtKB/Swiss-Prot release statistics, section 'amino acid composition'
(https://web.expasy.org/docs/relnotes/relstat.html)."""

CODONS: Final = tuple(
    first + second + third
    for first in "TCAG"
    for second in "TCAG"
    for third in "TCAG"
    if first + second + third not in {"TAA", "TAG", "TGA"}
)
"""The 61 sense codons: random DNA has an open frame in one of a thousand reads of 500 bp."""

_CODON_SEED: Final = 20_200_101


def random_proteins(lengths: NDArray[np.int64], seed: int) -> list[bytes]:
    """Return one protein per entry of `lengths`, its residues drawn from UNIPROT_PERCENT."""
    residues = np.frombuffer("".join(UNIPROT_PERCENT).encode(), dtype=np.uint8)
    weights = np.array(list(UNIPROT_PERCENT.values()))
    drawn = np.random.default_rng(seed).choice(residues, size=int(lengths.sum()), p=weights / weights.sum())
    return [part.tobytes() for part in np.split(drawn, np.cumsum(lengths)[:-1])]


def random_coding_dna(lengths: NDArray[np.int64], seed: int) -> list[bytes]:
    """Return one sequence per entry of `lengths` (bases): sense codons, with the same uneven usage for every seed."""
    usage = np.random.default_rng(_CODON_SEED).dirichlet(np.ones(len(CODONS)))
    codons = -(-lengths // 3)
    drawn = np.random.default_rng(seed).choice(np.array(CODONS, dtype="S3"), size=int(codons.sum()), p=usage)
    parts = np.split(drawn, np.cumsum(codons)[:-1])
    return [part.tobytes()[:length] for part, length in zip(parts, lengths.tolist(), strict=True)]
