"""Implementations of embedding: this engine with any weights and precision; peers have the same interface.

Preparation (packed or padded batches) is done once and not timed. The work goes from token ids on the host to pooled
FP32 embeddings on the host, with all live measures.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vp_tui.core.bench.random_weights import random_model, shape_of
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.loading import LoadedModel, load

Work = Callable[[], NDArray[np.float32]]
"""Embeds the prepared sequences: [S, D] in input order."""
Implementation = Callable[[TokenSet], Work]
"""Prepares sequences for timing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Source of a model, for any precision."""

    name: str
    spec: ModelSpec
    source: ModelSource | None
    """None: random weights."""

    @property
    def folder(self) -> Path | None:
        return None if self.source is None else self.source.path

    def load(self, plan: PrecisionPlan, device: torch.device) -> LoadedModel:
        """Load the model in the plan's format; raises as loading.load."""
        if self.source is None:
            return random_model(self.spec, plan, device)
        return load(self.source, plan, device)


def weights_of(model: str, *, is_random: bool) -> Weights:
    """Return a named shape with random weights, or a checkpoint.

    Raises UsageError for an unknown shape and ModelError for a missing checkpoint.
    """
    if is_random:
        return Weights(name=model, spec=shape_of(model), source=None)
    source = fetch(resolve(model))
    return Weights(name=model, spec=read_spec(source.path, source.name), source=source)


class Models:
    """Models of one checkpoint on the device, each loaded once; TF32 shares the FP32 weights, a plan has its own."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self.weights = weights
        self.device = device
        self._held: dict[Any, LoadedModel] = {}

    def get(self, plan: PrecisionPlan) -> LoadedModel:
        """Return the model in the plan's format; raises as Weights.load."""
        key = precision.storage_dtype(plan.precision) if plan.is_plain else plan.name
        if key not in self._held:
            self._held[key] = self.weights.load(plan, self.device)
        return self._held[key]


def packed(encoder: Encoder, budget: int) -> Implementation:
    """Return this engine with packed batches of `budget` tokens, or of the longest sequence if that is longer."""

    def prepare(tokens: TokenSet) -> Work:
        packs = packing.by_length(tokens.lengths_S, max(budget, int(tokens.lengths_S.max())))
        place_S = np.argsort(np.concatenate(packs))

        def work() -> NDArray[np.float32]:
            return encoder.encode(tokens, packs).embeddings_SD[place_S]

        return work

    return prepare
