"""Native models: a module on the meta device, filled tensor by tensor from a checkpoint.

Every tensor is read once, moved, cast and assigned, so 3B parameters are never in memory twice. Key names come in
several dialects (checkpoint.py); a missing, unknown or wrongly shaped tensor is an error that names it. A `Family` has
the differences between the kinds.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models.checkpoint import Dialect, OpenCheckpoint, open_checkpoint
from vp_tui.core.models.kernels.base import Attention
from vp_tui.core.models.ops import PLAIN, Ops
from vp_tui.core.models.precision import cast, table
from vp_tui.core.models.weight_facts import WeightFacts, WeightTally

SpecT = TypeVar("SpecT", bound=ModelSpec)
Opener = Callable[[Path, Dialect], AbstractContextManager[OpenCheckpoint]]
"""Opens a folder or a file with the names of a dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Generic[SpecT]):
    """One kind of model: its module, and the mapping from its files to parameters."""

    dialect: Dialect
    build: Callable[[SpecT, Attention, Ops], nn.Module]
    """Builds the module, whose forward maps (ids_N, layout) to token outputs [N, D]."""
    shapes: Callable[[SpecT], dict[str, tuple[int, ...]]]
    """Every tensor a checkpoint must have, by canonical name."""
    sources: Callable[[str], list[str]]
    """Canonical names of the tensors of a parameter; several are concatenated along the output axis."""
    buffers: Callable[[SpecT, OpenCheckpoint], dict[str, Tensor]]
    """Buffers of the module: FP32 values in every plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A module with its weights, and the properties of the weights in the file."""

    model: nn.Module
    weights: WeightFacts
    notes: tuple[str, ...]
    """Heads that are not used, for the run record."""


def unset_embedding(rows: int, width: int) -> nn.Embedding:
    """Return an embedding [rows, width] without initial values.

    To draw them on the meta device torch would import its compiler, which takes a second of every run.
    """
    return nn.Embedding.from_pretrained(torch.empty(rows, width), freeze=False)  # type: ignore[no-any-return,no-untyped-call]


def fill(
    family: Family[SpecT],
    spec: SpecT,
    kernel: Attention,
    *,
    path: Path,
    plan: PrecisionPlan,
    device: torch.device,
    opened: Opener = open_checkpoint,
    ops: Ops = PLAIN,
) -> Filled:
    """Return the model of `path` on `device`, each parameter in its unit's format; `opened` opens the container.

    Raises ModelError: unreadable weights, or missing, unknown or wrongly shaped tensors.
    """
    with torch.device("meta"):
        model = family.build(spec, kernel, ops)
    with opened(path, family.dialect) as checkpoint:
        checkpoint.require(family.shapes(spec))
        reader = _Reader(checkpoint, device)
        state = {
            name: reader.read(family.sources(name), plan.at(unit_of(name, spec.kind)))
            for name, _ in model.named_parameters()
        }
        # FP32 in every plan: angles and slopes in FP16 change long sequences
        state |= {name: table(tensor.to(device), plan) for name, tensor in family.buffers(spec, checkpoint).items()}
        notes = checkpoint.notes
    model.load_state_dict(state, assign=True)
    model.requires_grad_(False)
    return Filled(model=model.eval(), weights=reader.tally.facts(), notes=notes)


def concatenated(checkpoint: OpenCheckpoint, names: list[str], convert: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the concatenation of the tensors `names`, each passed through `convert` (device, format) when read."""
    parts = [convert(checkpoint.read(name)) for name in names]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class _Reader:
    """Reads tensors of a checkpoint to a device, and tallies their properties in the file."""

    def __init__(self, checkpoint: OpenCheckpoint, device: torch.device) -> None:
        self.checkpoint = checkpoint
        self.device = device
        self.tally = WeightTally()

    def read(self, names: list[str], plan: PrecisionPlan) -> Tensor:
        """Return the concatenation of the tensors `names` in the base format of `plan`."""
        return concatenated(self.checkpoint, names, partial(self._converted, plan))

    def _converted(self, plan: PrecisionPlan, weight: Tensor) -> Tensor:
        weight = weight.to(self.device)
        self.tally.add(weight)
        return cast(weight, plan)
