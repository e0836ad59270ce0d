"""The search for the smallest passing set, against simulated culprits; its records on a real disk."""

import random
import statistics

import pytest

from vp_tui.core.errors import StoreError
from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.algorithm import BudgetSpent, Trials, smallest
from vp_tui.core.runs.search.launch import state_of
from vp_tui.core.runs.search.records import Question, Trial

UNITS = [f"u{index}" for index in range(146)]
"""As many as ESM-2 3B has at four per block."""


def trials_for(culprits, budget=10**6):
    return Trials(attempt=lambda kept, _: culprits <= kept, budget=budget)


def ranking(culprits, seed, noise=6):
    """Culprits first in the ranking, each up to 2 * `noise` places too late."""
    draw = random.Random(seed)
    shuffled = draw.sample(UNITS, len(UNITS))
    place = {unit: len(culprits) + index for index, unit in enumerate(shuffled)}
    place |= {unit: draw.uniform(0, 2 * noise) for unit in sorted(culprits)}
    return sorted(UNITS, key=place.__getitem__)


@pytest.mark.parametrize(("count", "most"), [(1, 8), (3, 20), (8, 32)])
def test_the_culprits_are_found_exactly_within_the_promised_trials(count, most):
    spent = []
    for seed in range(100):
        culprits = frozenset(random.Random(1000 + seed).sample(UNITS, count))
        trials = trials_for(culprits)
        trials((), "base")
        trials(UNITS, "all")
        assert smallest(ranking(culprits, seed), (), trials) == culprits
        spent.append(trials.spent)
    assert statistics.median(spent) <= most
    assert max(spent) < len(UNITS)


@pytest.mark.parametrize("seed", range(20))
def test_a_bad_ranking_costs_trials_but_finds_the_same(seed):
    draw = random.Random(seed)
    culprits = frozenset(draw.sample(UNITS, draw.randint(1, 12)))
    trials = trials_for(culprits)
    assert smallest(draw.sample(UNITS, len(UNITS)), (), trials) == culprits
    assert culprits in trials.passed
    for unit in culprits:
        assert any(culprits - {unit} <= failed for failed in trials.failed)


def test_units_that_are_certain_are_tried_first_and_not_tested_one_by_one():
    culprits = frozenset(UNITS[:7])
    trials = trials_for(culprits)
    assert smallest(UNITS, culprits, trials) == culprits
    assert trials.spent == 1


def test_a_first_guess_of_the_right_size_saves_the_doubling():
    culprits = frozenset(UNITS[:8])
    told, untold = trials_for(culprits), trials_for(culprits)
    assert smallest(UNITS, (), told, first=8) == smallest(UNITS, (), untold) == culprits
    assert told.spent < untold.spent


def test_a_budget_too_small_leaves_the_best_set_so_far():
    culprits = frozenset(UNITS[:3])
    trials = trials_for(culprits, budget=4)
    with pytest.raises(BudgetSpent):
        smallest(UNITS, (), trials, first=16)
    assert trials.spent == 4
    assert culprits <= trials.best <= set(UNITS[:16])


def test_a_set_that_fails_although_a_part_of_it_passed_ends_all_inference():
    trials = Trials(attempt=lambda kept, _: kept == {"a"}, budget=9)
    assert trials("a", "prefix")
    assert not trials("ab", "prefix")
    assert not trials.is_monotone
    assert not trials("b", "prefix")
    assert trials.spent == 3


def question(**changes):
    return Question(run_uuid="0" * 32, base="fp16", keep="fp32", sequences="x", **changes)


def trial(**changes):
    return Trial(
        stage="prefix", kept=("a",), passed=False, nonfinite=1, cosine_min=None, failing="V1", seconds=0.5, **changes
    )


def test_trials_survive_a_kill_in_the_middle_of_a_line(tmp_path):
    assert records.read_trials(tmp_path) == (None, ())
    records.begin(tmp_path, question())
    records.append(tmp_path, trial())
    path = tmp_path / records.TRIALS
    path.write_bytes(path.read_bytes() + b'{"stage": "pre')
    assert records.read_trials(tmp_path) == (question(), (trial(),))
    records.append(tmp_path, trial(is_replayed=True))
    assert records.read_trials(tmp_path)[1] == (trial(), trial(is_replayed=True))
    assert state_of(tmp_path).trials == (trial(), trial(is_replayed=True))
    assert not state_of(tmp_path).is_running


def test_records_of_another_program_are_refused_with_what_to_do(tmp_path):
    (tmp_path / records.TRIALS).write_text('{"something": 1}\n')
    with pytest.raises(StoreError, match="delete it"):
        records.read_trials(tmp_path)
    (tmp_path / records.RESULT).write_text("{}")
    with pytest.raises(StoreError, match="vp-tui search"):
        records.read_result(tmp_path)
