"""The noise floor: how far repeats of one unchanged configuration (A/A) lie apart."""

from collections.abc import Sequence

import numpy as np

from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import RunSample, Side


def usable(runs: Sequence[RunSample]) -> tuple[tuple[RunSample, ...], tuple[str, ...]]:
    """Runs whose times count, and a note on each that is left out."""
    kept, notes = [], []
    for run in runs:
        if not run.perf_valid:
            notes.append(f"{run.label} is left out of performance: {run.perf_reason or 'no reason given'}")
        elif not run.complete:
            notes.append(f"{run.label} is left out of performance: {run.done} of {run.total} sequences")
        else:
            kept.append(run)
    return tuple(kept), tuple(notes)


def values(runs: Sequence[RunSample], name: str) -> np.ndarray:
    """Badness [R] of the runs that have a number for this metric."""
    metric = METRICS[name]
    found = [run.performance.get(name) for run in runs]
    return metric.badness(np.array([value for value in found if metric.has(value)], dtype=np.float64))


def noise_floor(side: Side, rule: Rule) -> dict[str, float]:
    """Metric -> standard deviation of single runs (a CV; utilization: points / 100), from rule.min_runs runs on.

    `side` holds all A/A repeats, both groups of five of `vp-tui calibrate`. This is the `calibration` of `compare`.
    """
    runs, _ = usable(side.runs)
    found = {name: values(runs, name) for name in METRICS}
    return {name: float(sample_R.std(ddof=1)) for name, sample_R in found.items() if len(sample_R) >= rule.min_runs}
