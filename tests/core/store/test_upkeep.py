import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest
from records import compared, config, encoded, gpu_sample, planned, result

from vp_tui.core.errors import RunNotFoundError, StoreError, UsageError
from vp_tui.core.files import replacing
from vp_tui.core.store import lifecycle, upkeep
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.references import EmbeddingsFile

DETAILS = ("sequence_result", "block_sample", "gpu_sample", "similarity_sample")


def test_tags_are_set_replaced_and_removed(home, queued, reader):
    run_id = queued(tags={"gpu": "a100"})
    upkeep.tag(home, run_id, {"gpu": "h200", "who": "me"})
    assert reader.run(run_id).tags == {"gpu": "h200", "who": "me"}
    upkeep.tag(home, run_id, {})
    assert upkeep.untag(home, run_id, "gpu") is True
    assert upkeep.untag(home, run_id, "gpu") is False
    assert reader.run(run_id).tags == {"who": "me"}


def test_a_note_stays_until_it_is_taken_away(home, queued, reader):
    run_id = queued()
    upkeep.note(home, run_id, "driver was updated")
    assert reader.run(run_id).note == "driver was updated"
    assert [row.id for row in reader.history("note:DRIVER")] == [run_id]
    upkeep.note(home, run_id, None)
    assert reader.run(run_id).note is None


@pytest.mark.parametrize(
    "ask",
    [
        lambda home: upkeep.tag(home, 9, {"a": "b"}),
        lambda home: upkeep.untag(home, 9, "a"),
        lambda home: upkeep.note(home, 9, "x"),
        lambda home: upkeep.delete_run(home, 9),
    ],
)
def test_a_run_that_does_not_exist_is_a_usage_error(home, ask):
    with pytest.raises(RunNotFoundError, match="no run 9"):
        ask(home)


def test_a_deleted_run_takes_its_rows_and_its_folder_along(home, completed, queued, reader, sql):
    run_id, other = completed(), queued()
    folder = home.run_folder(reader.run(run_id).uuid)
    (folder / "candidate.safetensors").write_bytes(b"x")
    upkeep.delete_run(home, run_id)
    assert not folder.exists()
    assert [row.id for row in reader.runs()] == [other]
    for table in (*DETAILS, "stratum", "metric", "run_event"):
        assert sql(f"SELECT count(*) FROM {table} WHERE run_id = ?", run_id) == [(0,)], table


def test_a_run_without_a_folder_can_be_deleted(home, completed, reader):
    run_id = completed()
    home.run_folder(reader.run(run_id).uuid).rmdir()
    upkeep.delete_run(home, run_id)
    assert reader.count_runs() == 0


def test_a_folder_that_cannot_be_removed_is_told(home, completed, reader, monkeypatch):
    run_id = completed()

    def refuse(path):
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr(upkeep.shutil, "rmtree", refuse)
    with pytest.raises(StoreError, match=r"folder .*not permitted"):
        upkeep.delete_run(home, run_id)
    assert reader.count_runs() == 0


def test_a_run_that_goes_on_cannot_be_deleted(home, started, queued, reader):
    for run_id in (started(), queued()):
        with pytest.raises(UsageError, match=rf"run {run_id} is (starting|queued); stop it first"):
            upkeep.delete_run(home, run_id)
    assert reader.count_runs() == 2


def test_a_run_whose_worker_is_dead_can_be_deleted(home, started, reader, sql):
    run_id = started()
    sql("UPDATE run SET worker_start_ticks = worker_start_ticks - 1")
    upkeep.delete_run(home, run_id)
    assert reader.count_runs() == 0


@pytest.fixture
def six(home, completed, started, write, reader):
    """1 old, 2 a baseline, 3 old with embeddings, 4 going on, 5 and 6 new; every one with all kinds of details."""
    ids = [completed(), completed(), completed()]
    ids.append(started())
    write(4, planned(), compared(results=(result(0),)), encoded(), gpu_sample())
    ids += [completed(), completed()]
    for run_id in (1, 2, 3, 5, 6):
        write(run_id, encoded(), encoded(), gpu_sample())
    set_baseline(home, [2], reason="x")
    for run_id in ids:
        folder = home.run_folder(reader.run(run_id).uuid)
        (folder / "candidate.safetensors").write_bytes(b"12345")
        (folder / "run.log").write_text("kept")
    return home


def counts(sql):
    return {table: sql(f"SELECT count(*) FROM {table}")[0][0] for table in (*DETAILS, "run", "metric", "stratum")}


def test_pruning_drops_the_details_of_old_runs_and_nothing_else(six, reader, sql):
    before, metrics = counts(sql), reader.metrics(range(1, 7))
    dry = upkeep.prune(six, keep=2)
    assert counts(sql) == before
    assert all(path.exists() for path in dry.files)
    assert dry.run_ids == (1, 3)
    assert dry.rows == {"sequence_result": 6, "block_sample": 4, "gpu_sample": 2, "similarity_sample": 2}
    assert (len(dry.files), dry.bytes) == (2, 10)

    assert upkeep.prune(six, keep=2, apply=True) == dry
    after = counts(sql)
    assert {name: before[name] - after[name] for name in DETAILS} == dry.rows
    assert (after["run"], after["metric"], after["stratum"]) == (6, before["metric"], before["stratum"])
    assert reader.metrics(range(1, 7)) == metrics
    assert not any(path.exists() for path in dry.files)
    assert (dry.files[0].parent / "run.log").exists()
    assert [row.id for row in reader.runs() if row.archived_at_us] == [3, 1]
    assert upkeep.prune(six, keep=2, apply=True).run_ids == ()


def test_pruning_never_touches_a_baseline_or_a_run_that_goes_on(six, reader):
    assert upkeep.prune(six, keep=0, apply=True).run_ids == (1, 3, 5, 6)
    assert reader.count_results(2) == 3
    assert reader.count_results(4) == 1


def test_as_many_runs_as_there_are_or_more_keep_everything(six):
    assert upkeep.prune(six, keep=4).run_ids == ()
    assert upkeep.prune(six, keep=10**9).run_ids == ()
    with pytest.raises(UsageError, match="cannot keep -1"):
        upkeep.prune(six, keep=-1)


def test_a_file_that_cannot_be_removed_is_told(six, monkeypatch):
    def refuse(path, **_):
        raise PermissionError(1, "not permitted")

    monkeypatch.setattr("pathlib.Path.unlink", refuse)
    with pytest.raises(StoreError, match="not permitted"):
        upkeep.prune(six, keep=2, apply=True)


def test_a_new_run_gets_the_number_after_a_deleted_one_only_if_it_was_not_the_last(home, completed):
    """SQLite gives the highest id again; uuids are what names a run for ever."""
    first, second = completed(), completed()
    upkeep.delete_run(home, first)
    assert lifecycle.create_run(home, config()) == second + 1


HOLD = """
import pathlib, sys
from vp_tui.core.store.liveness import hold
hold(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_process(path):
    """The lock of a run, as its worker holds it."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield


KILLED = """
import os, pathlib, signal, sys
from vp_tui.core.files import replacing
from vp_tui.core.store.references import EmbeddingsFile
begun = EmbeddingsFile(pathlib.Path(sys.argv[1]), 4, 2)
with replacing(pathlib.Path(sys.argv[2])) as temporary:
    temporary.write_bytes(b"tokens")
    os.kill(os.getpid(), signal.SIGKILL)
"""
NUM_BYTES = (1 << 16) + 4 * 2 * 4 + len(b"tokens")


@pytest.fixture
def half_written(home, started, reader, sql):
    """What a process left that was killed while it wrote into the folder of its run and into the cache."""
    folder = home.run_folder(reader.run(started()).uuid)
    sql("UPDATE run SET worker_start_ticks = 1")
    targets = folder / "candidate.safetensors", home.cache / "tokens" / "key.npz"
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, targets)], check=False)
    assert done.returncode == -signal.SIGKILL
    found = {path for target in targets for path in target.parent.glob(".*")}
    assert len(found) == 2
    return found


def test_what_a_killed_process_left_half_written_is_counted_and_goes(home, half_written, started, queued):
    """Beside a run that goes on here and one that no process has claimed."""
    assert (started(), queued()) == (2, 3)
    dry = upkeep.prune(home, keep=10)
    assert (dry.run_ids, dry.files, set(dry.unfinished), dry.bytes) == ((), (), half_written, NUM_BYTES)
    assert all(path.exists() for path in half_written)
    assert upkeep.prune(home, keep=10, apply=True) == dry
    assert not any(path.exists() for path in half_written)
    assert upkeep.prune(home, keep=10, apply=True).unfinished == ()


def test_what_a_living_process_writes_stays(home, started, reader):
    folder = home.run_folder(reader.run(started()).uuid)
    mine = EmbeddingsFile(folder / "candidate.safetensors", 4, 2)
    with replacing(home.cache / "tokens" / "key.npz") as temporary:
        temporary.write_bytes(b"tokens")
        strange = home.cache / ".download.part"
        strange.write_bytes(b"of nobody we know")
        assert upkeep.prune(home, keep=0, apply=True).unfinished == ()
        assert temporary.exists()
        assert strange.exists()
    mine.finish({})


@pytest.mark.parametrize("elsewhere", ["host = 'another', boot_id = 'another'", "worker_start_ticks = 1"])
def test_while_a_run_goes_on_that_cannot_be_seen_nothing_half_written_goes(home, half_written, started, sql, elsewhere):
    """Another machine, or another container, which shows by the lock it holds: its process numbers are not ours."""
    run_id = started()
    sql(f"UPDATE run SET {elsewhere} WHERE id = ?", run_id)
    uuid = sql("SELECT uuid FROM run WHERE id = ?", run_id)[0][0]
    with held_by_another_process(home.run_folder(uuid) / lifecycle.LOCK_NAME):
        assert upkeep.prune(home, keep=0, apply=True).unfinished == ()
    assert all(path.exists() for path in half_written)
    sql("UPDATE run SET status = 'interrupted', ended_at_us = 1 WHERE id = ?", run_id)
    assert set(upkeep.prune(home, keep=0).unfinished) == half_written
