"""Which runs stand behind a name, and how a comparison is kept; real store, real rule."""

import json
from dataclasses import asdict

import pytest
from stored_runs import complete

from vp_tui.core.errors import RunFailedError, RunNotFoundError, UsageError
from vp_tui.core.regression.compare import compare
from vp_tui.core.regression.samples import RunSample, Side
from vp_tui.core.runs import repeats
from vp_tui.core.store import lifecycle
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.comparisons import write_comparison
from vp_tui.core.store.groups import create_group
from vp_tui.core.store.reader import Reader


@pytest.fixture
def reader(home):
    with Reader(home) as opened:
        yield opened


@pytest.fixture
def group(home):
    """group(count, **of each run) -> (group id, run ids)."""

    def make(count, **each):
        group_id = create_group(home, "validate", count)
        return group_id, tuple(complete(home, group_id=group_id, repeat_idx=i, **each) for i in range(count))

    return make


def test_a_run_alone_stands_for_itself(home, reader):
    run_id = complete(home)
    assert repeats.standing_for(reader, run_id) == (run_id,)


def test_a_repeat_stands_for_the_completed_runs_of_its_group_with_its_keys(home, reader, group):
    group_id, ids = group(3)
    complete(home, group_id=group_id, repeat_idx=3, stopped="failed")
    complete(home, group_id=group_id, repeat_idx=4, environment={"threads": 2})
    assert repeats.standing_for(reader, ids[1]) == ids


def test_two_repeats_of_one_group_stand_each_alone(reader, group):
    group_id, ids = group(2)
    chosen = repeats.sides(reader, str(ids[0]), str(ids[1]))
    assert (chosen.base_ids, chosen.cand_ids, chosen.candidate_group_id) == ((ids[0],), (ids[1],), None)
    assert group_id


def test_two_groups_are_compared_whole_and_the_candidates_group_is_kept(reader, group):
    (_, base), (group_id, cand) = group(2), group(3)
    chosen = repeats.sides(reader, str(base[1]), str(cand[0]))
    assert chosen == repeats.Sides(base_ids=base, cand_ids=cand, candidate_group_id=group_id)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("baseline", "default"),
        ("baseline:night", "night"),
        ("baseline:", ""),
        ("last", None),
        ("baselines", None),
        ("a:baseline", None),
    ],
)
def test_a_baseline_is_named_as_baseline_or_baseline_colon_name(text, name):
    assert repeats.baseline_name(text) == name


def test_the_baseline_with_the_runs_own_key_is_taken_not_the_newest(home, reader):
    mine, other = complete(home), complete(home, dataset={"sha256": "db" * 32})
    set_baseline(home, [mine], reason="a")
    set_baseline(home, [other], reason="b")
    cand = complete(home)
    chosen = repeats.sides(reader, "baseline", str(cand))
    pinned = next(one for one in reader.baselines() if one.id == chosen.baseline_id)
    assert (chosen.base_ids, pinned.key_kind) == ((mine,), "perf")


def test_clocks_of_another_machine_leave_the_numbers_of_the_baseline_to_compare_with(home, reader):
    mine = complete(home)
    set_baseline(home, [mine], reason="a")
    set_baseline(home, [complete(home, dataset={"sha256": "db" * 32})], reason="b")
    cand = complete(home, environment={"threads": 8})
    chosen = repeats.against(reader, "default", cand)
    pinned = next(one for one in reader.baselines() if one.id == chosen.baseline_id)
    assert (chosen.base_ids, pinned.key_kind) == ((mine,), "accuracy")


def test_without_a_fitting_baseline_the_newest_of_that_name_shows_what_differs(home, reader):
    set_baseline(home, [complete(home)], reason="a")
    newest = complete(home, dataset={"sha256": "db" * 32})
    set_baseline(home, [newest], reason="b")
    cand = complete(home, dataset={"sha256": "dc" * 32})
    assert repeats.against(reader, "default", cand).base_ids == (newest,)


def test_no_baseline_of_that_name_ends_with_not_comparable(home, reader):
    complete(home)
    with pytest.raises(repeats.NoBaselineError, match="'night'") as caught:
        repeats.sides(reader, "baseline:night", "last")
    assert caught.value.exit_code == 5
    with pytest.raises(RunNotFoundError):
        repeats.sides(reader, "nobody", "last")


def test_a_run_that_is_going_or_broke_off_is_not_compared(home, reader):
    good, broken = complete(home), complete(home, stopped="cancelled")
    for pair in ((good, broken), (broken, good)):
        with pytest.raises(RunFailedError, match="cancelled"):
            repeats.sides(reader, *map(str, pair))
    going = lifecycle.create_run(home, lifecycle.run_config(home, good)[1])
    with pytest.raises(UsageError, match=f"vp-tui watch {going}"):
        repeats.sides(reader, str(good), str(going))


def side(reader, run_id, **changes):
    """One run as the rule sees it, at 1000 tokens/s."""
    facts = {"uuid": reader.run(run_id).uuid, "label": f"run {run_id}", "performance": {"tokens_per_s": 1000.0}}
    return Side(runs=(RunSample(**facts | {"accuracy_key": "a", "perf_key": "p", "done": 30, "total": 30} | changes),))


def test_a_comparison_is_kept_with_runs_rule_differences_and_every_item(home, reader):
    base, cand = complete(home), complete(home)
    found = compare(
        side(reader, base, perf_facts={"threads": 1}),
        side(reader, cand, perf_key="q", perf_facts={"threads": 8}, done=20),
        None,
    )
    chosen = repeats.Sides(base_ids=(base,), cand_ids=(cand,))
    kept = reader.comparison(write_comparison(home, repeats.record(reader, found, chosen)))
    assert (kept.base_runs, kept.candidate_runs) == ((reader.run(base).uuid,), (reader.run(cand).uuid,))
    assert (kept.verdict, kept.exit_code, kept.sentence) == ("INCOMPLETE", 7, found.sentence)
    assert kept.comparability == "NOT COMPARABLE: accuracy, performance"
    assert kept.differences == {"threads": [1, 8]}
    assert kept.rule == json.loads(json.dumps(asdict(found.rule), allow_nan=False))
    assert [(item.name, item.scope, item.verdict) for item in kept.items] == [("complete", "all", "INCOMPLETE")]


def test_the_exit_code_that_is_kept_is_the_one_that_was_given(home, reader):
    base, cand = complete(home), complete(home)
    found = compare(side(reader, base), side(reader, cand, performance={"tokens_per_s": 900.0}), None)
    chosen = repeats.Sides(base_ids=(base,), cand_ids=(cand,))
    assert found.outcome == "INCONCLUSIVE"
    codes = [repeats.record(reader, found, chosen, strict=strict).exit_code for strict in (False, True)]
    assert codes == [0, 6]
    kept = repeats.record(reader, found, chosen)
    assert kept.comparability == "NOT COMPARABLE: accuracy", "no sequences were given"
    (item,) = kept.items
    # the rule works on logarithms, so that the value comes back within an ulp or two
    assert (item.base_value, item.cand_value) == (pytest.approx(1000.0, rel=1e-12), pytest.approx(900.0, rel=1e-12))
    assert (item.verdict, item.n_base, item.min_effect) == ("INCONCLUSIVE", 1, 0.1)
