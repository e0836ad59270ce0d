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


@pytest.fixture
def in_job(monkeypatch):
    """in_job(job, restarts): this process and its children belong to that start of a SLURM job."""

    def enter(job, restarts):
        monkeypatch.setenv("SLURM_JOB_ID", job)
        monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
        if restarts:
            monkeypatch.setenv("SLURM_RESTART_COUNT", str(restarts))

    return enter


@pytest.mark.parametrize("restarts", [(0, 1), (0, 7), (2, 3)])
def test_a_later_start_of_the_same_batch_job_ends_the_run_of_the_earlier_on_any_node(
    home, dead, reader, sql, in_job, restarts
):
    in_job("4711", restarts[0])
    run_id = dead(**ELSEWHERE)
    assert reader.run(run_id).is_active
    in_job("4711", restarts[1])
    assert reader.run(run_id).status == "interrupted"
    assert "4711" in reader.run(run_id).status_reason
    assert lifecycle.reconcile(home) == 1
    assert sql("SELECT status FROM run") == [("interrupted",)]


@pytest.mark.parametrize(
    ("before", "after"),
    [(("4711", 1), ("4711", 1)), (("4711", 2), ("4711", 1)), (("4711", 0), ("4712", 1)), ((None, 0), ("4711", 1))],
    ids=["same start", "earlier start", "another job", "no job"],
)
def test_no_other_job_proves_the_end_of_a_run_elsewhere(home, dead, reader, in_job, before, after):
    if before[0]:
        in_job(*before)
    run_id = dead(**ELSEWHERE)
    in_job(*after)
    assert reader.run(run_id).is_active
    assert lifecycle.reconcile(home) == 0


def test_a_job_of_another_cluster_with_the_same_number_proves_nothing(dead, reader, in_job, monkeypatch):
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "a")
    in_job("4711", 0)
    run_id = dead(**ELSEWHERE)
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "b")
    in_job("4711", 1)
    assert reader.run(run_id).is_active


@pytest.mark.parametrize("content", ["", "[]", '{"job": "4711"}', '{"cluster": "", "job": "4711", "restarts": "0"}'])
def test_a_damaged_note_of_the_job_proves_nothing(dead, folder, reader, in_job, content):
    run_id = dead(**ELSEWHERE)
    (folder(run_id) / "slurm.json").write_text(content)
    in_job("4711", 1)
    assert reader.run(run_id).is_active


def test_a_requeued_run_whose_lock_is_seen_to_be_held_goes_on(home, dead, folder, reader, in_job):
    in_job("4711", 0)
    run_id = dead(**ELSEWHERE)
    in_job("4711", 1)
    hold = "import sys; from vp_tui.core.store.liveness import *; hold(Path(sys.argv[1])); print(flush=True); input()"
    command = [sys.executable, "-c", hold, str(folder(run_id) / "lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert reader.run(run_id).is_active
        holder.communicate(b"\n")
    assert reader.run(run_id).status == "interrupted"


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
