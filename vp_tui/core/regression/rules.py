"""All numbers of the regression rule, each with its reason; included in every comparison report."""

import math
from dataclasses import dataclass

from vp_tui.core.gates.embeddings import M1
from vp_tui.core.regression.metrics import Metric
from vp_tui.core.regression.worse import INFLATION, MIN_EFFECT_SPEED
from vp_tui.core.thresholds import Thresholds


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """Tolerated loss of a metric as a fraction; `calibrated` if based on measured noise."""

    tau: float
    calibrated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Version 2 of the rule. Fractions, not percent."""

    rule_version: int = 2

    cosine_limit: float = Thresholds().fail(M1)
    """A sequence passes above this cosine similarity (M1)."""
    max_below: int = 0
    """Sequences of a stratum that may fail."""
    bound_alpha: float = 0.05
    """The true rate of failing sequences is bounded with 95 % confidence."""

    alpha: float = 0.05
    """Level of the primary metric, and of the family of secondary metrics under Holm."""
    interval_alpha: float = 0.05
    """Shown interval: 95 %."""
    equivalence_alpha: float = 0.05
    """Each side of the two one-sided tests: the 90 % interval must lie inside the tolerance."""
    min_runs: int = 5
    """Fresh runs per side for the permutation test: below five it cannot reach 0.05 under Holm (1/252 at 5 v 5).

    Fewer runs are judged by the noise of single runs: calibrated, or assumed (Metric.default_noise).
    """

    min_effect_speed: float = MIN_EFFECT_SPEED
    min_effect_memory: float = 0.02
    """Peak memory is nearly deterministic; 2 % is an additional buffer."""
    min_effect_utilization: float = 0.05
    """5 percentage points."""
    noise_factor: float = 3.0
    """tau = max(min effect, 3 CV_AA): three standard deviations of what an A/A comparison shows."""
    median_share: float = 0.5356
    """CV_AA of the primary metric as a share of the CV of single runs: the compared number is a median of five.

    (Standard deviation of the median of five normal numbers.) Each additional secondary metric can raise a false alarm,
    so their CV_AA is that of single runs. How often a loss is found is simulated: docs/comparisons.md.
    """
    few_runs_factor: float = 4.0
    """Below five runs a side tau = max(min effect, 4 standard errors of the difference), the errors from the noise.

    The 90 % interval is 1.65 to 2.13 errors wide either way, so an A/A comparison lies inside in nine of ten.
    """
    least_noise: float = 0.001
    """Lower bound of the noise below five runs: repeats that happen to agree must not make 0.1 % significant."""
    uncalibrated_tau: float = 0.10
    """Without A/A noise a loss beyond twice the usual tolerance is SUSPECT; beyond `few_runs_factor` standard errors of
    the assumed noise it is REGRESSED."""
    largest_tau: float = 1.0
    """Speeds are not called equal within a tolerance in which twice the time counts as equal."""
    day_effect: float = 0.12
    """Sessions of one machine differ by about 4 % (standard deviation): up to three times that, a change that the
    reference arm of the same runs shows too is the machine's."""
    session_drift: float = 0.05
    """The same within one session: clocks drift while a machine warms up."""

    exact_up_to: int = 12
    """Runs per side up to which every relabelling is counted; above it a sample is drawn."""
    permutations: int = 20_000
    """Sampled relabellings: the standard error at p = 0.05 is 0.0015."""
    resamples: int = 10_000
    """Bootstrap resamples: 250 lie beyond each end of the 95 % interval."""
    repeats_factor: float = 12.4
    """2 (1.645 + 0.842)^2: runs per side for 80 % power at tau, times CV^2 / tau^2."""

    inflation: float = INFLATION
    """Of the median ratio."""
    """Relative L2 has its square root, which is the same growth."""
    epsilon: float = 1e-14
    """Added to both 1 - cosine: embeddings are stored in FP32, whose rounding (6e-8) makes an error of about that."""
    scale_change: float = 0.005
    """Change of the median length of the embeddings, relative to the reference's."""
    sign_alpha: float = 0.01
    """Sign test over the sequences of a stratum, under Holm: with many sequences 0.05 is too lenient."""

    shape_min_n: int = 30
    """Minimum number of sequences for a comparison of distributions."""
    shape_mean_shift: float = 0.1
    """Mean of log10(1 - cosine), in standard deviations of the baseline."""
    shape_sd_change: float = 0.1
    """Its standard deviation, relative."""
    shape_outlier_ratio: float = 2.0
    """Share of sequences beyond three standard deviations of the baseline, as a ratio."""

    def tolerance(self, metric: Metric, noise: float | None, *, is_primary: bool) -> Tolerance:
        """Return tau of one metric for five runs a side; `noise` is the CV of single A/A runs.

        A missing, negative or non-finite noise counts as uncalibrated: it must not make every loss tolerable.
        """
        if noise is None or not math.isfinite(noise) or noise < 0:
            return Tolerance(tau=self.uncalibrated_tau, calibrated=False)
        floor = self.noise_factor * noise * (self.median_share if is_primary else 1.0)
        return Tolerance(tau=max(self.min_effect(metric), floor), calibrated=True)

    def wide_tau(self, metric: Metric, error: float) -> float:
        """Return tau of a difference with this standard error, as it is used below five runs a side."""
        wide = self.few_runs_factor * error
        return max(self.min_effect(metric), wide if metric.kind == "utilization" else math.expm1(wide))

    def min_effect(self, metric: Metric) -> float:
        """Return the smallest relevant loss, as a fraction."""
        if metric.kind == "memory":
            return self.min_effect_memory
        if metric.kind == "utilization":
            return self.min_effect_utilization
        return self.min_effect_speed
