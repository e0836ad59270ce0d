"""R7: whether the rotary tables that a candidate's blocks are given are those of the checkpoint, to the last bit.

The published frequencies are rounded to FP16, and a table of other ones moves late positions without leaving a trace
above the rounding of 16-bit formats: no error ratio can see it, looking can.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from vp_tui.core.config import plain_plan
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import Esm2Spec, ModelSpec
from vp_tui.core.models.kernels.base import DeviceLayout
from vp_tui.core.models.ops import Rotary
from vp_tui.core.models.streaming import streamed


def stored_frequencies(source: ModelSource, spec: ModelSpec) -> Tensor | None:
    """Return the rotary frequencies of the checkpoint as stored, in FP32; None for a kind without them.

    Raises ModelError: unreadable weights.
    """
    if not isinstance(spec, Esm2Spec):
        return None
    with streamed(source, plain_plan("fp32"), torch.device("cpu")) as model:
        return model.get_buffer("inv_freq")


@dataclass(slots=True)
class Tables:
    """The rotary tables that the blocks of a model were given."""

    seen: set[str] = field(default_factory=set)
    """Blocks that were given one."""
    others: set[str] = field(default_factory=set)
    """Of them, those whose table or positions differ from the checkpoint's."""

    @property
    def mismatch(self) -> int | None:
        """Number of tables that differ; None where there was none."""
        return len(self.others) if self.seen else None


@contextmanager
def watching_tables(model: nn.Module, frequencies_k: Tensor | None) -> Iterator[Tables]:
    """Within it, every block of `model` is watched; without `frequencies_k` none is."""
    tables = Tables()
    blocks = model.get_submodule("layers").named_children() if frequencies_k is not None else ()
    # registered last, so that it sees what other hooks have put in
    handles = [block.register_forward_pre_hook(_Compare(name, tables, frequencies_k)) for name, block in blocks]
    try:
        yield tables
    finally:
        for handle in handles:
            handle.remove()


@dataclass(slots=True)
class _Compare:
    name: str
    tables: Tables
    frequencies_k: Tensor | None

    def __call__(self, _: nn.Module, inputs: tuple[Any, ...]) -> None:
        given = next((value for value in inputs if isinstance(value, Rotary)), None)
        layout = next((value for value in inputs if isinstance(value, DeviceLayout)), None)
        if given is None or layout is None or self.frequencies_k is None:
            return
        self.tables.seen.add(self.name)
        frequencies_k = self.frequencies_k.to(given.cos_Pk.device)
        wanted = Rotary(layout.max_len, layout.positions_N, frequencies_k)
        if not (
            torch.equal(given.cos_Pk, wanted.cos_Pk)
            and torch.equal(given.sin_Pk, wanted.sin_Pk)
            and torch.equal(given.positions_N, wanted.positions_N)
        ):
            self.tables.others.add(self.name)
