"""A native model whose blocks come from the file one at a time: FP64 for the oracle where the whole would not fit.

3B parameters are 21 GiB in FP64, one block of them is 0.6 GiB. Embeddings and last norm are loaded at once; a block's
parameters just before its forward, and they are dropped after it. Numbers are those of the model loaded whole.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import HfSpec, ModelSpec, read_spec
from vp_tui.core.models.checkpoint import Checkpoint
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.loading import family_of, opener_of
from vp_tui.core.models.native import Family, joined
from vp_tui.core.models.precision import cast, storage_dtype, table
from vp_tui.core.models.steps import PLAIN

Rounding = Callable[[nn.Module, Tensor], Tensor]
"""Called with a module and one of its parameters, in the plan's format; what it returns takes its place."""

_BLOCKS = "layers"
"""Where both native kinds hold their blocks."""


@contextmanager
def streamed(
    source: ModelSource, plan: PrecisionPlan, device: torch.device, *, rounding: Rounding | None = None
) -> Iterator[nn.Module]:
    """The native model of `source` (fetched) on `device`, with sdpa and plain steps; within it, it may be called.

    Parameters are in the plan's format, and then go through `rounding`. Nothing of a block is left after its forward,
    nor after the context.

    Raises ModelError: unreadable weights, tensors missing, left over or of another shape.
    """
    spec = read_spec(source.path, source.name)
    assert not isinstance(spec, HfSpec), "transformers loads its models whole"
    family = family_of(spec)
    kernel = SdpaAttention.make(storage_dtype(plan.precision), device)
    with torch.device("meta"):
        model = family.build(spec, kernel, PLAIN).eval().requires_grad_(False)
    with opener_of(source)(source.path, family.dialect) as checkpoint:
        checkpoint.require(family.shapes(spec))
        weights = _Weights(family, checkpoint, plan, device, rounding)
        weights.fill_small(model, spec)
        handles = [handle for name, block in _blocks(model) for handle in weights.stream(name, block)]
        try:
            yield model
        finally:
            for handle in handles:
                handle.remove()


def _blocks(model: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(f"{_BLOCKS}.{name}", block) for name, block in model.get_submodule(_BLOCKS).named_children()]


class _Weights:
    """Puts the parameters of a checkpoint into modules that lie on the meta device, and takes them out again."""

    def __init__(
        self,
        family: Family[ModelSpec],
        checkpoint: Checkpoint,
        plan: PrecisionPlan,
        device: torch.device,
        rounding: Rounding | None,
    ) -> None:
        self._family, self._checkpoint = family, checkpoint
        self._plan, self._device = plan, device
        self._rounding = rounding

    def fill_small(self, model: nn.Module, spec: ModelSpec) -> None:
        """Load the parameters outside the blocks, and the buffers."""
        state = self._state(model, "", {name for name, _ in model.named_parameters() if not _in_block(name)})
        buffers = self._family.buffers(spec, self._checkpoint)
        state |= {name: table(tensor.to(self._device), self._plan) for name, tensor in buffers.items()}
        model.load_state_dict(state, assign=True, strict=False)

    def stream(self, prefix: str, block: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Load the parameters of `block` before each of its forwards and drop them after it, also when it fails."""
        empty = {name: parameter.data for name, parameter in block.named_parameters()}
        return [
            block.register_forward_pre_hook(partial(self._fill_block, prefix)),
            block.register_forward_hook(partial(_drop, empty), always_call=True),
        ]

    def _fill_block(self, prefix: str, block: nn.Module, _: object) -> None:
        names = {name for name, _ in block.named_parameters()}
        block.load_state_dict(self._state(block, f"{prefix}.", names), assign=True)

    def _state(self, holder: nn.Module, prefix: str, names: set[str]) -> dict[str, Tensor]:
        return {name: self._read(holder, prefix, name) for name in names}

    def _read(self, holder: nn.Module, prefix: str, name: str) -> Tensor:
        weight = joined(
            self._checkpoint,
            self._family.sources(prefix + name),
            lambda part: cast(part.to(self._device), self._plan),
        )
        if self._rounding is None:
            return weight
        return self._rounding(holder.get_submodule(name.rpartition(".")[0]), weight)


def _in_block(name: str) -> bool:
    return name.startswith(f"{_BLOCKS}.")


def _drop(empty: dict[str, Tensor], block: nn.Module, *_: object) -> None:
    block.load_state_dict(empty, assign=True)
