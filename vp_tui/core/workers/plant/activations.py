"""Sizes of the activations of a sound model in FP32, which decide how large a planted constant has to be.

Shape suffixes: S sequences, N tokens of one sequence, F outputs of a point.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vp_tui.core.engine.encode import place
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision
from vp_tui.core.models.loading import LoadedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """Largest values per sequence, and the means that choices between units are made by."""

    largest: dict[str, Tensor]
    """Point -> largest |value| over the tokens of each sequence, [S, F]."""
    highest: dict[str, Tensor]
    """Point -> largest value (with its sign), [S, F]."""
    product: dict[str, Tensor]
    """Points named layers.I.gated -> largest |gelu(first half) * second half|, [S, F / 2]."""
    bend: dict[str, Tensor]
    """Points named layers.I.fc1 -> mean |gelu(x) - relu(x)|, [F]."""
    mean: dict[str, Tensor]
    """Points named *.in, what enters a linear layer -> mean over tokens, every sequence with equal weight, [F]."""
    spread: dict[str, Tensor]
    """The same points -> standard deviation, [F]."""
    rms: dict[str, float]
    """Point -> root mean square over all values."""


def activations(loaded: LoadedModel, tokens: TokenSet, device: torch.device) -> Activations:
    """Return the sizes of all linear outputs and blocks of an FP32 model, one sequence after the other."""
    found = _Collector()
    with torch.inference_mode(), looking(loaded.model, found.look):
        for index in range(len(tokens.lengths_S)):
            pack = place(tokens, np.array([index]), device)
            loaded.model(pack.ids_N, pack.layout)
    return Activations(
        largest=_stacked(found.largest),
        highest=_stacked(found.highest),
        product=_stacked(found.product),
        bend={name: _mean(parts) for name, parts in found.bend.items()},
        mean={name: _mean(parts) for name, parts in found.entering.items()},
        spread={
            name: (_mean(found.entering_squares[name]) - _mean(parts).square()).clamp(min=0).sqrt()
            for name, parts in found.entering.items()
        },
        rms={name: float(_mean(parts).sqrt()) for name, parts in found.squares.items()},
    )


def _stacked(parts: dict[str, list[Tensor]]) -> dict[str, Tensor]:
    return {name: torch.stack(rows) for name, rows in parts.items()}


def _mean(parts: list[Tensor]) -> Tensor:
    return torch.stack(parts).mean(0)


class _Collector:
    def __init__(self) -> None:
        self.largest: dict[str, list[Tensor]] = defaultdict(list)
        self.highest: dict[str, list[Tensor]] = defaultdict(list)
        self.product: dict[str, list[Tensor]] = defaultdict(list)
        self.bend: dict[str, list[Tensor]] = defaultdict(list)
        self.entering: dict[str, list[Tensor]] = defaultdict(list)
        self.entering_squares: dict[str, list[Tensor]] = defaultdict(list)
        self.squares: dict[str, list[Tensor]] = defaultdict(list)

    def look(self, name: str, value_NF: Tensor) -> None:
        """Note the sizes of a value; as in points.Look, and nothing takes the value's place."""
        value_NF = precision.at_least_fp32(value_NF)
        if name.endswith(".in"):
            self.entering[name].append(value_NF.mean(0).cpu())
            self.entering_squares[name].append(value_NF.square().mean(0).cpu())
            return
        self.largest[name].append(value_NF.abs().amax(0).cpu())
        self.highest[name].append(value_NF.amax(0).cpu())
        self.squares[name].append(value_NF.square().mean().cpu())
        if name.endswith(".gated"):
            first_NF, second_NF = value_NF.chunk(2, dim=-1)
            self.product[name].append((torch.nn.functional.gelu(first_NF) * second_NF).abs().amax(0).cpu())
        if name.endswith(".fc1"):
            grown_NF = torch.nn.functional.gelu(value_NF)
            self.bend[name].append((grown_NF - value_NF.relu()).abs().mean(0).cpu())
