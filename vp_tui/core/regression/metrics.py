"""Performance metrics of the rule: direction and scale.

numpy is imported where an array is scaled: the dashboard reads the names only, and starts without it.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np

from vp_tui.core.config import STRATA

Kind = Literal["speed", "memory", "utilization"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number of a run. On the scale of the rule a larger `badness` is worse, whatever the metric.

    Speed and memory are ratios (natural logarithm); utilization, percent already, is a difference (percent / 100).
    """

    name: str
    title: str
    kind: Kind
    higher_is_better: bool
    default_noise: float = 0.05
    """Standard deviation of single runs that is assumed without a calibration, as a fraction."""
    has_control: bool = False
    """True: the reference arm of a run has the same metric."""

    @property
    def unit(self) -> str:
        """Of a change: percent, or points of a metric that is percent already."""
        return "pt" if self.kind == "utilization" else "%"

    def has(self, value: float | None) -> bool:
        """Return True for a usable number: finite, and above 0 if its logarithm is taken."""
        if value is None or not math.isfinite(value):
            return False
        return value > 0 or (self.kind == "utilization" and value == 0)

    def badness(self, values: "np.ndarray") -> "np.ndarray":
        """Return values [R] on the scale of the rule [R]; each must satisfy `has`."""
        import numpy as np

        scaled_R = values / 100.0 if self.kind == "utilization" else np.log(values)
        return -scaled_R if self.higher_is_better else scaled_R

    def value(self, badness: float) -> float:
        """Return the metric's own value at a badness."""
        scaled = -badness if self.higher_is_better else badness
        return 100.0 * scaled if self.kind == "utilization" else math.exp(scaled)

    def distance(self, tau: float) -> float:
        """Return a tolerance, given as a fraction, on the scale of the rule."""
        return tau if self.kind == "utilization" else math.log1p(tau)

    def loss(self, theta: float) -> float:
        """Return a difference of badness as a fraction: 0.05 is 5 % more time or memory, or 5 points less use."""
        return theta if self.kind == "utilization" else math.expm1(theta)

    def change(self, theta: float) -> float:
        """Return the difference as a change of the metric's own value: -0.05 is 5 % (or points) less."""
        return self.loss(-theta if self.higher_is_better else theta)


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            name="end_to_end_tokens_per_s", title="end-to-end tokens/s", kind="speed", higher_is_better=True,
            has_control=True,
        ),
        Metric(name="tokens_per_s", title="tokens/s", kind="speed", higher_is_better=True, has_control=True),
        *(
            Metric(
                name=f"tokens_per_s.{stratum}", title=f"tokens/s ({stratum})", kind="speed", higher_is_better=True,
                default_noise=0.1, has_control=True,
            )
            for stratum in STRATA
        ),
        Metric(
            name="end_to_end_seconds", title="end-to-end time", kind="speed", higher_is_better=False, has_control=True
        ),
        # a checkpoint in the page cache loads several times faster than one that is not
        Metric(name="load_seconds", title="load time", kind="speed", higher_is_better=False, default_noise=0.5),
        Metric(name="peak_memory_mib", title="peak memory", kind="memory", higher_is_better=False, default_noise=0.01),
        Metric(name="gpu_utilization", title="GPU utilization", kind="utilization", higher_is_better=True),
    )
}  # fmt: skip
PRIMARY = ("end_to_end_tokens_per_s", "tokens_per_s")
"""The first measured one is the primary metric; all others are secondary."""


def name_and_scope(name: str) -> tuple[str, str]:
    """Split tokens_per_s.short into (tokens_per_s, short); a name without a stratum has the scope all."""
    bare, _, scope = name.partition(".")
    return bare, scope or "all"
