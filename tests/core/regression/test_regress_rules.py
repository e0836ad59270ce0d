"""The numbers of the rule, its inputs, its order of outcomes and their exit codes."""

import dataclasses
import json
import math

import numpy as np
import pytest
from regress_samples import pairs, run, side

from vp_tui.core.errors import ExitCode
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.regression.calibration import noise_floor
from vp_tui.core.regression.metrics import METRICS
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import Side
from vp_tui.core.regression.statistics import median_error
from vp_tui.core.regression.verdicts import ORDER, exit_code, worst
from vp_tui.core.thresholds import Thresholds

RULE = Rule()
SPEED, MEMORY, UTILIZATION = METRICS["tokens_per_s"], METRICS["peak_memory_mib"], METRICS["gpu_utilization"]


def test_the_rule_is_stored_as_strict_json_with_every_comparison():
    document = json.loads(json.dumps(dataclasses.asdict(RULE), allow_nan=False))
    assert document["rule_version"] == 2
    assert document["cosine_limit"] == Thresholds().fail(M1)


@pytest.mark.parametrize(
    ("metric", "tau"),
    [
        (SPEED, 0.05),
        (METRICS["load_seconds"], 0.05),
        (MEMORY, 0.02),
        (UTILIZATION, 0.05),
    ],
)
def test_without_noise_the_tolerance_is_the_smallest_effect_that_matters(metric, tau):
    found = RULE.tolerance(metric, 0.0, is_primary=True)
    assert (found.tau, found.calibrated) == (tau, True)


def test_noise_raises_the_tolerance_of_the_primary_metric_to_three_deviations_of_a_median_of_five():
    found = RULE.tolerance(SPEED, 0.05, is_primary=True)
    assert found.tau == pytest.approx(3 * 0.5356 * 0.05)


def test_noise_raises_the_tolerance_of_a_secondary_metric_to_three_deviations_of_single_runs():
    assert RULE.tolerance(SPEED, 0.05, is_primary=False).tau == pytest.approx(0.15)


def test_the_share_of_the_median_is_that_of_five_normal_numbers():
    medians = np.median(np.random.default_rng(0).normal(size=(200_000, 5)), axis=1)
    # standard error of a standard deviation from 200,000 numbers: 0.0009
    assert RULE.median_share == pytest.approx(medians.std(), abs=0.003)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8])
def test_the_error_of_a_median_of_a_few_runs_is_that_of_normal_numbers(n):
    medians = np.median(np.random.default_rng(n).normal(size=(200_000, n)), axis=1)
    # above five the error of large samples is used: at 8 it is 8 % too wide, never too narrow
    assert medians.std() - 0.003 < median_error(1.0, n) < 1.1 * medians.std()


@pytest.mark.parametrize("noise", [None, math.nan, math.inf, -0.1])
def test_a_noise_that_is_no_number_is_no_calibration(noise):
    found = RULE.tolerance(SPEED, noise, is_primary=True)
    assert (found.tau, found.calibrated) == (0.10, False)


def test_outcomes_are_ordered_from_the_gravest():
    assert ORDER == (
        "FAIL", "INCOMPLETE", "NOT_COMPARABLE", "REGRESSED", "SUSPECT", "INCONCLUSIVE",
        "IMPROVED", "EQUIVALENT", "IDENTICAL",
    )  # fmt: skip
    assert worst(["IDENTICAL", "INCONCLUSIVE", "IMPROVED"]) == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("outcome", "plain", "strict"),
    [
        ("FAIL", 4, 4),
        ("INCOMPLETE", 7, 7),
        ("NOT_COMPARABLE", 5, 5),
        ("REGRESSED", 3, 3),
        ("SUSPECT", 0, 6),
        ("INCONCLUSIVE", 0, 6),
        ("IMPROVED", 0, 0),
        ("EQUIVALENT", 0, 0),
        ("IDENTICAL", 0, 0),
    ],
)
def test_every_outcome_has_its_exit_code(outcome, plain, strict):
    assert (exit_code(outcome), exit_code(outcome, strict=True)) == (ExitCode(plain), ExitCode(strict))


def test_badness_rises_with_time_and_falls_with_speed():
    assert SPEED.badness(np.array([500.0, 1000.0]))[0] > SPEED.badness(np.array([500.0, 1000.0]))[1]
    assert MEMORY.badness(np.array([500.0, 1000.0]))[0] < MEMORY.badness(np.array([500.0, 1000.0]))[1]
    for metric, value in ((SPEED, 1234.0), (MEMORY, 77.0), (UTILIZATION, 81.0)):
        assert metric.value(float(metric.badness(np.array([value]))[0])) == pytest.approx(value, rel=1e-12)


def test_a_loss_of_speed_is_told_in_time_and_its_change_in_speed():
    theta = float(np.diff(SPEED.badness(np.array([1000.0, 900.0])))[0])
    assert SPEED.loss(theta) == pytest.approx(1000 / 900 - 1)
    assert SPEED.change(theta) == pytest.approx(-0.1)
    points = float(np.diff(UTILIZATION.badness(np.array([90.0, 80.0])))[0])
    assert (UTILIZATION.loss(points), UTILIZATION.change(points)) == pytest.approx((0.1, -0.1))


@pytest.mark.parametrize("value", [None, math.nan, math.inf, -math.inf, 0.0, -1.0])
def test_a_number_without_a_logarithm_is_none(value):
    assert not SPEED.has(value)


def test_no_utilization_at_all_is_a_number_and_less_than_none_is_not():
    assert UTILIZATION.has(0.0)
    assert not UTILIZATION.has(-1.0)


def test_inputs_that_cannot_be_meant_are_refused():
    with pytest.raises(ValueError, match="metric: speed"):
        run(performance={"speed": 1.0})
    with pytest.raises(ValueError, match="one run"):
        Side(runs=())
    with pytest.raises(ValueError, match="twice"):
        Side(runs=(run("a"), run("a")))
    with pytest.raises(ValueError, match="one configuration"):
        Side(runs=(run("a"), run("b", perf_key="p2")))
    with pytest.raises(ValueError, match="of one length"):
        pairs([1.0, 1.0], [1.0])
    with pytest.raises(ValueError, match="stratum"):
        pairs([1.0], [1.0], "tiny")


def test_the_noise_floor_is_the_spread_of_valid_complete_repeats():
    good = side("a", (1000.0, 1010.0, 990.0, 1000.0, 1005.0), metrics={"gpu_utilization": (90, 91, 92, 93, 94)})
    broken = (run("x", perf_valid=False, performance={"tokens_per_s": 1.0}), run("y", done=1))
    found = noise_floor(Side(runs=(*good.runs, *broken)), RULE)
    assert found["tokens_per_s"].sd == pytest.approx(np.log([1000, 1010, 990, 1000, 1005]).std(ddof=1))
    assert found["gpu_utilization"].sd == pytest.approx(np.std([0.90, 0.91, 0.92, 0.93, 0.94], ddof=1))
    assert {one.freedom for one in found.values()} == {4}
    assert "load_seconds" not in found


def test_the_noise_relative_to_the_reference_arm_is_free_of_what_both_arms_share():
    day_R = np.exp(0.05 * np.random.default_rng(0).normal(size=10))
    repeats = tuple(
        run(f"a{i}", performance={"tokens_per_s": 1000.0 * day}, reference={"tokens_per_s": 100.0 * day})
        for i, day in enumerate(day_R)
    )
    found = noise_floor(Side(runs=repeats), RULE)
    assert found["tokens_per_s"].sd > 0.02
    assert found["tokens_per_s/reference"].sd < 1e-12


def test_four_repeats_are_no_calibration():
    assert noise_floor(side("a", (1000.0, 1010.0, 990.0, 1000.0)), RULE) == {}
