import functools
import json
import sqlite3
import subprocess
import sys
import time

import pytest
from records import (
    alert,
    compared,
    empty_stats,
    encoded,
    finding,
    finished,
    four_strata,
    gpu_sample,
    planned,
    result,
    stats,
)
from sqlalchemy.exc import OperationalError

from vp_tui.core.errors import StoreError
from vp_tui.core.events import PhaseChanged, Progress, RunStopped
from vp_tui.core.store import kept_events, lifecycle
from vp_tui.core.store import writer as writer_module
from vp_tui.core.store.engine import writer_engine
from vp_tui.core.store.writer import RunWriter

NAN, INF = float("nan"), float("inf")


def test_every_event_becomes_rows(started, write, sql, reader):
    run_id = started()
    write(
        run_id,
        PhaseChanged(at_us=1, phase="loading", detail="esm2 in fp16"),
        planned(),
        encoded(),
        encoded(arm="candidate", is_warmup=True),
        compared(results=(result(0), result(1)), strata=four_strata()),
        Progress(at_us=2, done=2, total=30, eta_s=12.5),
        gpu_sample(sm_active=91.5, tensor_active=58.0, dram_active=37.0, other_processes=2),
        alert(sequence_id="p1", pack=4),
    )
    found = reader.snapshot(run_id)
    assert (found.run.status, found.run.phase) == ("running", "loading: esm2 in fp16")
    assert (found.run.done, found.run.total, found.run.eta_s) == (2, 30, 12.5)
    assert (found.dataset, found.model, found.environment) == ({"n": 30}, {"name": "esm2"}, {"torch": "2.13.0"})
    assert found.blocks == (encoded(), encoded(arm="candidate", is_warmup=True))
    assert found.strata == four_strata()
    assert [(point.cosine_min, point.sequences) for point in found.similarity] == [(0.9999, 2)]
    assert found.gpu == (gpu_sample(sm_active=91.5, tensor_active=58.0, dram_active=37.0, other_processes=2),)
    assert found.alerts == (alert(sequence_id="p1", pack=4),)
    assert reader.worst_sequences(run_id) == (result(0), result(1))
    assert sql("SELECT from_status, to_status FROM run_event WHERE run_id = ? ORDER BY id", run_id) == [
        ("queued", "starting"),
        ("starting", "running"),
    ]


def test_the_end_of_a_run_is_stored_whole(started, write, reader):
    run_id = started()
    write(run_id, planned(), finished(findings=(finding(value=0.98, limit=0.99),), verdict="FAIL", exit_code=4))
    found = reader.snapshot(run_id)
    assert (found.run.status, found.run.verdict, found.run.exit_code) == ("completed", "FAIL", 4)
    assert (found.run.sentence, found.run.speed_verdict, found.run.speedup) == ("fp16 is safe here", "PASS", 2.0)
    assert found.run.ended_at_us >= found.run.started_at_us
    assert found.findings == (finding(value=0.98, limit=0.99),)
    assert found.arms["candidate"]["precision"] == "fp16"
    assert found.speedup["ci95"] == [1.8, 2.2]
    assert found.measures == {"M1": {"all": {"min": 0.99999}}}


@pytest.mark.parametrize(("status", "code"), [("failed", 1), ("cancelled", 130)])
def test_a_run_that_stops_keeps_its_reason(started, write, reader, status, code):
    run_id = started()
    write(run_id, planned(), RunStopped(at_us=1, status=status, reason="why", exit_code=code))
    row = reader.run(run_id)
    assert (row.status, row.status_reason, row.exit_code) == (status, "why", code)
    assert row.ended_at_us is not None


def test_what_comes_after_the_end_does_not_change_the_status(started, write, reader, sql):
    run_id = started()
    stop = RunStopped(at_us=1, status="cancelled", reason="stopped", exit_code=130)
    write(
        run_id,
        planned(),
        stop,
        finished(),
        RunStopped(at_us=2, status="failed", reason="x", exit_code=1),
    )
    assert (reader.run(run_id).status, reader.run(run_id).exit_code) == ("cancelled", 130)
    assert sql("SELECT count(*) FROM run_event WHERE run_id = ?", run_id) == [(3,)]


def test_nan_and_infinity_are_never_stored(started, write, reader, sql):
    run_id = started()
    write(
        run_id,
        planned(dataset={"deep": [{"x": NAN}]}),
        compared(
            cosine_min=NAN, results=(result(cosine=NAN, relative_l2=INF, nan_count=9),), strata=(stats(cosine_p01=NAN),)
        ),
        gpu_sample(power_w=INF, sm_active=NAN),
        finished(measures={"M4": {"all": {"min": -INF}}}, findings=(finding(value=NAN),)),
    )
    assert sql("SELECT cosine, relative_l2, nan_count FROM sequence_result") == [(None, None, 9)]
    assert sql("SELECT power_w, sm_active FROM gpu_sample") == [(None, None)]
    assert sql("SELECT cosine_min FROM similarity_sample") == [(None,)]
    (texts,) = sql("SELECT dataset_json, measures_json, findings_json FROM run")

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(texts[0], parse_constant=refuse) == {"deep": [{"x": None}]}
    assert json.loads(texts[1], parse_constant=refuse) == {"M4": {"all": {"min": None}}}
    assert reader.snapshot(run_id).findings[0].value is None


def test_a_sequence_without_a_cosine_is_the_worst_of_all(started, write, reader):
    run_id = started()
    write(run_id, planned(), compared(results=(result(0, cosine=0.5), result(1, cosine=None), result(2, cosine=0.9))))
    assert [found.seq_idx for found in reader.worst_sequences(run_id, 2)] == [1, 0]


def test_rows_are_visible_while_the_run_goes_on(home, started, reader, poll):
    run_id = started()
    with RunWriter(home, run_id) as writer:
        writer.put(encoded())
        poll(lambda: reader.snapshot(run_id).blocks, seconds=10, what="the first row")


def test_the_strata_are_replaced_not_added(started, write, reader):
    run_id = started()
    write(run_id, planned(), compared(strata=(empty_stats("short"),)), compared(block=1, strata=(stats("short"),)))
    assert reader.snapshot(run_id).strata == (stats("short"),)


def test_thousands_of_events_arrive_in_order_and_in_few_transactions(home, started, reader, monkeypatch):
    batches = []
    write_batch = RunWriter._write

    def counted(self, connect, batch):
        batches.append(len(batch))
        write_batch(self, connect, batch)

    monkeypatch.setattr(RunWriter, "_write", counted)
    run_id = started()
    with RunWriter(home, run_id) as writer:
        for number in range(3000):
            writer.put(encoded(block=number))
    assert [one.block for one in reader.snapshot(run_id).blocks] == list(range(3000))
    assert sum(batches) == 3000
    assert max(batches) <= writer_module.BATCH_EVENTS
    assert len(batches) < 30


def test_an_idle_writer_keeps_the_heart_beating(home, started, reader, poll, monkeypatch):
    monkeypatch.setattr(writer_module, "HEARTBEAT_SECONDS", 0.01)
    run_id = started()
    with RunWriter(home, run_id):
        first = reader.run(run_id).heartbeat_at_us
        poll(lambda: reader.run(run_id).heartbeat_at_us > first, seconds=10, what="the next heartbeat")


HOLDER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("ROLLBACK")
"""


@pytest.fixture
def hold_store(home):
    """hold_store(seconds): another process has the write lock now, and gives it back after that time."""
    holders = []

    def hold(seconds):
        command = [sys.executable, "-c", HOLDER, str(home.database), str(seconds)]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        assert holder.stdout.readline() == "held\n"

    yield hold
    for holder in holders:
        holder.communicate(timeout=30)


def test_events_wait_while_another_process_holds_the_store_for_three_seconds(hold_store, started, write, reader):
    run_id = started()
    hold_store(3.0)
    began = time.monotonic()
    write(run_id, planned(), encoded())
    assert time.monotonic() - began > 2.0, "then nobody held the store"
    assert reader.snapshot(run_id).blocks == (encoded(),)


@pytest.fixture
def impatient(monkeypatch):
    """Every single attempt to write gives up at once."""
    monkeypatch.setattr(writer_module, "writer_engine", functools.partial(writer_engine, patience_ms=1))


@pytest.fixture
def failing_once(monkeypatch):
    """failing_once(code): the next event fails with this SQLite error code, later ones are written."""

    def fail(code):
        codes, write_row = [code], writer_module.write

        def write_or_fail(*arguments):
            if codes:
                error = sqlite3.OperationalError("made by the test")
                error.sqlite_errorcode = codes.pop()
                raise OperationalError("INSERT", {}, error)
            write_row(*arguments)

        monkeypatch.setattr(writer_module, "write", write_or_fail)

    return fail


@pytest.mark.parametrize("code", [5, 6, 261, 262, 517, 773, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, 2570])
def test_a_store_that_is_busy_or_full_is_waited_for(failing_once, started, write, reader, code):
    run_id = started()
    failing_once(code)
    write(run_id, planned(), encoded())
    assert reader.snapshot(run_id).blocks == (encoded(),)


@pytest.mark.parametrize("code", [sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_READONLY])
def test_another_error_of_the_store_is_not_waited_for(failing_once, started, write, code):
    run_id = started()
    failing_once(code)
    with pytest.raises(StoreError, match="made by the test"):
        write(run_id, planned())


def test_a_store_that_stays_locked_beyond_the_busy_timeout_is_tried_again(
    hold_store, impatient, started, write, reader
):
    run_id = started()
    hold_store(0.5)
    write(run_id, planned(), encoded())
    assert reader.snapshot(run_id).blocks == (encoded(),)


@pytest.fixture
def hasty(monkeypatch):
    """The end of a run does not wait for the store."""
    monkeypatch.setattr(writer_module, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(writer_module, "RETRY_SECONDS", 0.02)


@pytest.fixture
def left(home, impatient, hasty, started, write, reader, sql):
    """left(*events) -> run id, and the file in which they were kept: the store was locked to the end of the run."""

    def leave(*events):
        run_id = started()
        # its process is seen as dead: the next command looks at what it left
        sql("UPDATE run SET worker_start_ticks = 1 WHERE id = ?", run_id)
        locked = sqlite3.connect(home.database, isolation_level=None)
        locked.execute("BEGIN IMMEDIATE")
        write(run_id, *events)
        assert lifecycle.reconcile(home) == 0, "the store is still locked"
        locked.close()
        return run_id, home.run_folder(reader.run(run_id).uuid) / kept_events.NAME

    return leave


def test_a_run_that_ends_while_the_store_is_locked_keeps_its_events_and_they_are_imported_once(home, left, reader):
    results = tuple(result(i) for i in range(3))
    run_id, kept = left(planned(), encoded(), compared(results=results), finished(strata=four_strata()))
    copy = kept.read_bytes()
    assert lifecycle.reconcile(home) == 1
    found = reader.snapshot(run_id)
    assert (found.run.status, found.run.verdict, found.blocks) == ("completed", "PASS", (encoded(),))
    assert reader.results(run_id) == results
    assert not kept.exists()
    kept.write_bytes(copy)
    assert lifecycle.reconcile(home) == 0
    assert reader.results(run_id) == results


def test_kept_events_end_where_a_line_was_changed_and_the_run_is_interrupted(home, left, reader):
    run_id, kept = left(planned(), encoded(), encoded(block=1), finished(strata=four_strata()))
    kept.write_bytes(kept.read_bytes().replace(b'"block": 1', b'"block": 2'))
    assert lifecycle.reconcile(home) == 1
    found = reader.snapshot(run_id)
    assert (found.run.status, [block.block for block in found.blocks]) == ("interrupted", [0])


def test_an_event_that_cannot_be_written_surfaces_from_close(started, write):
    run_id = started()
    with pytest.raises(StoreError, match="UNIQUE constraint"):
        write(run_id, compared(results=(result(0), result(0))))


def test_an_event_that_cannot_be_written_surfaces_from_the_next_put(home, started, poll):
    writer = RunWriter(home, started())
    writer.__enter__()
    writer.put(compared(results=(result(0), result(0))))

    def refused():
        try:
            writer.put(encoded())
        except StoreError as error:
            return str(error)
        return None

    assert "UNIQUE constraint" in poll(refused, seconds=10, what="the trouble")
    with pytest.raises(StoreError, match="UNIQUE constraint"):
        writer.close()


def test_a_batch_is_written_whole_or_not_at_all(started, write, reader):
    run_id = started()
    with pytest.raises(StoreError):
        write(run_id, planned(), encoded(), compared(results=(result(0), result(0))))
    found = reader.snapshot(run_id)
    assert (found.run.status, found.blocks) == ("starting", ())
    assert reader.count_results(run_id) == 0


def put_many(writer, event):
    for _ in range(10_000):
        writer.put(event)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_writer_thread_that_breaks_is_a_store_error_and_no_full_queue_hangs(home, started, monkeypatch):
    """A fact that is no JSON ends the thread with a TypeError: neither put nor close may look like success."""
    monkeypatch.setattr(writer_module, "QUEUE_EVENTS", 3)
    writer = RunWriter(home, started())
    writer.__enter__()
    with pytest.raises(StoreError, match=r"run\.log"):
        put_many(writer, planned(dataset={"x": object()}))
    with pytest.raises(StoreError, match=r"run\.log"):
        writer.close()


def test_closing_twice_is_harmless(home, started):
    writer = RunWriter(home, started())
    with writer:
        writer.put(encoded())
    writer.close()
