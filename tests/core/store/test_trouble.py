"""A store in trouble: locked by another program, empty, of a too old SQLite."""

import functools
import os
import sqlite3

import pytest
from records import config, finished, planned, stats

from vp_tui.core.errors import StoreBusyError, StoreError
from vp_tui.core.store import backup, engine, lifecycle, upkeep
from vp_tui.core.store.reader import Reader
from vp_tui.migrations import about_to_begin, upgrade


@pytest.fixture
def locked(home):
    """The write lock, held by another connection until the end."""
    connection = sqlite3.connect(home.database, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield connection
    connection.close()


@pytest.fixture
def dead(started, sql):
    run_id = started()
    sql("UPDATE run SET worker_start_ticks = 1 WHERE id = ?", run_id)
    return run_id


def test_a_locked_store_is_read_with_its_dead_runs_named_and_the_next_command_marks_them(home, dead, locked):
    upgrade(home)
    assert lifecycle.reconcile(home) == 0
    with Reader(home) as reader:
        assert [run.status for run in reader.runs()] == ["interrupted"]
    locked.rollback()
    assert lifecycle.reconcile(home) == 1


def test_a_write_into_a_locked_store_says_that_it_is_busy_and_why(home, dead, locked, monkeypatch):
    monkeypatch.setattr(lifecycle, "BUSY_TIMEOUT_MS", 1)
    monkeypatch.setattr(upkeep, "writing", lambda home, doing: lifecycle.writing(home, doing, patience_ms=1))
    with pytest.raises(StoreBusyError, match="another process") as caught:
        upkeep.tag(home, dead, {"a": "b"})
    assert caught.value.exit_code == 8


def test_a_store_that_lost_its_content_is_not_begun_anew(home, started):
    started()
    os.truncate(home.database, 0)
    for rest in home.root.glob("runs.db-*"):
        rest.unlink()
    with pytest.raises(StoreError, match="lost its content"):
        upgrade(home)
    assert home.database.stat().st_size == 0


def test_a_missing_store_beside_runs_is_told_before_a_new_one_is_begun(home, started):
    started()
    assert about_to_begin(home) == ()
    home.database.unlink()
    assert len(about_to_begin(home)) == 1
    upgrade(home)
    assert about_to_begin(home) == ()


def test_an_sqlite_without_strict_tables_is_named_with_the_remedy_before_anything_else(home, monkeypatch):
    monkeypatch.setattr(engine.sqlite3, "sqlite_version_info", (3, 34, 1))
    for call in (upgrade, Reader):
        with pytest.raises(StoreError, match=r"3\.37 is needed.*uv or conda"):
            call(home)


@pytest.mark.parametrize("content", [b"x", b"", "foreign"])
def test_a_file_that_is_no_store_is_never_called_sound(home, content):
    home.database.unlink()
    if content == "foreign":
        with sqlite3.connect(home.database) as other:
            other.execute("CREATE TABLE t (x)")
    else:
        home.database.write_bytes(content)
    try:
        assert not backup.check(home).is_sound
    except StoreError:
        return


def test_a_duration_is_unknown_where_the_clock_was_set_during_the_run(home, started, write, sql, reader):
    for _ in range(2):
        write(started(), planned(), finished())
    sql("UPDATE run SET started_at_us = ended_at_us - 60000000")
    assert len(reader.history("seconds>1")) == 2
    sql("UPDATE run SET clock_suspect = 1 WHERE id = 2")
    assert [run.id for run in reader.history("seconds>1")] == [1]
    assert [run.clock_suspect for run in reader.runs()] == [True, None]


def test_a_run_that_cannot_be_added_leaves_no_folder(home, monkeypatch):
    """The disk is full when the transaction ends: SQLite's own limit of pages stands for it."""
    with sqlite3.connect(home.database) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    full = functools.partial(engine.writer_engine, pragmas=(*engine.WRITER_PRAGMAS, f"PRAGMA max_page_count={pages}"))
    monkeypatch.setattr(lifecycle, "writer_engine", full)

    def add_many():
        for _ in range(100):
            lifecycle.create_run(home, config(input="x" * 4000))

    with pytest.raises(StoreError, match="full"):
        add_many()
    monkeypatch.undo()
    with Reader(home) as reader:
        assert len(list(home.runs.iterdir())) == len(reader.runs(1000))


def test_rows_beside_an_open_reader_are_taken_into_the_file_itself(home, started, write, reader):
    run_id = started()
    write(run_id, planned(), finished())
    assert reader.run(run_id).status == "completed"
    lifecycle.settle(home)
    copy = home.root / "copy.db"
    copy.write_bytes(home.database.read_bytes())
    with sqlite3.connect(f"file:{copy}?immutable=1", uri=True) as connection:
        assert connection.execute("SELECT status FROM run").fetchall() == [("completed",)]


@pytest.mark.parametrize(
    ("field", "worst_first", "below"), [("cosine_min", [2, 1], [2]), ("metric.M1.min", [1, 2], [])]
)
def test_a_run_with_nan_is_neither_the_best_nor_above_any_limit(started, write, reader, field, worst_first, below):
    """Its lowest cosine is that of its finite sequences, which may be perfect."""
    for broken in (0, 1):
        strata = tuple(
            stats(scope, nan=broken, below=broken, cosine_min=0.9999999 if broken else 0.999)
            for scope in ("short", "medium", "long", "all")
        )
        write(started(), planned(), finished(strata=strata, verdict="FAIL" if broken else "PASS"))
    assert [run.id for run in reader.history(f"{field}>0.99")] == [1]
    assert [run.id for run in reader.history(f"{field}<0.99")] == below
    assert [run.id for run in reader.history("", sort=field)] == worst_first
    assert [run.id for run in reader.history("", sort=f"-{field}")] == [1, 2]
    assert [(run.cosine_min, run.num_bad, run.num_nonfinite) for run in reader.runs()] == [(None, 1, 1), (0.999, 0, 0)]
