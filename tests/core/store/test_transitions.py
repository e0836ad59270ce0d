import pytest

from vp_tui.core.store import lifecycle, tables
from vp_tui.core.store.transitions import move


def put(sql, run_id, status):
    ended = 1 if status in tables.TERMINAL else None
    sql("UPDATE run SET status = ?, ended_at_us = ? WHERE id = ?", status, ended, run_id)


def moved(home, run_id, to, allowed):
    with lifecycle.writing(home, "move a run of") as connection:
        return move(connection, run_id, to, allowed=allowed, actor="test", reason="why", exit_code=7)


@pytest.mark.parametrize("before", tables.STATUSES)
def test_a_move_happens_from_an_allowed_status_only_and_leaves_one_event(home, queued, sql, before):
    run_id = queued()
    put(sql, run_id, before)
    allowed = ("queued", "running")
    assert moved(home, run_id, "failed", allowed) is (before in allowed)
    events = sql("SELECT from_status, to_status, actor, reason FROM run_event")
    if before in allowed:
        assert events == [(before, "failed", "test", "why")]
        assert sql("SELECT status, exit_code, ended_at_us > 1 FROM run") == [("failed", 7, 1)]
    else:
        assert events == []
        assert sql("SELECT status, exit_code FROM run") == [(before, None)]


def test_of_two_who_want_the_same_run_one_gets_it(home, queued, sql):
    run_id = queued()
    assert [moved(home, run_id, "starting", ("queued",)) for _ in range(2)] == [True, False]
    assert sql("SELECT count(*) FROM run_event") == [(1,)]


def test_a_run_that_does_not_exist_is_not_moved(home):
    assert moved(home, 9, "failed", tables.STATUSES) is False


def test_a_status_that_changes_between_the_look_and_the_move_wins(home, queued, sql):
    """As it could through a connection without the write lock."""
    run_id = queued()
    with lifecycle.writing(home, "move a run of") as connection:
        execute = connection.execute

        def late(statement, *given):
            if getattr(statement, "is_update", False):
                connection.exec_driver_sql("UPDATE run SET status = 'starting'")
            return execute(statement, *given)

        connection.execute = late
        assert move(connection, run_id, "cancelled", allowed=("queued",), actor="test", reason=None) is False
    assert sql("SELECT status FROM run") == [("starting",)]
    assert sql("SELECT count(*) FROM run_event") == [(0,)]
