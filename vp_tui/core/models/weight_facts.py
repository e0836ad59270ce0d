"""What the weights of a file are as numbers: their format, and what rounding them to FP16 would lose.

Published ESM-2 weights are FP16 numbers stored as FP32: there an FP16 arm's error is all in the arithmetic. Other
checkpoints lose something in the weights already, and that is part of what a run measures.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from vp_tui.core.models.checkpoint import Dialect, open_checkpoint
from vp_tui.core.models.precision import fp16_loss

_ANY: Final = Dialect(
    model="transformers",
    prefix="",
    # an embedding does not use them, and neither their size nor their rounding is its business
    ignored=re.compile(r"(.*\.)?(lm_head|contact_head|cls|classifier|pooler|decoder)\."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFacts:
    """The facts of a checkpoint's weights; heads and poolers, which nothing reads, apart."""

    file_dtype: str
    """Number format in the file, as in float32; several are joined with +."""
    fp16_max_error: float
    """Largest |w - half(w)| of all weights that FP16 can hold."""
    fp16_overflows: int
    """Weights that FP16 cannot hold: beyond 65,504, or not finite."""

    @property
    def fp16_exact(self) -> bool:
        """Whether every weight is an FP16 number: then casting loses nothing."""
        return self.fp16_max_error == 0 and self.fp16_overflows == 0

    def as_measures(self) -> dict[str, Any]:
        """For the run document."""
        return {
            "file_dtype": self.file_dtype,
            "fp16_exact": self.fp16_exact,
            "fp16_max_error": self.fp16_max_error,
            "fp16_overflows": self.fp16_overflows,
        }


class WeightTally:
    """Gathers the facts tensor by tensor."""

    def __init__(self) -> None:
        self._dtypes: set[str] = set()
        self._largest = 0.0
        self._overflows = 0

    def add(self, weight: Tensor) -> None:
        """Count one tensor of the file, in the file's format."""
        largest, overflows = fp16_loss(weight)
        self._dtypes.add(str(weight.dtype).removeprefix("torch."))
        self._largest = max(self._largest, largest)
        self._overflows += overflows

    def facts(self) -> WeightFacts:
        """Everything so far."""
        return WeightFacts(
            file_dtype="+".join(sorted(self._dtypes)), fp16_max_error=self._largest, fp16_overflows=self._overflows
        )


@lru_cache(maxsize=8)
def of_files(folder: Path) -> WeightFacts:
    """The facts of all weights in `folder`; read once for both arms.

    Raises ModelError: no weights, or an unreadable file.
    """
    tally = WeightTally()
    with open_checkpoint(folder, _ANY) as checkpoint:
        for name in checkpoint.tensors:
            weight = checkpoint.read(name)
            if weight.is_floating_point():
                tally.add(weight)
    return tally.facts()
