"""What a run needs to know of a model that is loaded in another process."""

from dataclasses import dataclass

from vp_tui.core.models.loading import LoadedModel
from vp_tui.core.models.weight_facts import WeightFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run needs to know of a model that is loaded elsewhere."""

    attention_kernel: str
    attention_reason: str
    weights: WeightFacts
    notes: tuple[str, ...]

    @property
    def fp16_exact(self) -> bool:
        """True if every weight in the file is exactly representable in FP16."""
        return self.weights.fp16_exact


def facts_of(loaded: LoadedModel) -> Facts:
    """Return the facts of a loaded model."""
    return Facts(
        attention_kernel=loaded.attention_kernel,
        attention_reason=loaded.attention_reason,
        weights=loaded.weights,
        notes=loaded.notes,
    )
