"""One checkpoint in memory, from which models of any plan are made in milliseconds."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from vp_tui.core.config import AttentionName, PrecisionPlan, plain_plan
from vp_tui.core.engine import memory
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.models.loading import LoadedModel, load, replanned
from vp_tui.core.models.precision import cast

FP32 = plain_plan("fp32")
_ROOM = 2.5
"""On the device are kept the FP32 model and its parameters in the base format, if this many times the former fit."""


@dataclass(slots=True)
class Models:
    """The checkpoint of a search; parameters in the base format are kept, those of kept units are cast when needed."""

    whole: LoadedModel
    """In FP32, on the device or, where that has too little memory, on the CPU."""
    device: torch.device
    attention: AttentionName
    base: PrecisionPlan
    _cast: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def of(cls, source: ModelSource, base: PrecisionPlan, device: torch.device, attention: AttentionName) -> "Models":
        """Read the checkpoint once. Raises ModelError, UsageError as `load`."""
        whole = load(source, FP32, device, attention, spare_fp32=True)
        if device.type == "cuda" and memory.free_memory(device) < (_ROOM - 1) * whole.parameter_bytes:
            whole.model.to("cpu")
            torch.cuda.empty_cache()
        return cls(whole=whole, device=device, attention=attention, base=base)

    def make(self, plan: PrecisionPlan) -> LoadedModel:
        """Return the model in `plan`. Raises UsageError: a unit that it does not have, or a kernel it cannot use."""
        return replanned(self.whole, plan, self.device, self.attention, self._in_format)

    def _in_format(self, name: str, parameter: Tensor, plain: PrecisionPlan) -> Tensor:
        if plain.precision != self.base.precision:
            return cast(parameter.to(self.device), plain)
        if name not in self._cast:
            self._cast[name] = cast(parameter.to(self.device), plain)
        return self._cast[name]
