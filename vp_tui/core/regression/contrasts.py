"""Contrasts of fresh runs per metric: effect, intervals and p-values, before any decision.

The unit is one run in a fresh process, never a window of it: windows of a run share its clocks and neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vp_tui.core.measures.bootstrap import bootstrap_medians, percentile_interval
from vp_tui.core.regression.calibration import values
from vp_tui.core.regression.metrics import METRICS, PRIMARY, Metric
from vp_tui.core.regression.rules import Rule, Tolerance
from vp_tui.core.regression.samples import RunSample
from vp_tui.core.regression.statistics import (
    OneSided,
    holm_both,
    permutation,
    pooled_sd,
    prediction_p,
    repeats_needed,
    seed_of,
)

Mode = Literal["repeats", "single", "few", "missing"]
"""Five or more on both sides; fewer than five against five or more; a smaller baseline; a side without a value."""
NO_EVIDENCE = OneSided(greater=1.0, less=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A metric of both sides as badness: positive is worse."""

    metric: Metric
    is_primary: bool
    mode: Mode
    tolerance: Tolerance
    base: float | None
    """Median of the baseline's runs, in the metric's own unit."""
    cand: float | None
    n_base: int
    n_cand: int
    theta: float
    """median(candidate) - median(baseline); 0 if a side is missing."""
    shown: tuple[float, float] | None
    """95 % interval of theta; None below five runs on either side."""
    tost: tuple[float, float] | None
    """90 % interval of theta, for the two one-sided tests."""
    p: OneSided
    repeats: int
    """Fresh runs per side needed for a verdict."""

    @property
    def distance(self) -> float:
        """Return the tolerance on the scale of theta."""
        return self.metric.distance(self.tolerance.tau)


def contrasts(
    base: Sequence[RunSample], cand: Sequence[RunSample], *, rule: Rule, calibration: Mapping[str, float]
) -> list[Contrast]:
    """Return one contrast per metric with a value on either side, primary first; empty without runs on both sides."""
    if not base or not cand:
        return []
    samples = {name: (values(base, name), values(cand, name)) for name in METRICS}
    present = [name for name, (base_R, cand_R) in samples.items() if len(base_R) or len(cand_R)]
    primary = next((name for name in PRIMARY if all(len(sample_R) for sample_R in samples[name])), None)
    seed = seed_of({run.uuid for run in (*base, *cand)})
    return [
        _contrast(
            METRICS[name],
            *samples[name],
            rule=rule,
            noise=calibration.get(name),
            is_primary=name == primary,
            seed=seed,
        )
        for name in sorted(present, key=lambda name: name != primary)
    ]


def adjusted(found: Sequence[Contrast]) -> list[OneSided]:
    """Return p per contrast: primary unadjusted, others under Holm, each direction a family of its own."""
    family = iter(holm_both([contrast.p for contrast in found if not contrast.is_primary]))
    return [contrast.p if contrast.is_primary else next(family) for contrast in found]


def _contrast(
    metric: Metric,
    base_R: np.ndarray,
    cand_R: np.ndarray,
    *,
    rule: Rule,
    noise: float | None,
    is_primary: bool,
    seed: int,
) -> Contrast:
    mode = _mode(len(base_R), len(cand_R), rule)
    tolerance = rule.tolerance(metric, noise, is_primary=is_primary)
    base, cand = _median(base_R), _median(cand_R)
    shown, tost = _intervals(base_R, cand_R, seed, rule) if mode == "repeats" else (None, None)
    return Contrast(
        metric=metric,
        is_primary=is_primary,
        mode=mode,
        tolerance=tolerance,
        base=None if base is None else metric.value(base),
        cand=None if cand is None else metric.value(cand),
        n_base=len(base_R),
        n_cand=len(cand_R),
        theta=0.0 if base is None or cand is None else cand - base,
        shown=shown,
        tost=tost,
        p=_evidence(base_R, cand_R, mode, seed, rule),
        repeats=_repeats(base_R, cand_R, noise if tolerance.calibrated else None, tolerance.tau, mode, rule),
    )


def _mode(n_base: int, n_cand: int, rule: Rule) -> Mode:
    if not n_base or not n_cand:
        return "missing"
    if n_base < rule.min_runs:
        return "few"
    return "repeats" if n_cand >= rule.min_runs else "single"


def _median(sample_R: np.ndarray) -> float | None:
    return float(np.median(sample_R)) if len(sample_R) else None


def _intervals(
    base_R: np.ndarray, cand_R: np.ndarray, seed: int, rule: Rule
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the shown interval and that of the two one-sided tests, from the same resamples."""
    medians_B = bootstrap_medians(base_R, cand_R, seed=seed, resamples=rule.resamples)
    return (
        percentile_interval(medians_B, rule.interval_alpha),
        percentile_interval(medians_B, 2 * rule.equivalence_alpha),
    )


def _evidence(base_R: np.ndarray, cand_R: np.ndarray, mode: Mode, seed: int, rule: Rule) -> OneSided:
    """Return p of both directions; a single run can only be evidence against the candidate."""
    if mode == "repeats":
        return permutation(base_R, cand_R, seed=seed, exact_up_to=rule.exact_up_to, draws=rule.permutations)
    if mode == "single":
        # two to four runs count as one: their median against the interval for a single run
        chance = prediction_p(base_R, float(np.median(cand_R)), sd_floor=rule.prediction_sd_floor)
        return OneSided(greater=chance, less=1.0)
    return NO_EVIDENCE


def _repeats(base_R: np.ndarray, cand_R: np.ndarray, noise: float | None, tau: float, mode: Mode, rule: Rule) -> int:
    """Return the runs needed for the larger known noise, at least twice the current number (interval 1.4 narrower)."""
    known = [sd for sd in (noise, pooled_sd(base_R, cand_R)) if sd is not None]
    needed = repeats_needed(max(known, default=0.0), tau, factor=rule.repeats_factor, at_least=rule.min_runs)
    return max(needed, 2 * min(len(base_R), len(cand_R))) if mode == "repeats" else needed
