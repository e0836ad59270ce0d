"""Planted checkpoints: copies whose weights make FP16 fail at known units; the list of kinds, without torch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

RESULT: Final = "planted.json"
"""File in the planted checkpoint with the culprits: units that must be kept in FP32."""
MIXED: Final = "mixed"
"""A kind drawn anew for each site."""

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ffn-overflow": "the values of one hidden unit of a feed-forward layer exceed 65,504, the largest FP16 number",
        "score-overflow": "the queries of one attention head exceed 65,504, its keys are smaller by the same factor",
        "residual-overflow": "from one block on the residual stream exceeds 65,504 (DNABERT-S: one residual sum)",
        "cancellation": "the values of one attention head carry a large constant that the next linear layer "
        "subtracts; FP16 has a resolution of 32 there, so the output is finite but wrong",
        "weight-rounding": "weights of one linear layer lie between FP16 numbers and cancel within the layer; the "
        "output is finite but wrong",
        MIXED: "one of the kinds above for each site, drawn by the seed",
    }
)
"""Kind of fault -> what it does."""
