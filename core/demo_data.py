"""What the demo shows, without torch: the list of faults and a synthetic protein file."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "overflow": "one FFN layer exceeds 65,504, the largest FP16 number, on tryptophan (W): "
        "NaN in FP16 for the sequences that contain it, finite in FP32",
        "precision-loss": "a constant of 1,024 in the residual stream, where FP16 has a resolution of 1, drowns "
        "the signal: finite everywhere, cosine below the limit",
        "silent-loss": "the same with 512: most of what tells sequences apart is damaged, yet raw cosine stays "
        "above the limit; only relative error and centred cosine see it",
    }
)
"""Name -> what it does, for `vp-tui demo --list-faults`."""

UNIPROT_PERCENT: Final[Mapping[str, float]] = MappingProxyType(
    {
        **{"A": 8.25, "R": 5.53, "N": 4.06, "D": 5.46, "C": 1.38, "Q": 3.93, "E": 6.72, "G": 7.07, "H": 2.27},
        **{"I": 5.91, "L": 9.65, "K": 5.80, "M": 2.41, "F": 3.86, "P": 4.74, "S": 6.65, "T": 5.36, "W": 1.10},
        **{"Y": 2.92, "V": 6.85},
    }
)
"""Amino acids in percent: UniProtKB/Swiss-Prot release statistics, section 'amino acid composition'
(https://web.expasy.org/docs/relnotes/relstat.html)."""

_LONGEST: Final = 1022
_LINE: Final = 60


def random_proteins(lengths: NDArray[np.int64], seed: int) -> list[bytes]:
    """One protein per entry of `lengths` (residues), letters drawn from UNIPROT_PERCENT."""
    letters = np.frombuffer("".join(UNIPROT_PERCENT).encode(), dtype=np.uint8)
    weights = np.array(list(UNIPROT_PERCENT.values()))
    drawn = np.random.default_rng(seed).choice(letters, size=int(lengths.sum()), p=weights / weights.sum())
    return [part.tobytes() for part in np.split(drawn, np.cumsum(lengths)[:-1])]


def make_fasta(path: Path, *, num_sequences: int = 600, seed: int = 0) -> None:
    """Write synthetic proteins to `path`, a third each of <= 64, 65-128 and 129-1022 residues.

    Most long ones have 129-400 residues, every twentieth up to 1022, so that a CPU is done in seconds.
    The same arguments give the same bytes.
    """
    lengths = _lengths(num_sequences, np.random.default_rng(seed))
    lines = []
    for number, protein in enumerate(random_proteins(lengths, seed), start=1):
        text = protein.decode("ascii")
        lines.append(f">demo_{number:05d} synthetic protein, {len(text)} residues")
        lines.extend(text[start : start + _LINE] for start in range(0, len(text), _LINE))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="ascii")


def _lengths(count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    kinds = np.arange(count)
    lengths = np.choose(
        kinds % 3,
        [
            rng.integers(20, 65, count),
            rng.integers(65, 129, count),
            rng.integers(129, 401, count),
        ],
    )
    rare = kinds % 60 == 2
    lengths[rare] = rng.integers(401, _LONGEST + 1, int(rare.sum()))
    return lengths.astype(np.int64)
