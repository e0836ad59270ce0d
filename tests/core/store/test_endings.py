"""How a run ended that left no last word: on request, by a signal, in a container or on a machine that is gone."""

import os
import subprocess
import sys

import pytest
from records import encoded, finished, planned

from vp_tui.core.errors import StoreError
from vp_tui.core.runs import launch
from vp_tui.core.store import lifecycle
from vp_tui.core.store.endings import LOG_NAME, ask_to_stop, last_error
from vp_tui.core.store.liveness import this_worker


@pytest.fixture
def folder(home, reader):
    return lambda run_id: home.run_folder(reader.run(run_id).uuid)


@pytest.fixture
def dead(started, sql):
    """dead() -> id of a run whose process is gone."""

    def make(**columns):
        run_id = started()
        for column, value in {"worker_start_ticks": 1, **columns}.items():
            sql(f"UPDATE run SET {column} = ? WHERE id = ?", value, run_id)
        return run_id

    return make


def test_a_run_that_had_to_be_killed_when_it_was_stopped_is_cancelled(home, dead, folder, reader, sql):
    """Or one whose process had not yet come so far that it could say so itself."""
    run_id = dead()
    ask_to_stop(folder(run_id))
    assert (reader.run(run_id).status, reader.run(run_id).status_reason) == ("cancelled", "stopped on request")
    assert lifecycle.reconcile(home) == 1
    assert sql("SELECT status, exit_code FROM run") == [("cancelled", 130)]


def test_a_run_stopped_in_its_first_moments_is_cancelled(home, queued, reader):
    run_id = queued()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        ticks = lifecycle.worker_of(process.pid, 0)
        lifecycle.register_worker(home, run_id, ticks.__class__(ticks.host, ticks.boot_id, ticks.pid, _ticks(process)))
        launch.stop(home, run_id)
    assert reader.run(run_id).status == "cancelled"


def _ticks(process):
    from vp_tui.core.store.liveness import start_ticks

    return start_ticks(process.pid)


def test_the_last_error_of_the_log_is_the_reason(home, dead, folder, reader):
    run_id = dead()
    (folder(run_id) / LOG_NAME).write_text(
        "12:00 INFO encoding\n12:01 ERROR cannot write run rows: disk full\n12:01 INFO x\n"
    )
    assert reader.run(run_id).status_reason.endswith("exited unexpectedly: cannot write run rows: disk full")


@pytest.mark.parametrize(("text", "found"), [("", None), ("all is well\n", None), ("error: no GPU\n", ": no GPU")])
def test_a_log_without_an_error_line_adds_nothing(tmp_path, text, found):
    (tmp_path / "log").write_text(text)
    assert last_error(tmp_path / "log") == found
    assert last_error(tmp_path / "none") is None


def test_in_another_container_of_this_machine_the_free_lock_proves_the_end(dead, reader):
    """Its host has another name, and no process of it can be seen; the boot id is the machine's."""
    assert reader.run(dead(host="0a1b2c3d")).status == "interrupted"


def test_a_run_that_is_just_starting_in_another_container_is_not_declared_dead(queued, home, reader, sql):
    run_id = queued()
    lifecycle.register_worker(home, run_id, this_worker())
    sql("UPDATE run SET host = 'container', worker_start_ticks = 1")
    assert reader.run(run_id).status == "queued"


ELSEWHERE = {"host": "gpu-node-07", "boot_id": "another"}


def test_a_run_of_a_machine_that_is_gone_is_ended_by_force_only(home, dead, reader, sql):
    run_id = dead(**ELSEWHERE)
    with pytest.raises(StoreError, match=r"gpu-node-07.*--force"):
        launch.stop(home, run_id)
    with pytest.raises(StoreError, match="heard of"):
        launch.stop(home, run_id, force=True)
    assert reader.run(run_id).is_active
    sql("UPDATE run SET heartbeat_at_us = created_at_us - ?", lifecycle.LOST_US + 60_000_000)
    launch.stop(home, run_id, force=True)
    row = reader.run(run_id)
    assert (row.status, row.exit_code) == ("interrupted", 7)
    assert "gpu-node-07" in row.status_reason


def test_a_stop_that_was_refused_leaves_no_mark(home, dead, folder):
    run_id = dead(**ELSEWHERE)
    with pytest.raises(StoreError):
        launch.stop(home, run_id)
    assert os.listdir(folder(run_id)) == []


def test_the_mark_of_a_stop_does_not_change_how_a_completed_run_ended(home, started, write, folder, reader):
    run_id = started()
    write(run_id, planned(), encoded(), finished())
    ask_to_stop(folder(run_id))
    assert lifecycle.reconcile(home) == 0
    assert reader.run(run_id).status == "completed"


def test_a_run_that_the_store_gave_up_says_why(home, started, reader):
    run_id = started()
    lifecycle.give_up(home, run_id, StoreError("the disk is full"))
    row = reader.run(run_id)
    assert (row.status, row.status_reason, row.exit_code) == ("failed", "the disk is full", 8)
