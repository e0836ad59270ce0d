"""Models of our own code: an empty module on the meta device, filled tensor by tensor.

Every tensor is read once, moved, cast and put in place, so 3B parameters never lie in memory twice. Key names come
in several dialects (checkpoint.py); nothing is guessed: what is missing, left over or of another shape is an error
that names it. A `Family` holds what differs between the kinds.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.attention import Attention
from vp_tui.core.models.checkpoint import Checkpoint, Dialect, open_checkpoint
from vp_tui.core.models.precision import cast, table
from vp_tui.core.models.steps import PLAIN, Steps
from vp_tui.core.models.weight_facts import WeightFacts, WeightTally

SpecT = TypeVar("SpecT", bound=ModelSpec)
Opener = Callable[[Path, Dialect], AbstractContextManager[Checkpoint]]
"""Opens a folder or a file under the names of a dialect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family(Generic[SpecT]):
    """One kind of model: its module, and how its files fill it."""

    dialect: Dialect
    build: Callable[[SpecT, Attention, Steps], nn.Module]
    """The module; its forward takes (ids_N, layout) and gives token outputs [N, D]."""
    shapes: Callable[[SpecT], dict[str, tuple[int, ...]]]
    """Every tensor a checkpoint must have, by canonical name."""
    sources: Callable[[str], list[str]]
    """Canonical names behind one of our parameters; several are joined along the output axis."""
    buffers: Callable[[SpecT, Checkpoint], dict[str, Tensor]]
    """The module's buffers: FP32 values in every plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A module with its weights, and the facts of the file they came from."""

    model: nn.Module
    weights: WeightFacts


def unset_embedding(rows: int, width: int) -> nn.Embedding:
    """An embedding [rows, width] without initial values: to draw them on the meta device torch imports its compiler.

    That would cost a second of every run.
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
    steps: Steps = PLAIN,
) -> Filled:
    """The model of `path` on `device`, its parameters in the plan's format; `opened` knows the container.

    Raises ModelError: unreadable weights, tensors missing, left over or of another shape.
    """
    with torch.device("meta"):
        model = family.build(spec, kernel, steps)
    with opened(path, family.dialect) as checkpoint:
        checkpoint.require(family.shapes(spec))
        reader = _Reader(checkpoint, plan, device)
        state = {name: reader.joined(family.sources(name)) for name, _ in model.named_parameters()}
        # FP32 whatever the plan: angles and slopes in half move long sequences
        state |= {name: table(tensor.to(device), plan) for name, tensor in family.buffers(spec, checkpoint).items()}
    model.load_state_dict(state, assign=True)
    model.requires_grad_(False)
    return Filled(model=model.eval(), weights=reader.tally.facts())


def joined(checkpoint: Checkpoint, names: list[str], take: Callable[[Tensor], Tensor]) -> Tensor:
    """The tensors of these names as one, each through `take` (to a device, to a format) once it is read."""
    parts = [take(checkpoint.read(name)) for name in names]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


class _Reader:
    """Moves tensors from a checkpoint to a device in the plan's format, noting the formats of the file."""

    def __init__(self, checkpoint: Checkpoint, plan: PrecisionPlan, device: torch.device) -> None:
        self.checkpoint = checkpoint
        self.plan = plan
        self.device = device
        self.tally = WeightTally()

    def joined(self, names: list[str]) -> Tensor:
        """The tensors of these names as one."""
        return joined(self.checkpoint, names, self._taken)

    def _taken(self, weight: Tensor) -> Tensor:
        weight = weight.to(self.device)
        self.tally.add(weight)
        return cast(weight, self.plan)
