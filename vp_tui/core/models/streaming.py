"""A native model whose blocks are read from the file one at a time: FP64 for the oracle if the model does not fit.

3B parameters are 21 GiB in FP64, one block is 0.6 GiB. Embeddings and last norm stay loaded; a block's parameters are
loaded before its forward and dropped after it. Results equal those of the fully loaded model.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import HfSpec, ModelSpec, read_spec
from vp_tui.core.models.checkpoint import OpenCheckpoint
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.loading import family_of, opener_of
from vp_tui.core.models.native import Family, concatenated
from vp_tui.core.models.ops import PLAIN
from vp_tui.core.models.precision import cast, storage_dtype, table

Rounding = Callable[[str, nn.Module, Tensor], Tensor]
"""Maps a module's name, the module and one of its parameters, in the plan's format, to the parameter's replacement."""

_BLOCKS = "layers"
"""Attribute of both native kinds with the blocks."""


@contextmanager
def streamed(
    source: ModelSource, plan: PrecisionPlan, device: torch.device, *, rounding: Rounding | None = None
) -> Iterator[nn.Module]:
    """Yield the native model of `source` (fetched) on `device`, with sdpa and plain ops.

    Parameters are cast to the plan's format and then passed through `rounding`. No parameter of a block remains in
    memory after its forward or after the context.

    Raises ModelError: unreadable weights, or missing, unknown or wrongly shaped tensors.
    """
    spec = read_spec(source.path, source.name)
    assert not isinstance(spec, HfSpec), "transformers loads whole models"
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
    """Loads the parameters of a checkpoint into modules on the meta device, and removes them again."""

    def __init__(
        self,
        family: Family[ModelSpec],
        checkpoint: OpenCheckpoint,
        plan: PrecisionPlan,
        device: torch.device,
        rounding: Rounding | None,
    ) -> None:
        self._family, self._checkpoint = family, checkpoint
        self._plan, self._device = plan, device
        self._rounding = rounding

    def fill_small(self, model: nn.Module, spec: ModelSpec) -> None:
        state = self._state(model, "", {name for name, _ in model.named_parameters() if not _in_block(name)})
        buffers = self._family.buffers(spec, self._checkpoint)
        state |= {name: table(tensor.to(self._device), self._plan) for name, tensor in buffers.items()}
        model.load_state_dict(state, assign=True, strict=False)

    def stream(self, prefix: str, block: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Load the parameters of `block` before each forward and drop them after it, even if it fails."""
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
        weight = concatenated(
            self._checkpoint, self._family.sources(prefix + name), lambda part: cast(part.to(self._device), self._plan)
        )
        if self._rounding is None:
            return weight
        module = name.rpartition(".")[0]
        return self._rounding(f"{prefix}{module}", holder.get_submodule(module), weight)


def _in_block(name: str) -> bool:
    return name.startswith(f"{_BLOCKS}.")


def _drop(empty: dict[str, Tensor], block: nn.Module, *_: object) -> None:
    block.load_state_dict(empty, assign=True)
