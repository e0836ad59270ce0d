import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from records import config, encoded, finished, planned

from vp_tui.core.errors import RunNotFoundError, StoreError
from vp_tui.core.store import lifecycle
from vp_tui.core.store.engine import BUSY_TIMEOUT_MS
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import NEVER_STARTED_US, this_worker
from vp_tui.core.store.reader import Reader

WORKER = """
import os, sqlite3, sys, time
sys.path.insert(0, os.environ["RECORDS"])
from records import encoded, planned
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.writer import RunWriter

home, run_id = Home.from_environment(os.environ), int(sys.argv[1])
uuid, _ = lifecycle.run_config(home, run_id)
lock = lifecycle.claim(home, run_id, uuid)
if "fork" in sys.argv and os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(300)
lifecycle.start(home, run_id, "cpu")
with RunWriter(home, run_id) as writer:
    writer.put(planned())
    for block in range(3):
        writer.put(encoded(block=block))
    # Not through a Reader: it would look at the lock, and closing any descriptor of a POSIX lock drops it.
    look = sqlite3.connect(home.database)
    while look.execute("SELECT count(*) FROM block_sample").fetchone()[0] < 3:
        time.sleep(0.01)
    print("going", flush=True)
    time.sleep(300)
"""


@pytest.fixture
def worker(home, monkeypatch):
    """worker(run id, *words) -> a real process that has claimed the run, written three blocks, and is going on."""
    monkeypatch.setenv("RECORDS", os.path.dirname(sys.modules["records"].__file__))
    processes, children = [], []

    def start(run_id, *words):
        command = [sys.executable, "-c", WORKER, str(run_id), *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        for line in process.stdout:
            if line == "going\n":
                return process
            children.append(int(line))
        raise AssertionError("the worker ended early")

    yield start, children
    for process in processes:
        process.kill()
    for child in children:
        os.kill(child, signal.SIGKILL)
    for process in processes:
        process.communicate()


def events_of(sql, run_id):
    return sql("SELECT from_status, to_status, actor, reason FROM run_event WHERE run_id = ? ORDER BY id", run_id)


def test_a_new_run_is_queued_with_its_folder_and_its_whole_config(home, reader):
    asked = config(name="nightly", strata=(64, 128), tags={"gpu": "h200"}, precision_reason="because")
    run_id = lifecycle.create_run(home, asked)
    uuid, stored = lifecycle.run_config(home, run_id)
    row = reader.run(run_id)
    assert stored == asked
    assert (row.status, row.uuid, row.name, row.tags) == ("queued", uuid, "nightly", {"gpu": "h200"})
    assert (row.precision_reason, row.pid) == ("because", None)
    assert home.run_folder(uuid).is_dir()


def test_a_run_that_does_not_exist_has_no_config_and_no_worker(home):
    with pytest.raises(RunNotFoundError, match="no run 9"):
        lifecycle.run_config(home, 9)
    assert lifecycle.registered_worker(home, 9) is None


def test_a_registered_worker_is_remembered(home, queued):
    run_id = queued()
    assert lifecycle.registered_worker(home, run_id) is None
    lifecycle.register_worker(home, run_id, this_worker())
    assert lifecycle.registered_worker(home, run_id) == this_worker()
    assert lifecycle.worker_of(os.getpid(), this_worker().start_ticks) == this_worker()


@pytest.fixture
def locked(home):
    """locked(seconds) takes the write lock; it is released after so many seconds, or at the end."""
    connection = sqlite3.connect(home.database, isolation_level=None, check_same_thread=False)
    timers = []

    def take(seconds=None):
        connection.execute("BEGIN IMMEDIATE")
        if seconds is not None:
            timers.append(threading.Timer(seconds, connection.rollback))
            timers[-1].start()

    yield take
    for timer in timers:
        timer.join()
    connection.close()


def test_reading_a_run_takes_no_lock_while_somebody_writes(home, queued, locked, monkeypatch):
    run_id = queued()
    lifecycle.register_worker(home, run_id, this_worker())
    monkeypatch.setattr(lifecycle, "writer_engine", None)
    locked()
    assert lifecycle.run_config(home, run_id)[1] == config()
    assert lifecycle.registered_worker(home, run_id) == this_worker()
    assert lifecycle.reconcile(home) == 0


def test_a_worker_starts_although_somebody_writes_for_longer_than_the_busy_timeout(home, queued, locked, reader):
    run_id = queued()
    locked(BUSY_TIMEOUT_MS / 1000 + 0.5)
    uuid, _ = lifecycle.run_config(home, run_id)
    os.close(lifecycle.claim(home, run_id, uuid))
    lifecycle.start(home, run_id, "cpu")
    assert reader.run(run_id).status == "starting"


@pytest.mark.parametrize("step", ["register_worker", "claim", "start"])
def test_every_write_of_a_starting_worker_is_patient(home, queued, monkeypatch, step):
    run_id = queued()
    uuid, _ = lifecycle.run_config(home, run_id)
    waits, make = [], lifecycle.writer_engine
    monkeypatch.setattr(
        lifecycle, "writer_engine", lambda path, patience_ms: waits.append(patience_ms) or make(path, patience_ms=1)
    )
    arguments = {"register_worker": (run_id, this_worker()), "claim": (run_id, uuid), "start": (run_id, "cpu")}
    getattr(lifecycle, step)(home, *arguments[step])
    assert waits == [lifecycle.WORKER_PATIENCE_MS]


def test_a_claimed_run_that_goes_on_cannot_be_claimed_again(home, queued, worker):
    start, _ = worker
    run_id = queued()
    start(run_id)
    uuid, _ = lifecycle.run_config(home, run_id)
    # At once, although the worker holds the lock for as long as it lives.
    with pytest.raises(StoreError, match=rf"run {run_id} is running, not queued"):
        lifecycle.claim(home, run_id, uuid)


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled", "interrupted"])
def test_a_run_that_is_over_cannot_be_claimed(home, queued, sql, status):
    run_id = queued()
    sql("UPDATE run SET status = ?, ended_at_us = 1 WHERE id = ?", status, run_id)
    uuid, _ = lifecycle.run_config(home, run_id)
    with pytest.raises(StoreError, match=f"is {status}, not queued"):
        lifecycle.claim(home, run_id, uuid)


def test_a_killed_run_is_interrupted_at_the_next_look_and_keeps_its_rows(home, queued, worker, reader, sql):
    start, _ = worker
    run_id = queued()
    process = start(run_id)
    assert reader.run(run_id).status == "running"
    assert lifecycle.reconcile(home) == 0

    process.kill()
    process.wait()
    row = reader.run(run_id)
    assert (row.status, row.is_active) == ("interrupted", False)
    assert str(process.pid) in row.status_reason
    assert sql("SELECT status FROM run WHERE id = ?", run_id) == [("running",)], "reading writes nothing"

    assert lifecycle.reconcile(home) == 1
    assert sql("SELECT status, exit_code FROM run WHERE id = ?", run_id) == [("interrupted", 7)]
    assert events_of(sql, run_id)[-1][:3] == ("running", "interrupted", "reader")
    assert [block.block for block in reader.snapshot(run_id).blocks] == [0, 1, 2]
    assert lifecycle.reconcile(home) == 0, "an interrupted run is over"


def test_a_forked_child_that_outlives_the_worker_does_not_hide_its_death(home, queued, worker, reader):
    start, children = worker
    run_id = queued()
    process = start(run_id, "fork")
    process.kill()
    process.wait()
    (child,) = children
    os.kill(child, 0)
    assert reader.run(run_id).status == "interrupted"
    assert lifecycle.reconcile(home) == 1
    os.kill(child, 0)


def test_a_pid_that_came_round_again_does_not_keep_a_dead_run_alive(home, started, reader, sql):
    run_id = started()
    assert reader.run(run_id).status == "starting"
    sql("UPDATE run SET worker_start_ticks = worker_start_ticks - 1 WHERE id = ?", run_id)
    assert reader.run(run_id).status == "interrupted"


def test_a_restart_of_the_machine_is_named_as_the_reason(home, started, reader, sql):
    run_id = started()
    sql("UPDATE run SET boot_id = 'the boot before' WHERE id = ?", run_id)
    assert "restarted" in reader.run(run_id).status_reason


def test_a_run_of_another_host_is_never_declared_dead(home, started, reader, sql):
    run_id = started()
    sql("UPDATE run SET host = 'elsewhere', boot_id = 'elsewhere', worker_start_ticks = 1, worker_pid = 1")
    sql("UPDATE run SET created_at_us = 0")
    assert reader.run(run_id).status == "starting"
    assert lifecycle.reconcile(home) == 0


def test_a_held_lock_proves_a_worker_whose_process_cannot_be_seen(home, queued, worker, reader, sql):
    """As from another container: the pid means nothing there, the lock does."""
    start, _ = worker
    run_id = queued()
    start(run_id)
    sql("UPDATE run SET worker_start_ticks = 1, boot_id = 'x' WHERE id = ?", run_id)
    assert reader.run(run_id).status == "running"


def test_a_queued_run_that_nobody_claims_is_interrupted_after_a_minute(home, queued, reader, sql):
    run_id = queued()
    sql("UPDATE run SET created_at_us = created_at_us - ?", NEVER_STARTED_US - 10_000_000)
    assert reader.run(run_id).status == "queued"
    sql("UPDATE run SET created_at_us = created_at_us - ?", 11_000_000)
    assert (reader.run(run_id).status, reader.run(run_id).status_reason) == ("interrupted", "no worker ever started")
    assert lifecycle.reconcile(home) == 1
    assert events_of(sql, run_id) == [("queued", "interrupted", "reader", "no worker ever started")]


def test_a_run_that_waits_for_its_device_for_hours_is_still_queued(home, queued, reader, sql):
    run_id = queued()
    lifecycle.register_worker(home, run_id, this_worker())
    sql("UPDATE run SET created_at_us = 0, heartbeat_at_us = 0")
    assert reader.run(run_id).status == "queued"


def test_a_run_that_is_over_is_left_alone(home, started, write, reader, sql):
    run_id = started()
    write(run_id, planned(), encoded(), finished())
    sql("UPDATE run SET worker_start_ticks = 1")
    assert reader.run(run_id).status == "completed"
    assert lifecycle.reconcile(home) == 0


def test_a_run_starts_only_once(home, queued, sql):
    run_id = queued()
    lifecycle.start(home, run_id, "cpu")
    lifecycle.start(home, run_id, "cuda:0")
    assert sql("SELECT status, device FROM run") == [("starting", "cpu")]
    assert len(events_of(sql, run_id)) == 1


def test_deleting_a_run_takes_its_rows_along(home, started, write, sql):
    run_id = started(tags={"a": "b"})
    write(run_id, planned(), encoded(), finished())
    with lifecycle.writing(home, "delete a run of") as connection:
        connection.exec_driver_sql("DELETE FROM run")
    for table in ("run_event", "run_tag", "stratum", "block_sample"):
        assert sql(f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_table_refuses_a_status_that_does_not_exist_and_an_end_without_a_time(home, queued, sql):
    queued()
    for wrong in ("status = 'dead'", "status = 'failed'", "ended_at_us = 5", "done = 3", "config_json = '{'"):
        with pytest.raises(sqlite3.IntegrityError):
            sql(f"UPDATE run SET {wrong}")


def test_a_writing_transaction_has_the_write_lock_before_its_first_question(home):
    """Taken only at the first write, another commit in between would fail it at once (SQLITE_BUSY_SNAPSHOT)."""
    other = sqlite3.connect(home.database, isolation_level=None, timeout=0)
    with lifecycle.writing(home, "look into"), pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("BEGIN IMMEDIATE")
    other.execute("BEGIN IMMEDIATE")
    other.close()


def test_without_a_store_nothing_can_be_added(tmp_path):
    with pytest.raises(StoreError) as caught:
        lifecycle.create_run(Home(tmp_path / "missing"), config())
    assert caught.value.exit_code == 8
    with pytest.raises(StoreError, match="cannot add a run to"):
        lifecycle.create_run(Home(Path("/dev/null/x")), config())


def test_a_lock_of_a_device_is_one_file_whatever_the_name(home):
    assert lifecycle.lock_path(home, "cpu") != lifecycle.lock_path(home, "GPU-1")
    assert lifecycle.lock_path(home, "a/b").parent == home.locks


def test_a_reader_of_the_same_process_does_not_drop_a_workers_life(home, queued):
    """Closing any descriptor of a POSIX lock drops it: the pid still proves the worker."""
    run_id = queued()
    uuid, _ = lifecycle.run_config(home, run_id)
    descriptor = lifecycle.claim(home, run_id, uuid)
    with Reader(home) as reader:
        assert [reader.run(run_id).status for _ in range(2)] == ["queued", "queued"]
    os.close(descriptor)
