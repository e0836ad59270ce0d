"""How far a run is over all of its steps: a fraction that never falls, and the seconds left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.runs.step_times import EarlierSteps
from vp_tui.core.workers.validate import course
from vp_tui.core.workers.validate.course import AGAIN, ENCODING, FIRST, LOADING, MEASURING, ORACLE, READING, Course


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s

    def wait(self, seconds):
        self.now_s += seconds


def begun(**options):
    """A course whose data is read and whose models are loaded in 10 seconds, and its clock."""
    clock = Clock()
    made = Course(clock=clock, **options)
    made.enter(READING, "reading")
    clock.wait(4)
    made.plan(total=100, tokens=1000, is_interleaved=True)
    made.enter(LOADING, "loading")
    clock.wait(6)
    made.enter(ENCODING, "comparing")
    return made, clock


def test_before_anything_is_known_about_the_time_it_says_nothing_of_it():
    made, clock = begun()
    clock.wait(50)
    event = made.progress(compared=0, total=100)
    assert (event.eta_s, event.step, event.steps, event.name) == (None, 3, 6, "comparing")
    assert event.fraction <= 0.02


def test_the_end_of_encoding_is_not_the_end_of_the_run():
    made, clock = begun()
    clock.wait(40)
    made.guess(0.5, 40.0)
    event = made.progress(compared=100, done=100, total=100, left_s=0.0)
    # 50 s are over; of half the tokens AGAIN takes 1 + 2 x 20 s, FP64 2 + 8 x 20 s, all others 8 s
    assert event.eta_s == pytest.approx(41 + 162 + 8)
    assert event.fraction == pytest.approx(50 / 261)


def test_an_earlier_run_tells_the_seconds_of_steps_and_those_of_encoding_grow_with_the_tokens():
    seconds = {READING: 1.0, LOADING: 2.0, ENCODING: 30.0, AGAIN: 4.0, ORACLE: 5.0, MEASURING: 6.0}
    made, _ = begun(earlier=EarlierSteps(seconds=seconds, tokens=500))
    assert made.progress().eta_s == pytest.approx(60 + 4 + 5 + 6)


def test_a_step_that_counts_is_projected_and_one_that_is_late_is_never_nearly_over():
    made, clock = begun(earlier=EarlierSteps(seconds={ORACLE: 10.0, MEASURING: 6.0}, tokens=1000))
    made.enter(ORACLE, "checking against FP64")
    clock.wait(30)
    assert made.progress(done=12, total=64).eta_s == pytest.approx(30 * 52 / 12 + 6)
    assert made.progress().eta_s == pytest.approx(1.0 + 6)


def test_only_the_last_event_is_the_whole():
    made, clock = begun()
    made.enter(MEASURING, "measuring")
    clock.wait(1e9)
    assert made.progress().fraction < 1
    assert (made.finished().fraction, made.finished().eta_s) == (1.0, 0.0)


def test_a_report_from_inside_a_computation_is_told_only_in_its_own_step():
    told = []
    made, _ = begun(tell=told.append)
    made.part(ORACLE, 3, 64)
    made.enter(ORACLE, "checking against FP64")
    made.part(ORACLE, 12, 64)
    assert [(one.part_done, one.part_total, one.name) for one in told] == [(12, 64, "checking against FP64")]


def test_the_seconds_of_every_step_are_kept_for_the_next_run():
    made, clock = begun()
    clock.wait(20)
    made.enter(AGAIN, "FP32 once more")
    clock.wait(1)
    made.enter(AGAIN, "FP16 once more")
    clock.wait(2)
    made.finished()
    assert made.seconds == {READING: 4.0, LOADING: 6.0, ENCODING: 20.0, AGAIN: 3.0}


@pytest.mark.parametrize("has_oracle", [True, False])
def test_a_reference_that_goes_first_has_steps_of_its_own_so_that_no_step_comes_twice(has_oracle):
    steps = course.steps_of(has_oracle=has_oracle, is_interleaved=False)
    assert len(set(steps)) == len(steps)
    assert steps.index(ENCODING + FIRST) < steps.index(LOADING) < steps.index(ENCODING)


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 1e4), st.none() | st.floats(0, 1e5)), max_size=30))
def test_whatever_the_estimates_say_the_fraction_never_falls(moves):
    made, clock = begun()
    steps = course.steps_of(has_oracle=True)
    found = []
    for step, seconds, left_s in sorted(moves, key=lambda move: move[0]):
        clock.wait(seconds)
        _, event = made.enter(steps[max(step, 2)], "any")
        made.guess(0.1, seconds)
        found += [event, made.progress(done=1, total=3, left_s=left_s)]
    found.append(made.finished())
    fractions = [event.fraction for event in found]
    assert fractions == sorted(fractions)
    assert all(fraction < 1 for fraction in fractions[:-1])
