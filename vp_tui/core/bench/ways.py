"""A way to embed: this engine's, for any weights and precision; a peer's has the same form.

Preparing (packs, padded batches) is done once and outside the clock; the work is from token ids on the host to pooled
FP32 embeddings on the host, all live measures on.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vp_tui.core.bench.random_weights import random_model
from vp_tui.core.bench.shapes import shape_of
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.hub import fetch
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.loading import LoadedModel, family_of, load
from vp_tui.core.models.steps import Steps

Work = Callable[[], NDArray[np.float32]]
"""Embeds all sequences it was prepared for: [S, D] in their order."""
Way = Callable[[TokenSet], Work]
"""Prepares for these sequences."""
Packer = Callable[[NDArray[np.int64], int], list[NDArray[np.int64]]]
"""Sequences of these lengths into packs of a budget."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Where a model comes from, in any precision."""

    name: str
    spec: ModelSpec
    source: ModelSource | None
    """None: random weights."""

    @property
    def folder(self) -> Path | None:
        """The checkpoint's, for its tokenizer."""
        return None if self.source is None else self.source.path

    def load(self, plan: PrecisionPlan, device: torch.device) -> LoadedModel:
        """The model in the plan's format.

        Raises ModelError and UsageError as loading.load does.
        """
        if self.source is None:
            return random_model(self.spec, plan, device)
        return load(self.source, plan, device)


def weights_of(model: str, *, is_random: bool) -> Weights:
    """A named shape with random weights, or a checkpoint.

    Raises UsageError: no such shape. Raises ModelError: no such checkpoint.
    """
    if is_random:
        return Weights(name=model, spec=shape_of(model), source=None)
    source = fetch(resolve(model))
    return Weights(name=model, spec=read_spec(source.path, source.name), source=source)


class Models:
    """The models of one checkpoint that are on the device, each loaded once; TF32 shares FP32's."""

    def __init__(self, weights: Weights, device: torch.device) -> None:
        self.weights = weights
        self.device = device
        self._held: dict[Any, LoadedModel] = {}

    def get(self, plan: PrecisionPlan) -> LoadedModel:
        """The model in the plan's format; raises as Weights.load."""
        stored = precision.storage_dtype(plan.precision)
        if stored not in self._held:
            self._held[stored] = self.weights.load(plan, self.device)
        return self._held[stored]


def with_steps(loaded: LoadedModel, steps: Steps) -> LoadedModel:
    """The same tensors under other steps between the products; a native model only."""
    held: Any = loaded.model
    with torch.device("meta"):
        model = family_of(loaded.spec).build(loaded.spec, held.attention, steps)
    model.load_state_dict(held.state_dict(), assign=True)
    model.requires_grad_(False)
    return replace(loaded, model=model.eval(), steps=steps.name)


def packed(encoder: Encoder, budget: int, packer: Packer = packing.by_length) -> Way:
    """This engine with packs of `budget` tokens, or of the longest sequence where that is longer."""

    def prepare(tokens: TokenSet) -> Work:
        packs = packer(tokens.lengths_S, max(budget, int(tokens.lengths_S.max())))
        place_S = np.argsort(np.concatenate(packs))

        def work() -> NDArray[np.float32]:
            return encoder.encode(tokens, packs).embeddings_SD[place_S]

        return work

    return prepare
