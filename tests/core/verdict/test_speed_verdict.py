import pytest

from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.speed import judge_speed


def judged(**changes):
    healthy = {
        "rate_ratio": 2.0,
        "end_to_end": 1.9,
        "interval": (1.9, 2.1),
        "utilization": 95.0,
        "limits": Thresholds(),
        "not_judged": None,
    }
    return judge_speed(**healthy | changes)


def test_both_goals_and_the_utilization_reached_is_a_pass():
    found = judged()
    assert (found.verdict, found.reason) == ("PASS", "speed: 2.00x in tokens/s, 1.90x end to end")
    assert (found.tokens_per_s, found.end_to_end, found.ci95) == (2.0, 1.9, (1.9, 2.1))


def test_exactly_the_goal_is_a_pass():
    assert judged(rate_ratio=1.8, end_to_end=1.8, utilization=80.0).verdict == "PASS"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate_ratio": 1.5}, "speed: 1.50x in tokens/s, 1.90x end to end; below the goal of 1.8x in tokens/s"),
        ({"end_to_end": 1.2}, "speed: 2.00x in tokens/s, 1.20x end to end; below the goal of 1.8x end to end"),
        (
            {"utilization": 61.4},
            "speed: 2.00x in tokens/s, 1.90x end to end; GPU utilization 61%, below the goal of 80%",
        ),
        (
            {"rate_ratio": 1.5, "end_to_end": 1.2},
            "speed: 1.50x in tokens/s, 1.20x end to end; "
            "below the goal of 1.8x in tokens/s, below the goal of 1.8x end to end",
        ),
    ],
)
def test_a_missed_goal_is_named_with_both_numbers(changes, words):
    found = judged(**changes)
    assert (found.verdict, found.reason) == ("MISS", words)


def test_a_gpu_that_reports_no_utilization_is_judged_by_speed_alone():
    assert judged(utilization=None).verdict == "PASS"


def test_a_cpu_run_is_not_judged_and_its_numbers_stay():
    found = judged(rate_ratio=0.2, end_to_end=0.3, not_judged="on CPU")
    assert (found.verdict, found.reason) == ("NOT JUDGED", "speed: not judged on CPU")
    assert (found.tokens_per_s, found.end_to_end) == (0.2, 0.3)


@pytest.mark.parametrize("missing", ["rate_ratio", "end_to_end"])
def test_without_a_timed_block_nothing_is_judged(missing):
    found = judged(**{missing: None})
    assert (found.verdict, found.reason) == (
        "NOT JUDGED",
        "speed: not judged (no timed block outside the warm-up)",
    )
