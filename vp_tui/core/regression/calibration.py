"""Noise floor: run-to-run spread of repeats of one configuration (A/A)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import RunSample, Side

CONTROLLED: Final = "/reference"
"""Suffix of the noise of a metric relative to the reference arm of the same run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """Standard deviation of single runs (a CV; utilization: points / 100)."""

    sd: float
    freedom: int
    """Degrees of freedom: runs minus one."""

    @property
    def is_known(self) -> bool:
        """Return False for a number that measures nothing: it must not make every loss tolerable."""
        return math.isfinite(self.sd) and self.sd >= 0 and self.freedom > 0


NO_NOISE: Final[Mapping[str, Noise]] = {}


def usable(runs: Sequence[RunSample]) -> tuple[tuple[RunSample, ...], tuple[str, ...]]:
    """Return runs with valid times, and a note on each excluded run."""
    kept, notes = [], []
    for run in runs:
        if not run.perf_valid:
            notes.append(f"{run.label} is excluded from performance: {run.perf_reason or 'no reason given'}")
        elif not run.complete:
            notes.append(f"{run.label} is excluded from performance: {run.done} of {run.total} sequences")
        else:
            kept.append(run)
    return tuple(kept), tuple(notes)


def values(runs: Sequence[RunSample], name: str) -> np.ndarray:
    """Return the badness [R] of the runs with a value for this metric."""
    metric = METRICS[name]
    found = [run.performance.get(name) for run in runs]
    return metric.badness(np.array([value for value in found if metric.has(value)], dtype=np.float64))


def relative_values(runs: Sequence[RunSample], name: str) -> np.ndarray:
    """Return the badness [R] relative to the reference arm of the same run; empty unless every run has both."""
    metric = METRICS[name]
    found = [(run.performance.get(name), run.reference.get(name)) for run in runs]
    if not all(metric.has(mine) and metric.has(other) for mine, other in found):
        return np.empty(0)
    own_R, reference_R = (metric.badness(np.array(column, dtype=np.float64)) for column in zip(*found, strict=True))
    difference_R: np.ndarray = own_R - reference_R
    return difference_R


def noise_floor(side: Side, rule: Rule) -> dict[str, Noise]:
    """Return metric -> noise of single runs, given rule.min_runs runs; also relative to the reference arm.

    `side` holds all A/A repeats, both groups of five of `vp-tui calibrate`. The result is `calibration` of `compare`.
    It is the noise within the session of the calibration: how far days differ, no number here says.
    """
    runs, _ = usable(side.runs)
    found = {name: values(runs, name) for name in METRICS}
    found |= {f"{name}{CONTROLLED}": relative_values(runs, name) for name in METRICS if METRICS[name].has_control}
    return {
        name: Noise(sd=float(sample_R.std(ddof=1)), freedom=len(sample_R) - 1)
        for name, sample_R in found.items()
        if len(sample_R) >= rule.min_runs
    }
