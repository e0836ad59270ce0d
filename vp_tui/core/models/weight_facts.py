"""Number format of the weights in a file, and the error of rounding them to FP16.

Published ESM-2 weights are FP16 numbers stored as FP32, so the FP16 candidate's error comes from arithmetic only. In
other checkpoints it includes weight rounding, which a run measures too.
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
    roots=frozenset(),
    # embeddings do not use these
    ignored=re.compile(r"(.*\.)?(lm_head|contact_head|cls|classifier|pooler|decoder)\."),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFacts:
    """Number format of a checkpoint's weights, without heads and poolers, which are not used."""

    file_dtype: str
    """Such as float32; several formats are joined with +."""
    fp16_max_error: float
    """Largest |w - half(w)| of all weights within FP16's range."""
    fp16_overflows: int
    """Weights outside FP16's range: beyond 65,504, or not finite."""

    @property
    def fp16_exact(self) -> bool:
        return self.fp16_max_error == 0 and self.fp16_overflows == 0

    def as_measures(self) -> dict[str, Any]:
        """Entries of the run document."""
        return {
            "file_dtype": self.file_dtype,
            "fp16_exact": self.fp16_exact,
            "fp16_max_error": self.fp16_max_error,
            "fp16_overflows": self.fp16_overflows,
        }


class WeightTally:
    """Accumulates WeightFacts tensor by tensor."""

    def __init__(self) -> None:
        self._dtypes: set[str] = set()
        self._losses: list[tuple[Tensor, Tensor]] = []

    def add(self, weight: Tensor) -> None:
        self._losses.append(fp16_loss(weight))
        self._dtypes.add(str(weight.dtype).removeprefix("torch."))

    def facts(self) -> WeightFacts:
        return WeightFacts(
            file_dtype="+".join(sorted(self._dtypes)),
            fp16_max_error=max((float(largest) for largest, _ in self._losses), default=0.0),
            fp16_overflows=sum(int(overflows) for _, overflows in self._losses),
        )


@lru_cache(maxsize=8)
def of_files(folder: Path) -> WeightFacts:
    """Return the facts of all weights in `folder`; cached for the second arm.

    Raises ModelError: no weights, or an unreadable file.
    """
    tally = WeightTally()
    with open_checkpoint(folder, _ANY) as checkpoint:
        for name in checkpoint.tensors:
            weight = checkpoint.read(name)
            if weight.is_floating_point():
                tally.add(weight)
    return tally.facts()
