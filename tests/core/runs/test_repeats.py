"""The runs that a name stands for when two sides are compared."""

import pytest
from stored_runs import complete

from vp_tui.core.errors import RunFailedError, RunNotFoundError, UsageError
from vp_tui.core.runs import repeats
from vp_tui.core.store import lifecycle
from vp_tui.core.store.baselines import set_baseline
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
    _, ids = group(2)
    chosen = repeats.sides(reader, str(ids[0]), str(ids[1]))
    assert chosen == repeats.ChosenRuns(base_ids=(ids[0],), cand_ids=(ids[1],))


def test_two_groups_are_compared_whole(reader, group):
    (_, base), (_, cand) = group(2), group(3)
    chosen = repeats.sides(reader, str(base[1]), str(cand[0]))
    assert chosen == repeats.ChosenRuns(base_ids=base, cand_ids=cand)


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
    assert chosen.base_ids == (mine,)


def test_clocks_of_another_machine_leave_the_numbers_of_the_baseline_to_compare_with(home, reader):
    mine = complete(home)
    set_baseline(home, [mine], reason="a")
    set_baseline(home, [complete(home, dataset={"sha256": "db" * 32})], reason="b")
    cand = complete(home, environment={"threads": 8})
    chosen = repeats.against(reader, "default", cand)
    assert chosen.base_ids == (mine,)


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
