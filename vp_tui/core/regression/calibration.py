"""Noise floor: run-to-run spread of repeats of one configuration (A/A)."""

from collections.abc import Sequence

import numpy as np

from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import RunSample, Side


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


def noise_floor(side: Side, rule: Rule) -> dict[str, float]:
    """Return metric -> standard deviation of single runs (a CV; utilization: points / 100), given rule.min_runs runs.

    `side` holds all A/A repeats, both groups of five of `vp-tui calibrate`. The result is `calibration` of `compare`.
    """
    runs, _ = usable(side.runs)
    found = {name: values(runs, name) for name in METRICS}
    return {name: float(sample_R.std(ddof=1)) for name, sample_R in found.items() if len(sample_R) >= rule.min_runs}
