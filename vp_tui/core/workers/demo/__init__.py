"""The demo: tiny checkpoints and synthetic sequences, made here; its size and its list of faults."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "overflow": "one FFN layer exceeds 65,504, the largest FP16 number, on tryptophan (W): "
        "NaN in FP16 for the sequences that contain it, finite in FP32",
        "precision-loss": "a constant of 1,024 in the residual stream, where FP16 has a resolution of 1, drowns "
        "the signal: finite everywhere, cosine below the limit",
        "silent-loss": "the same with 512: most of what distinguishes sequences is corrupted, yet raw cosine stays "
        "above the limit; the gates on what distinguishes sequences see it (S8 to S10 fail)",
    }
)
"""Faults of the checkpoint: name -> what it does, for `vp-tui demo --list-faults`."""

NUM_PROTEINS: Final = 360
"""The fewest of which the shortest stratum still fills five blocks (an interval of its speed needs five) and every
stratum has the 100 rows that the comparison of single dimensions needs."""
NUM_READS: Final = 480
"""As above; reads are short, so a block holds more of them."""
