"""How often the rule is right, in a few simulated trials; docs/comparisons.md has the tables of many."""

import pytest
import simulate


@pytest.mark.parametrize("n", [300, 3000])
@pytest.mark.parametrize("how", [{}, {"last_bits": True}])
def test_sound_re_runs_are_equivalent(n, how):
    found, shapes = simulate.accuracy_outcomes(1, 40, n, **how)
    assert found.get("EQUIVALENT", 0.0) + found.get("IDENTICAL", 0.0) >= 0.97
    assert shapes <= 0.05


def test_twice_the_error_is_found_in_300_sequences():
    found, _ = simulate.accuracy_outcomes(2, 20, 300, factor=2.0)
    assert found == {"REGRESSED": 1.0}


@pytest.mark.parametrize("cv", [0.01, 0.02, 0.04])
@pytest.mark.parametrize("calibrated", [True, False])
def test_one_run_a_side_finds_what_is_half_as_slow_again_and_rarely_anything_else(cv, calibrated):
    same = simulate.speed_outcomes(3, 60, cv=cv, calibrated=calibrated, has_control=False)
    slow = simulate.speed_outcomes(4, 60, cv=cv, loss=0.5, calibrated=calibrated, has_control=False)
    assert slow["REGRESSED"] >= 0.98
    assert same.get("REGRESSED", 0.0) <= 0.02
    assert same["EQUIVALENT"] >= 0.85


def test_a_day_that_both_arms_share_is_rarely_a_regression_with_a_control():
    without, control = (
        simulate.speed_outcomes(5, 100, cv=0.01, day=simulate.DAY_SD, has_control=has) for has in (False, True)
    )
    assert without["REGRESSED"] >= 0.05
    assert control.get("REGRESSED", 0.0) <= 0.03
    slower = simulate.speed_outcomes(6, 60, cv=0.01, loss=0.2, day=simulate.DAY_SD)
    assert slower["REGRESSED"] >= 0.9
