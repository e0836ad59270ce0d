"""A run beside the baseline that fits it."""

from dataclasses import replace

import pytest
import snapshots

from vp_tui.core.regression.worse import is_worst_worse
from vp_tui.tui.deltas import delta, pair
from vp_tui.tui.messages import OpenComparison, Pinned, StoreView

DONE = replace(snapshots.passed().run, id=40, accuracy_key="acc", perf_key="perf", speedup=2.0, cosine_min=0.9994)


def baseline(run=DONE, **changes):
    values = {"name": "release-1", "reason": "x", "accuracy_key": "acc", "perf_key": "perf"}
    return Pinned(**{**values, "run_ids": (run.id,), "run": run, **changes})


def run(**changes):
    return replace(DONE, id=41, **changes)


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({"speedup": 2.02}, "#40 ="),
        ({"speedup": 1.88, "cosine_min": 0.9990}, "#40 worse!"),
        # 33 % more time is judged, less may be noise
        ({"speedup": 2.0 / 1.32}, "#40 ="),
        ({"speedup": 2.0 / 1.34}, "#40 -25%~"),
        ({"speedup": 2.0 * 1.34}, "#40 +34%"),
        ({"speedup": None}, "#40 ="),
        ({"perf_key": "other", "cosine_min": 0.9990}, "#40 worse!"),
        ({"accuracy_key": "other", "speedup": 2.2, "cosine_min": 0.5}, "#40 ="),
        ({"accuracy_key": "other", "perf_key": "other"}, "-"),
        ({"status": "failed"}, "-"),
        ({"cosine_min": 0.99935}, "#40 ="),
    ],
)
def test_a_cell_names_the_run_of_the_baseline_and_shows_a_speed_only_where_its_change_is_judged(changes, cell):
    assert delta(run(**changes), [baseline()]).cell == cell


def test_a_run_that_is_a_baseline_says_so_and_names_it():
    found = delta(DONE, [baseline()])
    assert (found.cell, found.names, found.words) == ("base", ("release-1",), "")


def test_the_words_name_the_baseline_its_run_and_both_findings():
    words = delta(run(speedup=1.88, cosine_min=0.9990), [baseline()]).words
    assert words == "against 'release-1' (#40): speed not judged, lowest similarity worse"


def test_two_selected_runs_are_compared_the_older_one_as_the_base():
    assert pair([run(), DONE], None, StoreView()) == OpenComparison(base="40", candidate="41")


def test_one_selected_run_is_the_base_of_the_run_under_the_cursor():
    assert pair([run()], DONE, StoreView()) == OpenComparison(base="41", candidate="40")


@pytest.mark.parametrize("selected", [[], [run()]])
def test_a_run_alone_is_compared_with_the_baseline_that_fits(selected):
    view = StoreView(baselines=(baseline(),))
    assert pair(selected, run(), view) == OpenComparison(base="baseline:release-1", candidate="41")


@pytest.mark.parametrize(
    ("selected", "cursor", "words"),
    [
        ([], None, "no run is selected"),
        ([], DONE, "#40 is a baseline itself"),
        ([], run(accuracy_key="other", perf_key="other"), "no baseline fits #41"),
        ([], run(status="running"), "#41 is running"),
        ([DONE], run(status="failed"), "#41 is failed"),
        ([run(), DONE, run()], None, "3 runs are selected"),
    ],
)
def test_without_a_pair_the_reason_names_the_run(selected, cursor, words):
    selected = (
        [replace(one, id=number) for number, one in enumerate(selected, start=50)] if len(selected) > 2 else selected
    )
    assert words in pair(selected, cursor, StoreView(baselines=(baseline(),))).reason


@pytest.mark.parametrize(("here", "there", "worse"), [(3, 0, True), (0, 3, False), (3, 3, False)])
def test_a_run_with_nan_is_worse_than_its_baseline_whatever_its_other_sequences_say(here, there, worse):
    assert is_worst_worse((None if here else 0.9, here), (None if there else 0.9999, there)) is worse
