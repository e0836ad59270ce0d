"""Performance by hand: one comparison for every outcome, with its sentence."""

import math

import pytest
from regress_samples import CALIBRATION, STEADY, compared, noise, run, side, slower

from vp_tui.core.regression.samples import Side


def test_the_same_speed_is_equivalent():
    found = compared()
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "EQUIVALENT"}
    assert found.words == "accuracy IDENTICAL, performance EQUIVALENT"
    assert found.sentences["performance"] == (
        "performance is equivalent: tokens/s 0.0% [-0.3, +0.3], p 0.56, 5 against 5 runs, limit 5%"
    )
    assert found.sentence == "; ".join(found.sentences.values())


def test_a_tenth_less_speed_is_a_regression():
    found = compared(cand=side("c", slower(0.9)))
    assert (found.performance.outcome, found.exit_code()) == ("REGRESSED", 3)
    assert found.performance.sentence == (
        "performance regressed: tokens/s -10.0% [-10.3, -9.7], p 0.004, 5 against 5 runs, limit 5%"
    )
    item = found.performance.items[0]
    assert (item.name, item.scope, item.n_base, item.n_cand, item.repeats) == ("tokens_per_s", "all", 5, 5, None)
    assert (item.base, item.cand, item.change) == pytest.approx((1000.0, 900.0, -0.1))
    assert item.low < item.change < item.high
    assert (item.p_raw, item.p, item.limit) == (1 / 252, 1 / 252, 0.05)


def test_a_tenth_more_speed_is_an_improvement():
    found = compared(cand=side("c", slower(1.1)))
    assert (found.performance.outcome, found.exit_code(strict=True)) == ("IMPROVED", 0)
    assert found.performance.sentence.startswith("performance improved: tokens/s +10.0% [")


def test_a_significant_loss_below_the_limit_is_no_regression():
    found = compared(cand=side("c", slower(0.96)))
    assert found.performance.items[0].p == 1 / 252
    assert found.performance.outcome == "EQUIVALENT"


def test_an_interval_across_the_limit_is_inconclusive_and_says_how_many_runs():
    found = compared(cand=side("c", (1000.0, 900.0, 960.0, 1040.0, 930.0)))
    assert (found.performance.outcome, found.exit_code(), found.exit_code(strict=True)) == ("INCONCLUSIVE", 0, 6)
    assert found.performance.items[0].repeats == 10
    assert "10 fresh runs per side" in found.sentence


def test_runs_needed_grow_with_the_noise_that_was_seen():
    noisy = (1000.0, 800.0, 1200.0, 1100.0, 900.0)
    item = compared(side("b", noisy), side("c", noisy)).performance.items[0]
    # CV 16 % at a limit of 5 %: 12.4 (0.160 / 0.05)^2
    assert (item.outcome, item.repeats) == ("INCONCLUSIVE", 128)


def test_without_a_calibration_a_loss_is_suspect_and_one_beyond_the_assumed_noise_a_regression():
    found = compared(cand=side("c", slower(0.88)), calibration=None)
    assert (found.performance.outcome, found.exit_code(), found.exit_code(strict=True)) == ("SUSPECT", 0, 6)
    assert found.performance.items[0].limit == 0.1
    assert "vp-tui calibrate" in found.sentence
    assert compared(cand=side("c", slower(0.92)), calibration=None).performance.outcome == "EQUIVALENT"
    # four standard errors of two medians of five at an assumed CV of 5 %: 15 %
    assert compared(cand=side("c", slower(0.84)), calibration=None).exit_code() == 3


@pytest.mark.parametrize("sd", [math.nan, math.inf, -1.0])
def test_a_broken_calibration_does_not_excuse_a_loss(sd):
    found = compared(cand=side("c", slower(0.88)), calibration=noise(tokens_per_s=sd))
    assert found.performance.outcome == "SUSPECT"


@pytest.mark.parametrize("calibration", [CALIBRATION, None])
def test_one_run_a_side_that_is_half_as_slow_again_is_a_regression(calibration):
    for speed in (1000 / 1.5, 500.0):
        found = compared(side("b"), side("c", (speed,)), calibration=calibration)
        assert (found.verdicts["performance"], found.exit_code()) == ("REGRESSED", 3)
        back = compared(side("b", (speed,)), side("c"), calibration=calibration)
        assert back.verdicts["performance"] == "IMPROVED"


def test_the_limit_of_one_run_a_side_is_four_errors_of_the_noise():
    found = compared(side("b"), side("c"))
    item = found.performance.items[0]
    assert (item.outcome, item.limit) == ("EQUIVALENT", pytest.approx(math.expm1(4 * math.sqrt(2) * 0.01)))
    assert item.low == pytest.approx(-item.high, rel=0.05)
    loose = compared(side("b"), side("c"), calibration=None).performance.items[0]
    assert (loose.outcome, loose.limit) == ("EQUIVALENT", pytest.approx(math.expm1(4 * math.sqrt(2) * 0.05)))
    assert "without a calibration" in loose.reason


@pytest.mark.parametrize(
    ("count", "limit"), [((1, 1), 4 * math.sqrt(2)), ((3, 3), 4 * math.sqrt(0.8974)), ((5, 1), 4 * math.sqrt(1.2868))]
)
def test_more_runs_narrow_the_limit_as_their_median_is_steadier(count, limit):
    base, cand = (side(name, (1000.0,) * n) for name, n in zip("bc", count, strict=True))
    item = compared(base, cand, calibration=noise(tokens_per_s=0.02)).performance.items[0]
    assert item.limit == pytest.approx(math.expm1(0.02 * limit), rel=1e-3)


def test_runs_that_differ_more_than_the_calibration_are_judged_by_their_own_spread():
    found = compared(side("b", (1000.0, 700.0, 1400.0)), side("c", (900.0, 600.0, 1200.0)))
    assert found.performance.outcome in {"EQUIVALENT", "INCONCLUSIVE"}
    assert found.performance.items[0].limit > 0.5


def test_a_machine_on_which_twice_the_time_lies_within_the_limit_finds_no_speeds_equal():
    for count, cv in ((1, 0.2), (5, 0.7)):
        base, cand = (side(name, (1000.0,) * count) for name in "bc")
        found = compared(base, cand, calibration=noise(tokens_per_s=cv)).performance
        assert (found.outcome, found.items[0].repeats) == ("INCONCLUSIVE", None)
        assert "vp-tui calibrate" in found.sentence
    assert compared(side("b"), side("c"), calibration=noise(tokens_per_s=0.1)).performance.outcome == "EQUIVALENT"


def test_a_memory_that_is_a_twentieth_larger_regresses_from_one_run_a_side_if_calibrated():
    base, cand = {"peak_memory_mib": (500.0,)}, {"peak_memory_mib": (525.0,)}
    outcomes = [
        compared(side("b", metrics=base), side("c", metrics=cand), calibration=calibration).performance.items[1].outcome
        for calibration in (CALIBRATION, None)
    ]
    assert outcomes[0] == "REGRESSED"
    assert outcomes[1] != "REGRESSED"


def test_a_cold_load_is_no_regression_without_a_calibration():
    base, cand = {"load_seconds": (2.0,)}, {"load_seconds": (9.0,)}
    found = compared(side("b", metrics=base), side("c", metrics=cand), calibration=None)
    assert found.exit_code() == 0


def test_secondary_metrics_are_adjusted_and_can_regress_alone():
    memory = {"peak_memory_mib": (500.0, 500.0, 500.0, 500.0, 500.0)}
    more = {"peak_memory_mib": (520.0, 520.0, 520.0, 520.0, 520.0)}
    load = {"load_seconds": STEADY}
    found = compared(side("b", STEADY, metrics=memory | load), side("c", STEADY, metrics=more | load))
    assert found.performance.outcome == "REGRESSED"
    assert found.performance.sentence == (
        "performance regressed: peak memory +4.0% [+4.0, +4.0], p 0.008 adjusted, 5 against 5 runs, limit 2%"
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
    assert found.performance.outcome == "EQUIVALENT"
    assert [note for note in found.notes if note.startswith("inconclusive: load time")]


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, 0.0])
def test_a_number_that_one_side_lacks_never_passes(missing):
    has, lacks = {"peak_memory_mib": (500.0,) * 5}, {"peak_memory_mib": (missing,) * 5}
    for base, cand in ((has, lacks), (lacks, has)):
        found = compared(side("b", STEADY, metrics=base), side("c", STEADY, metrics=cand))
        assert found.performance.outcome == "INCONCLUSIVE"
        assert "peak memory" in found.sentence


def test_end_to_end_tokens_decide_where_they_are_measured():
    whole = {"end_to_end_tokens_per_s": STEADY}
    found = compared(side("b", STEADY, metrics=whole), side("c", slower(0.9), metrics=whole), calibration={
        **CALIBRATION, **noise(end_to_end_tokens_per_s=0.01),
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
    assert found.performance.outcome == "EQUIVALENT"
    assert any("c99" in note and "the GPU throttled" in note for note in found.notes)


def test_without_a_valid_run_performance_is_inconclusive():
    found = compared(cand=side("c", STEADY, perf_valid=False, perf_reason="another process on the GPU"))
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "INCONCLUSIVE"}
    assert "5 against 0 runs with valid times; one per side is needed" in found.sentence


def test_a_run_held_against_itself_is_noted():
    one = side("b")
    found = compared(one, one)
    assert found.verdicts == {"accuracy": "IDENTICAL", "performance": "EQUIVALENT"}
    assert "1 run on both sides: the two samples are not independent" in found.notes


def test_a_secondary_metric_cannot_speak_for_a_primary_one_that_is_open():
    steady = {"peak_memory_mib": (500.0,) * 5}
    noisy = (1000.0, 900.0, 960.0, 1040.0, 930.0)
    found = compared(side("b", STEADY, metrics=steady), side("c", noisy, metrics=steady))
    assert [item.outcome for item in found.performance.items] == ["INCONCLUSIVE", "EQUIVALENT"]
    assert found.performance.outcome == "INCONCLUSIVE"


def test_without_a_primary_metric_every_one_counts():
    metrics = {"peak_memory_mib": (500.0,) * 5, "load_seconds": (1.0, 2.0, 3.0, 1.5, 2.5)}
    none = (None,) * 5
    found = compared(side("b", none, metrics=metrics), side("c", none, metrics=metrics))
    assert {item.name: item.outcome for item in found.performance.items} == {
        "peak_memory_mib": "EQUIVALENT",
        "load_seconds": "INCONCLUSIVE",
    }
    assert found.performance.outcome == "INCONCLUSIVE"


# the reference arm of the same runs as the control

CONTROLLED = noise(tokens_per_s=0.01, **{"tokens_per_s/reference": 0.014})


def controlled(prefix, speeds, references, **changes):
    """Runs with a reference arm of their own."""
    return Side(
        runs=tuple(
            run(f"{prefix}{i}", performance={"tokens_per_s": own}, reference={"tokens_per_s": other}, **changes)
            for i, (own, other) in enumerate(zip(speeds, references, strict=True))
        )
    )


def day(prefix, name, *, own=1.0, other=1.0, count=1):
    return controlled(prefix, (1000.0 * own,) * count, (100.0 * other,) * count, session=name)


@pytest.mark.parametrize("count", [1, 5])
def test_a_slow_day_that_both_arms_share_is_suspect_and_no_regression(count):
    base, cand = day("b", "mon", count=count), day("c", "tue", own=0.92, other=0.92, count=count)
    found = compared(base, cand, calibration=CONTROLLED)
    assert (found.verdicts["performance"], found.exit_code()) == ("SUSPECT", 0)
    item = found.performance.items[0]
    assert (item.change, item.controlled) == (pytest.approx(-0.08), pytest.approx(0.0, abs=1e-12))
    assert compared(day("b", "mon", count=count), side("c", (920.0,) * count), calibration=CONTROLLED).exit_code() == 3


@pytest.mark.parametrize("count", [1, 5])
def test_a_loss_against_the_own_reference_is_a_regression_on_any_day(count):
    base = day("b", "mon", count=count)
    for reference in (0.96, 1.0, 1.04):
        cand = day("c", "tue", own=0.85 * reference, other=reference, count=count)
        assert compared(base, cand, calibration=CONTROLLED).exit_code() == 3


def test_a_faster_reference_is_no_slower_candidate():
    found = compared(day("b", "mon"), day("c", "tue", other=1.1), calibration=CONTROLLED)
    assert (found.verdicts["performance"], found.exit_code()) == ("SUSPECT", 0)


def test_a_loss_that_both_arms_share_is_a_regression_where_it_is_larger_than_sessions_differ():
    both = {"own": 1 / 1.5, "other": 1 / 1.5}
    assert compared(day("b", "mon"), day("c", "tue", **both), calibration=CONTROLLED).exit_code() == 3
    less = {"own": 0.92, "other": 0.92}
    assert compared(day("b", "mon"), day("c", "mon", **less), calibration=CONTROLLED).exit_code() == 3


def test_without_a_control_another_day_is_noted():
    base, cand = (side(name, session=day) for name, day in (("b", "mon"), ("c", "tue")))
    assert any("--fp32-compare" in note for note in compared(base, cand).notes)
    assert not any(
        "--fp32-compare" in note for note in compared(side("b", session="mon"), side("c", session="mon")).notes
    )
