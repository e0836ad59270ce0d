"""Performance by hand: one comparison for every outcome, with its sentence."""

import math

import pytest
from regress_samples import CALIBRATION, STEADY, compared, run, side, slower

from vp_tui.core.regression.samples import Side


def test_the_same_speed_is_equivalent():
    found = compared()
    assert (found.outcome, found.accuracy.outcome, found.performance.outcome) == (
        "EQUIVALENT",
        "IDENTICAL",
        "EQUIVALENT",
    )
    assert found.sentence == (
        "performance is equivalent: tokens/s 0.0% [-0.3, +0.3], p 0.56, 5 against 5 runs, limit 5%; "
        "accuracy is identical: all: 90 cosines are bit-identical"
    )


def test_a_tenth_less_speed_is_a_regression():
    found = compared(cand=side("c", slower(0.9)))
    assert (found.outcome, found.exit_code()) == ("REGRESSED", 3)
    assert found.sentence.startswith(
        "performance regressed: tokens/s -10.0% [-10.3, -9.7], p 0.004, 5 against 5 runs, limit 5%; accuracy is"
    )
    item = found.performance.items[0]
    assert (item.name, item.scope, item.n_base, item.n_cand, item.repeats) == ("tokens_per_s", "all", 5, 5, None)
    assert (item.base, item.cand, item.change) == pytest.approx((1000.0, 900.0, -0.1))
    assert item.low < item.change < item.high
    assert (item.p_raw, item.p, item.limit) == (1 / 252, 1 / 252, 0.05)


def test_a_tenth_more_speed_is_an_improvement():
    found = compared(cand=side("c", slower(1.1)))
    assert (found.outcome, found.exit_code(strict=True)) == ("IMPROVED", 0)
    assert found.sentence.startswith("performance improved: tokens/s +10.0% [")


def test_a_significant_loss_below_the_limit_is_no_regression():
    found = compared(cand=side("c", slower(0.96)))
    assert found.performance.items[0].p == 1 / 252
    assert found.performance.outcome == "EQUIVALENT"


def test_an_interval_across_the_limit_is_inconclusive_and_says_how_many_runs():
    found = compared(cand=side("c", (1000.0, 900.0, 960.0, 1040.0, 930.0)))
    assert (found.outcome, found.exit_code(), found.exit_code(strict=True)) == ("INCONCLUSIVE", 0, 6)
    assert found.performance.items[0].repeats == 10
    assert "10 fresh runs per side" in found.sentence


def test_runs_needed_grow_with_the_noise_that_was_seen():
    noisy = (1000.0, 800.0, 1200.0, 1100.0, 900.0)
    item = compared(side("b", noisy), side("c", noisy)).performance.items[0]
    # CV 16 % at a limit of 5 %: 12.4 (0.160 / 0.05)^2
    assert (item.outcome, item.repeats) == ("INCONCLUSIVE", 128)


def test_without_a_calibration_a_regression_is_only_suspect():
    found = compared(cand=side("c", slower(0.85)), calibration=None)
    assert (found.outcome, found.exit_code(), found.exit_code(strict=True)) == ("SUSPECT", 0, 6)
    assert found.performance.items[0].limit == 0.1
    assert "vp-tui calibrate" in found.sentence
    assert compared(cand=side("c", slower(0.92)), calibration=None).outcome == "EQUIVALENT"


@pytest.mark.parametrize("noise", [math.nan, math.inf, -1.0])
def test_a_broken_calibration_does_not_excuse_a_loss(noise):
    assert compared(cand=side("c", slower(0.8)), calibration={"tokens_per_s": noise}).outcome == "SUSPECT"


def test_one_slow_run_against_five_is_suspect():
    found = compared(cand=side("c", (850.0,)))
    assert (found.outcome, found.performance.items[0].outcome) == ("SUSPECT", "SUSPECT")
    assert found.sentence.startswith(
        "performance is suspect: tokens/s -15.0%, p 6e-05, 5 against 1 run, limit 5%, "
        "beyond the 99% prediction interval; 5 fresh runs per side "
    )


@pytest.mark.parametrize("speed", [1000.0, 960.0, 1300.0])
def test_one_ordinary_run_is_inconclusive_and_so_is_a_fast_one(speed):
    found = compared(cand=side("c", (speed,)))
    assert (found.outcome, found.performance.items[0].repeats) == ("INCONCLUSIVE", 5)
    assert "5 fresh runs per side" in found.sentence


def test_a_loss_beyond_the_interval_but_below_the_limit_is_not_suspect():
    assert compared(side("b", (1000.0,) * 8), side("c", (955.0,))).outcome == "INCONCLUSIVE"


def test_two_to_four_runs_count_as_one():
    assert compared(cand=side("c", (850.0, 851.0, 852.0, 853.0))).outcome == "SUSPECT"


@pytest.mark.parametrize("base", [(1000.0,), STEADY[:4]])
def test_a_run_against_fewer_than_five_has_no_spread_to_be_judged_by(base):
    found = compared(side("b", base), side("c", (300.0,)))
    assert (found.performance.outcome, found.performance.items[0].p_raw) == ("INCONCLUSIVE", None)
    assert "tokens/s -70.0%" in found.sentence


def test_secondary_metrics_are_adjusted_and_can_regress_alone():
    memory = {"peak_memory_mib": (500.0, 500.0, 500.0, 500.0, 500.0)}
    more = {"peak_memory_mib": (520.0, 520.0, 520.0, 520.0, 520.0)}
    load = {"load_seconds": STEADY}
    found = compared(side("b", STEADY, metrics=memory | load), side("c", STEADY, metrics=more | load))
    assert found.outcome == "REGRESSED"
    assert found.performance.sentence == (
        "performance regressed: peak memory +4.0% [+4.0, +4.0], p 0.008 under Holm, 5 against 5 runs, limit 2%"
    )
    item = next(item for item in found.performance.items if item.name == "peak_memory_mib")
    assert (item.p_raw, item.p) == pytest.approx((1 / 252, 2 / 252))


def test_several_regressed_metrics_are_counted_behind_the_primary_one():
    found = compared(
        side("b", STEADY, metrics={"load_seconds": STEADY}),
        side("c", slower(0.8), metrics={"load_seconds": slower(1.5)}),
    )
    assert found.performance.sentence.startswith("performance regressed: tokens/s -20.0%")
    assert found.performance.sentence.endswith("limit 5% (and 1 more of 2 metrics)")


def test_a_noisy_secondary_metric_is_a_note_and_no_verdict():
    noisy = {"load_seconds": (1.0, 2.0, 3.0, 1.5, 2.5)}
    found = compared(side("b", STEADY, metrics=noisy), side("c", STEADY, metrics=noisy))
    assert found.outcome == "EQUIVALENT"
    assert [note for note in found.notes if note.startswith("inconclusive: load time")]


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, 0.0])
def test_a_number_that_one_side_lacks_never_passes(missing):
    has, lacks = {"peak_memory_mib": (500.0,) * 5}, {"peak_memory_mib": (missing,) * 5}
    for base, cand in ((has, lacks), (lacks, has)):
        found = compared(side("b", STEADY, metrics=base), side("c", STEADY, metrics=cand))
        assert found.outcome == "INCONCLUSIVE"
        assert "peak memory" in found.sentence


def test_end_to_end_tokens_decide_where_they_are_measured():
    whole = {"end_to_end_tokens_per_s": STEADY}
    found = compared(side("b", STEADY, metrics=whole), side("c", slower(0.9), metrics=whole), calibration={
        **CALIBRATION, "end_to_end_tokens_per_s": 0.01,
    })  # fmt: skip
    assert [item.name for item in found.performance.items] == ["end_to_end_tokens_per_s", "tokens_per_s"]
    assert [item.outcome for item in found.performance.items] == ["EQUIVALENT", "REGRESSED"]


def test_utilization_is_told_in_points():
    busy = {"gpu_utilization": (90.0, 90.5, 89.5, 90.2, 89.8)}
    idle = {"gpu_utilization": (80.0, 80.5, 79.5, 80.2, 79.8)}
    found = compared(side("b", STEADY, metrics=busy), side("c", STEADY, metrics=idle))
    item = found.performance.items[1]
    assert (item.outcome, item.base, item.cand, item.change) == (
        "REGRESSED",
        90.0,
        pytest.approx(80.0),
        pytest.approx(-0.1),
    )
    assert "GPU utilization -10.0 pt [-10.7, -9.3]" in item.reason


def test_a_run_whose_times_are_not_valid_is_left_out_with_its_reason():
    spoilt = run("c99", performance={"tokens_per_s": 10.0}, perf_valid=False, perf_reason="the GPU throttled")
    found = compared(cand=Side(runs=(*side("c", STEADY).runs, spoilt)))
    assert found.outcome == "EQUIVALENT"
    assert any("c99" in note and "the GPU throttled" in note for note in found.notes)


def test_without_a_valid_run_performance_is_inconclusive():
    found = compared(cand=side("c", STEADY, perf_valid=False, perf_reason="another process on the GPU"))
    assert (found.performance.outcome, found.outcome) == ("INCONCLUSIVE", "INCONCLUSIVE")
    assert "5 against 0 runs with valid times; 5 fresh runs per side are needed" in found.sentence


def test_a_run_held_against_itself_is_noted():
    one = side("b")
    found = compared(one, one)
    assert (found.accuracy.outcome, found.outcome) == ("IDENTICAL", "INCONCLUSIVE")
    assert "1 run on both sides: the two samples are not independent" in found.notes


def test_a_secondary_metric_cannot_speak_for_a_primary_one_that_is_open():
    steady = {"peak_memory_mib": (500.0,) * 5}
    noisy = (1000.0, 900.0, 960.0, 1040.0, 930.0)
    found = compared(side("b", STEADY, metrics=steady), side("c", noisy, metrics=steady))
    assert [item.outcome for item in found.performance.items] == ["INCONCLUSIVE", "EQUIVALENT"]
    assert found.outcome == "INCONCLUSIVE"


def test_without_a_primary_metric_every_one_counts():
    metrics = {"peak_memory_mib": (500.0,) * 5, "load_seconds": (1.0, 2.0, 3.0, 1.5, 2.5)}
    none = (None,) * 5
    found = compared(side("b", none, metrics=metrics), side("c", none, metrics=metrics))
    assert {item.name: item.outcome for item in found.performance.items} == {
        "peak_memory_mib": "EQUIVALENT",
        "load_seconds": "INCONCLUSIVE",
    }
    assert found.performance.outcome == "INCONCLUSIVE"
