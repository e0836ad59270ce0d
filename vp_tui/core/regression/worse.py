"""The limits of a hint beside a run, and the hint; light, so that a screen that makes no comparison loads no numpy."""

import math
from typing import Final

INFLATION: Final = 1.5
"""Ratio of (1 - cosine) at which accuracy is worse: half as much error again."""
EPSILON: Final = 1e-6
"""Added to both errors of the hint, which reads the worst sequence only: below it no hint is given.

The comparison itself reads every sequence, down to the rounding of FP32 (rules.Rule.epsilon)."""
MIN_EFFECT_SPEED: Final = 0.05
"""Tokens/s and times: clocks that are free to move differ by about 4 % from day to day."""


FEW_RUNS_FACTOR: Final = 4.0
"""Standard errors of the difference from which a speed of few runs is judged (rules.Rule.few_runs_factor)."""
SPEED_NOISE: Final = 0.05
"""Assumed noise of one run without a calibration (metrics.Metric.default_noise)."""


def is_worse(cosine: float | None, baseline: float | None) -> bool | None:
    """Return True where the cosine is clearly farther from 1 than that of the baseline; None where one is missing."""
    if cosine is None or baseline is None:
        return None
    return 1 - cosine + EPSILON >= INFLATION * (1 - baseline + EPSILON)


def is_worst_worse(lowest: tuple[float | None, int], baseline: tuple[float | None, int]) -> bool | None:
    """As `is_worse`, of two sets as (lowest cosine, sequences with NaN or Inf): one of these is worse than any."""
    if lowest[1] or baseline[1]:
        return bool(lowest[1]) and not baseline[1]
    return is_worse(lowest[0], baseline[0])


def speed_change(rate: float | None, baseline: float | None) -> float | None:
    """Return the change as a fraction; None where a rate is missing or the baseline's is 0."""
    return rate / baseline - 1 if rate is not None and baseline else None


def is_slower(change: float | None) -> bool:
    """Return True where a change of speed is as large as one that counts."""
    return change is not None and change <= -MIN_EFFECT_SPEED


def is_judged(change: float | None, num_baseline: int) -> bool:
    """Return True where one run's change of speed against `num_baseline` runs is beyond what assumed noise explains.

    The same limit as a comparison without a calibration has: 33 % more time against one run.
    """
    if change is None or change <= -1 or num_baseline < 1:
        return False
    error = SPEED_NOISE * math.sqrt(1 + 1 / num_baseline)
    return abs(math.log1p(change)) > FEW_RUNS_FACTOR * error
