"""Shapes of the published models, which --random-weights builds without a download."""

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeVar

from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import DnabertSSpec, Esm2Spec, ModelSpec
from vp_tui.core.inputs.tokens import VOCABULARY
from vp_tui.core.models.loading import family_of

SpecT = TypeVar("SpecT", bound=ModelSpec)

_ESM2_EPS: Final = 1e-5
_DNABERT_EPS: Final = 1e-12
_DNABERT_VOCABULARY: Final = 4096


def esm2(name: str, num_layers: int, hidden: int, num_heads: int) -> Esm2Spec:
    """Return an ESM-2 of any size; the feed-forward width is 4 x hidden."""
    return _counted(
        Esm2Spec(
            name=name, num_layers=num_layers, hidden=hidden, num_heads=num_heads, ffn=4 * hidden,
            vocab_size=len(VOCABULARY), layer_norm_eps=_ESM2_EPS, token_dropout=True, num_parameters=0,
        )
    )  # fmt: skip


def dnabert_s(name: str, num_layers: int, hidden: int, num_heads: int) -> DnabertSSpec:
    """Return a DNABERT-S of any size."""
    return _counted(
        DnabertSSpec(
            name=name, num_layers=num_layers, hidden=hidden, num_heads=num_heads, ffn=4 * hidden,
            vocab_size=_DNABERT_VOCABULARY, layer_norm_eps=_DNABERT_EPS, num_parameters=0,
        )
    )  # fmt: skip


def _counted(spec: SpecT) -> SpecT:
    shapes = family_of(spec).shapes(spec).values()
    return replace(spec, num_parameters=sum(math.prod(shape) for shape in shapes))


SHAPES: Final[Mapping[str, ModelSpec]] = MappingProxyType(
    {
        "esm2-8m": esm2("esm2-8m", 6, 320, 20),
        "esm2-35m": esm2("esm2-35m", 12, 480, 20),
        "esm2-150m": esm2("esm2-150m", 30, 640, 20),
        "esm2-650m": esm2("esm2-650m", 33, 1280, 20),
        "esm2-3b": esm2("esm2-3b", 36, 2560, 40),
        "dnabert-s": dnabert_s("dnabert-s", 12, 768, 12),
    }
)
"""Short name -> shape of the published model."""


def shape_of(name: str) -> ModelSpec:
    """Return the shape of a short name.

    Raises UsageError for a checkpoint or an unknown name.
    """
    if name not in SHAPES:
        raise UsageError(
            f"--random-weights: {name!r} is not a published shape; use one of {', '.join(SHAPES)}, or omit "
            "--random-weights to load a checkpoint"
        )
    return SHAPES[name]
