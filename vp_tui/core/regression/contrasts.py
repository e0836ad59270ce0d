"""Contrasts of fresh runs per metric: effect, intervals and p-values, before any decision.

The unit is one run in a fresh process, never a window of it: windows of a run share its clocks and neighbours.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from vp_tui.core.measures.bootstrap import bootstrap_medians, percentile_interval
from vp_tui.core.regression.calibration import CONTROLLED, Noise, relative_values, values
from vp_tui.core.regression.metrics import METRICS, PRIMARY, Metric
from vp_tui.core.regression.rules import Rule, Tolerance
from vp_tui.core.regression.samples import RunSample
from vp_tui.core.regression.statistics import (
    OneSided,
    holm_both,
    median_error,
    permutation,
    pooled_sd,
    repeats_needed,
    seed_of,
    t_interval,
    t_test,
)

Mode = Literal["repeats", "few", "missing"]
"""Five or more runs on both sides; fewer on one; a side without a value."""
Interval = tuple[float, float]
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
    """95 % interval of theta."""
    tost: tuple[float, float] | None
    """90 % interval of theta, for the two one-sided tests."""
    p: OneSided
    repeats: int
    """Fresh runs per side needed for a verdict."""
    wide: float
    """Loss that no assumed noise explains, on the scale of theta: REGRESSED even without a calibration."""
    control: "Contrast | None" = None
    """The same metric relative to the reference arm of the same runs; None where a run has none of its own."""

    @property
    def distance(self) -> float:
        """Return the tolerance on the scale of theta."""
        return self.metric.distance(self.tolerance.tau)


def contrasts(
    base: Sequence[RunSample], cand: Sequence[RunSample], *, rule: Rule, calibration: Mapping[str, Noise]
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
            control=_control(name, base, cand, rule, calibration, is_primary=name == primary, seed=seed),
        )
        for name in sorted(present, key=lambda name: name != primary)
    ]


def _control(
    name: str,
    base: Sequence[RunSample],
    cand: Sequence[RunSample],
    rule: Rule,
    calibration: Mapping[str, Noise],
    *,
    is_primary: bool,
    seed: int,
) -> Contrast | None:
    """Return the contrast relative to the reference arms; None unless every run has its own."""
    sides = relative_values(base, name), relative_values(cand, name)
    if not METRICS[name].has_control or not all(len(sample_R) for sample_R in sides):
        return None
    noise = calibration.get(f"{name}{CONTROLLED}")
    return _contrast(METRICS[name], *sides, rule=rule, noise=noise, is_primary=is_primary, seed=seed)


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
    noise: Noise | None,
    is_primary: bool,
    seed: int,
    control: Contrast | None = None,
) -> Contrast:
    known = noise if noise is not None and noise.is_known else None
    mode = _mode(len(base_R), len(cand_R), rule)
    base, cand = _median(base_R), _median(cand_R)
    theta = 0.0 if base is None or cand is None else cand - base
    tolerance = rule.tolerance(metric, None if known is None else known.sd, is_primary=is_primary)
    error, freedom = _error(metric, base_R, cand_R, known, rule)
    shown, tost, p, wide_tau = None, None, NO_EVIDENCE, rule.wide_tau(metric, error)
    if mode == "repeats":
        shown, tost, p = _by_relabelling(base_R, cand_R, seed, rule)
    elif mode == "few":
        tolerance = Tolerance(tau=wide_tau, calibrated=tolerance.calibrated)
        shown, tost, p = _by_noise(theta, error, freedom, rule)
    return Contrast(
        metric=metric,
        is_primary=is_primary,
        mode=mode,
        tolerance=tolerance,
        base=_own(metric, base),
        cand=_own(metric, cand),
        n_base=len(base_R),
        n_cand=len(cand_R),
        theta=theta,
        shown=shown,
        tost=tost,
        p=p,
        repeats=_repeats(metric, base_R, cand_R, known, mode, rule),
        wide=metric.distance(wide_tau),
        control=control,
    )


def _by_noise(theta: float, error: float, freedom: float, rule: Rule) -> tuple[Interval, Interval, OneSided]:
    """Return the shown interval, that of the two one-sided tests, and p, from a known standard error."""
    return (
        t_interval(theta, error, freedom, rule.interval_alpha),
        t_interval(theta, error, freedom, 2 * rule.equivalence_alpha),
        t_test(theta, error, freedom),
    )


def _own(metric: Metric, badness: float | None) -> float | None:
    return None if badness is None else metric.value(badness)


def _mode(n_base: int, n_cand: int, rule: Rule) -> Mode:
    if not n_base or not n_cand:
        return "missing"
    return "repeats" if min(n_base, n_cand) >= rule.min_runs else "few"


def _median(sample_R: np.ndarray) -> float | None:
    return float(np.median(sample_R)) if len(sample_R) else None


def _error(
    metric: Metric, base_R: np.ndarray, cand_R: np.ndarray, noise: Noise | None, rule: Rule
) -> tuple[float, float]:
    """Return the standard error of theta and its degrees of freedom, from the noise of single runs.

    The noise is the calibrated one, or the assumed one, or what the runs themselves show where that is more.
    """
    sd, freedom = (metric.default_noise, math.inf) if noise is None else (noise.sd, float(noise.freedom))
    sd = max(sd, pooled_sd(base_R, cand_R) or 0.0, rule.least_noise)
    errors = [median_error(sd, max(1, len(sample_R))) for sample_R in (base_R, cand_R)]
    return math.hypot(*errors), freedom


def _by_relabelling(
    base_R: np.ndarray, cand_R: np.ndarray, seed: int, rule: Rule
) -> tuple[Interval, Interval, OneSided]:
    """Return the shown interval and that of the two one-sided tests, from the same resamples, and p."""
    medians_B = bootstrap_medians(base_R, cand_R, seed=seed, resamples=rule.resamples)
    return (
        percentile_interval(medians_B, rule.interval_alpha),
        percentile_interval(medians_B, 2 * rule.equivalence_alpha),
        permutation(base_R, cand_R, seed=seed, exact_up_to=rule.exact_up_to, draws=rule.permutations),
    )


def _repeats(
    metric: Metric, base_R: np.ndarray, cand_R: np.ndarray, noise: Noise | None, mode: Mode, rule: Rule
) -> int:
    """Return the runs needed for the larger known noise, at least twice the current number (interval 1.4 narrower)."""
    known = [sd for sd in (None if noise is None else noise.sd, pooled_sd(base_R, cand_R)) if sd is not None]
    tau = rule.min_effect(metric) if noise is not None else rule.uncalibrated_tau
    needed = repeats_needed(max(known, default=0.0), tau, factor=rule.repeats_factor, at_least=rule.min_runs)
    return max(needed, 2 * min(len(base_R), len(cand_R))) if mode == "repeats" else needed
