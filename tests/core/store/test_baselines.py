import sqlite3

import pytest
from records import planned

from vp_tui.core.errors import RunNotFoundError, UsageError
from vp_tui.core.store import upkeep
from vp_tui.core.store.baselines import set_baseline, unset_baseline


def test_a_baseline_is_pinned_once_per_kind_of_key(home, completed, reader):
    run_id = completed()
    row = reader.run(run_id)
    pinned = set_baseline(home, [run_id], reason="release 1", by="me")
    assert {(one.key_kind, one.key) for one in pinned} == {("accuracy", row.accuracy_key), ("perf", row.perf_key)}
    for one in pinned:
        assert (one.name, one.reason, one.created_by, one.run_ids) == ("default", "release 1", "me", (run_id,))
        assert (one.run_uuids, one.is_active) == ((row.uuid,), True)
    assert set(reader.baselines(active=True)) == set(pinned)


def test_pinning_again_replaces_the_old_one_and_keeps_it_as_history(home, completed, reader):
    first, second = completed(), completed()
    (old,) = set_baseline(home, [first], reason="old", kinds=("accuracy",))
    (new,) = set_baseline(home, [second], reason="faster kernels", kinds=("accuracy",))
    assert [one.id for one in reader.baselines(active=True)] == [new.id]
    everything = reader.baselines()
    assert [one.id for one in everything] == [new.id, old.id]
    assert (everything[1].retired_reason, everything[1].run_ids) == ("replaced: faster kernels", (first,))


def test_one_name_stands_for_several_keys(home, completed, reader):
    first, second = completed(), completed(dataset={"sha256": "db" * 32})
    set_baseline(home, [first], reason="a")
    set_baseline(home, [second], reason="b")
    assert len(reader.baselines(active=True)) == 4
    assert reader.find("baseline") == second


def test_the_database_itself_allows_one_active_baseline_per_name_and_key(home, completed, sql):
    set_baseline(home, [completed()], reason="a", kinds=("perf",))
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        sql(
            "INSERT INTO baseline (name, key_kind, key, reason, run_uuids_json, created_at_us, created_by) "
            "SELECT name, key_kind, key, 'b', '[]', 1, 'me' FROM baseline"
        )


def test_unsetting_needs_a_reason_and_keeps_the_history(home, completed, reader):
    set_baseline(home, [completed()], reason="a", name="nightly")
    with pytest.raises(UsageError, match="reason"):
        unset_baseline(home, "nightly", reason=" ")
    assert unset_baseline(home, "nightly", reason="wrong data") == 2
    assert {one.retired_reason for one in reader.baselines()} == {"wrong data"}
    with pytest.raises(RunNotFoundError, match="no active baseline is called 'nightly'"):
        unset_baseline(home, "nightly", reason="again")


@pytest.mark.parametrize(("reason", "name", "count"), [("", "default", 1), ("x", " ", 1), ("x", "default", 0)])
def test_a_baseline_needs_a_reason_a_name_and_a_run(home, completed, reader, reason, name, count):
    with pytest.raises(UsageError, match="baseline needs"):
        set_baseline(home, [completed()] * count, reason=reason, name=name)
    assert reader.baselines() == ()


def test_only_whole_runs_become_a_baseline(home, started, completed, write, reader, sql):
    running = started()
    write(running, planned())
    with pytest.raises(UsageError, match=rf"run {running} is running with 0 of 30 sequences"):
        set_baseline(home, [running], reason="x")
    short = completed()
    sql("UPDATE run SET done = 29 WHERE id = ?", short)
    with pytest.raises(UsageError, match="with 29 of 30 sequences"):
        set_baseline(home, [short], reason="x")
    unknown = completed(model={"weights_sha256": None})
    with pytest.raises(UsageError, match=f"run {unknown} "):
        set_baseline(home, [unknown], reason="x")
    with pytest.raises(RunNotFoundError, match="no run 99"):
        set_baseline(home, [99], reason="x")
    assert reader.baselines() == ()


def test_runs_with_different_keys_are_no_common_baseline(home, completed, reader):
    first, second = completed(), completed(environment={"threads": 2})
    with pytest.raises(UsageError, match=r"runs \d, \d .*perf key"):
        set_baseline(home, [first, second], reason="x")
    assert reader.baselines() == (), "the accuracy one is not left behind"
    (one,) = set_baseline(home, [first, second, first], reason="x", kinds=("accuracy",))
    assert one.run_ids == (first, second)


def test_a_run_of_a_baseline_cannot_be_deleted_and_the_error_says_what_to_do(home, completed, reader):
    run_id = completed()
    set_baseline(home, [run_id], reason="x", name="nightly")
    with pytest.raises(UsageError, match=r"belongs to the baseline 'nightly' .*vp-tui baseline unset nightly"):
        upkeep.delete_run(home, run_id)
    assert reader.run(run_id).status == "completed"


def test_the_database_itself_refuses_to_delete_a_run_of_a_baseline(home, completed):
    run_id = completed()
    set_baseline(home, [run_id], reason="x")
    connection = sqlite3.connect(home.database)
    connection.execute("PRAGMA foreign_keys=ON")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        connection.execute("DELETE FROM run WHERE id = ?", (run_id,))
    connection.close()


def test_a_run_of_a_baseline_that_was_given_up_can_be_deleted_and_is_still_named(home, completed, reader):
    run_id = completed()
    uuid = reader.run(run_id).uuid
    set_baseline(home, [run_id], reason="x")
    unset_baseline(home, "default", reason="y")
    upkeep.delete_run(home, run_id)
    assert {(one.run_ids, one.run_uuids) for one in reader.baselines()} == {((), (uuid,))}
