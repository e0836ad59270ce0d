"""A store of revision 0001 with nine runs in every state (tests/data/store_0001.sql) becomes one of today."""

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from old_stores import asked, home_with

from vp_tui import migrations
from vp_tui.core.errors import StoreError
from vp_tui.core.store import backup
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.tables import REVISION

DUMP = Path(__file__).parents[1] / "data/store_0001.sql"
GOLDEN = Path(__file__).parents[1] / "golden/schema.sql"
OLD = (
    "run", "alert", "block_sample", "gpu_sample", "run_event", "run_tag", "sequence_result", "similarity_sample",
    "stratum",
)  # fmt: skip


def schema(path):
    return [row[0] for row in asked(path, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name")]


def contents(path, columns):
    """Every row of the old tables, in the old columns."""
    return {
        table: asked(path, f"SELECT {', '.join(names)} FROM {table} ORDER BY 1, 2") for table, names in columns.items()
    }


def columns_of(path):
    return {table: [f'"{row[1]}"' for row in asked(path, f"PRAGMA table_info({table})")] for table in OLD}


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A home whose store is still of revision 0001."""
    return home_with(DUMP, tmp_path / "home", monkeypatch)


def test_no_row_and_no_value_of_the_old_store_is_lost(old):
    columns = columns_of(old.database)
    before = contents(old.database, columns)
    assert migrations.upgrade(old) == "0001"
    assert contents(old.database, columns) == before
    assert {table: len(rows) for table, rows in before.items()}["sequence_result"] > 50
    assert asked(old.database, "PRAGMA foreign_key_check") == []
    assert asked(old.database, "PRAGMA integrity_check") == [("ok",)]


def test_an_upgraded_store_has_the_schema_of_a_fresh_one(old):
    migrations.upgrade(old)
    assert ";\n".join(schema(old.database)) + ";\n" == GOLDEN.read_text()
    assert asked(old.database, "SELECT version_num FROM alembic_version") == [(REVISION,)]
    assert backup.check(old).is_sound


def test_what_the_old_texts_said_is_in_the_new_tables(old):
    migrations.upgrade(old)
    assert asked(old.database, "SELECT sha256, n_total, cuts_json FROM dataset ORDER BY id") == [
        ("a1" * 32, 12, "[64, 128]"),
        ("b2" * 32, 9, "[100, 200]"),
    ]
    assert asked(old.database, "SELECT repo_id, weights_sha256 FROM model_artifact ORDER BY id") == [
        ("esm2-8m", "c3" * 32),
        ("esm2-650m", "d4" * 32),
    ]
    assert asked(old.database, "SELECT gpu_name, driver, torch FROM environment ORDER BY id") == [
        (None, None, "2.13.0+cpu"),
        ("NVIDIA H200", "580.95.05", "2.11.0+cu130"),
    ]
    with Reader(old) as reader:
        keys = {row.id: (row.accuracy_key, row.perf_key) for row in reader.runs()}
        assert keys[1] == keys[2] == keys[3] != keys[4]
        assert (keys[6], keys[9]) == ((None, None), (None, None)), "never planned"
        first, _, broken, on_gpu = reader.performance([1, 2, 3, 4])
        assert first.values["M1.min", "all"] == 0.99998
        assert first.values["M1.min", "short"] == 0.99999 - 12e-6
        assert first.values["candidate.tokens_per_s", "all"] == 2000.0
        assert first.values["candidate.end_to_end_tokens_per_s", "all"] == 600.0
        assert first.values["speedup.end_to_end", "all"] == 1.9
        assert broken.values["V1.nan", "all"] == 2
        assert on_gpu.values["gpu_utilization_mean", "all"] == 91.5
    finished = asked(old.database, "SELECT DISTINCT run_id FROM metric ORDER BY 1")
    assert finished == [(1,), (2,), (3,), (4,)]


def test_the_runs_of_an_old_store_are_read_searched_and_paired(old):
    migrations.upgrade(old)
    with Reader(old) as reader:
        assert [row.id for row in reader.history("status:completed NOT verdict:fail")] == [4, 2, 1]
        assert [row.id for row in reader.history("tag.gpu:h200")] == [4]
        assert [row.id for row in reader.history("cosine_min<0.9999790 OR metric.V1.nan>0")] == [3, 2, 1]
        pairs = reader.paired(1, 3)
        assert (len(pairs), pairs.by_hash) == (12, False), "paired by id, there were no hashes"
        assert reader.snapshot(3).run.sentence == "fp16 is not safe here"
        assert [one.name for one in reader.runs()][:2] == ["waiting", "going"]
        assert {row.status for row in reader.runs()} >= {"queued", "running", "interrupted", "cancelled", "failed"}


def test_before_an_upgrade_the_store_is_copied(old):
    before = contents(old.database, columns_of(old.database))
    migrations.upgrade(old)
    (copied,) = backup.backups(old)
    assert copied.name.startswith("runs.db.bak-0001-")
    assert migrations.current_revision(copied) == "0001"
    assert contents(copied, columns_of(copied)) == before


def test_a_fresh_store_and_a_store_of_today_are_not_copied(home):
    assert migrations.upgrade(home) == REVISION
    assert backup.backups(home) == ()


def test_only_the_newest_three_backups_stay(old):
    for day in range(1, 6):
        (old.root / f"runs.db.bak-0001-2026010{day}T000000.000000Z").touch()
    migrations.upgrade(old)
    kept = backup.backups(old)
    assert [path.stat().st_size > 0 for path in kept] == [False, False, True]
    assert [path.name[-23:-15] for path in kept[:2]] == ["20260104", "20260105"]


def test_without_room_for_the_copy_nothing_is_changed(old, monkeypatch):
    before = schema(old.database)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 1000})())
    with pytest.raises(StoreError, match="nothing was changed"):
        migrations.upgrade(old)
    assert schema(old.database) == before
    assert migrations.current_revision(old.database) == "0001"


def spoil_the_schema(monkeypatch):
    from alembic import op

    execute = op.execute
    monkeypatch.setattr(
        op, "execute", lambda text: execute(text.replace("CREATE TABLE comparison (", "CREATE TABLE run ("))
    )


def spoil_the_facts(monkeypatch):
    def fail(connection):
        connection.exec_driver_sql("DELETE FROM run")
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(migrations, "fill", fail)


def break_a_reference(monkeypatch):
    monkeypatch.setattr(
        migrations, "fill", lambda connection: connection.exec_driver_sql("DELETE FROM run WHERE id = 1")
    )


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_the_schema, "already exists"),
        (spoil_the_facts, "disk I/O error"),
        (break_a_reference, "the upgrade would break"),
    ],
)
def test_an_upgrade_that_fails_leaves_schema_and_rows_and_says_where_the_copy_is(old, monkeypatch, spoil, words):
    columns = columns_of(old.database)
    before = schema(old.database), contents(old.database, columns)
    spoil(monkeypatch)
    with pytest.raises(StoreError, match=words) as caught:
        migrations.upgrade(old)
    (copied,) = backup.backups(old)
    assert f"nothing was changed, and a backup of before is {copied}" in str(caught.value)
    assert (schema(old.database), contents(old.database, columns)) == before
    assert migrations.current_revision(old.database) == "0001"
    monkeypatch.undo()
    assert migrations.upgrade(old) == "0001"


KILLED_AT = """
import os, signal, sys
from alembic import op
from vp_tui import migrations
from vp_tui.core.store.home import Home

execute, left = op.execute, [int(sys.argv[1])]
def counted(statement):
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    execute(statement)
op.execute = counted
if int(sys.argv[1]) > 100:
    migrations.fill = lambda connection: os.kill(os.getpid(), signal.SIGKILL)
migrations.upgrade(Home.from_environment(os.environ))
"""


@pytest.mark.parametrize("statements", [0, 6, 25, 999])
def test_an_upgrade_that_is_killed_leaves_the_old_store_and_the_next_one_succeeds(old, statements):
    columns = columns_of(old.database)
    before = schema(old.database), contents(old.database, columns)
    command = [sys.executable, "-c", KILLED_AT, str(statements)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (schema(old.database), contents(old.database, columns)) == before
    assert migrations.upgrade(old) == "0001"
    assert contents(old.database, columns) == before[1]


def test_an_old_store_is_refused_by_a_reader_until_it_is_upgraded(old):
    with pytest.raises(StoreError, match=r"schema '0001' .*vp-tui db upgrade"):
        Reader(old)


def test_a_reader_that_is_open_does_not_hinder_the_upgrade(old):
    reading = sqlite3.connect(f"{old.database.as_uri()}?mode=ro", uri=True)
    assert reading.execute("SELECT count(*) FROM run").fetchone() == (9,)
    migrations.upgrade(old)
    assert reading.execute("SELECT count(accuracy_key) FROM run").fetchone() == (7,)
    reading.close()


def test_the_worker_of_an_older_version_can_go_on_writing_after_the_upgrade(old):
    """Its statements name columns, and every new column may be missing."""
    migrations.upgrade(old)
    connection = sqlite3.connect(old.database)
    connection.execute("PRAGMA foreign_keys=ON")
    with connection:
        connection.execute(
            "INSERT INTO sequence_result (run_id, seq_idx, sequence_id, stratum, num_tokens, nan_count, inf_count) "
            "VALUES (8, 0, 'p', 'short', 5, 0, 0)"
        )
        connection.execute("UPDATE run SET done = 1, status = 'completed', ended_at_us = 5 WHERE id = 8")
    connection.close()
    assert json.loads(asked(old.database, "SELECT accuracy_facts_json FROM run WHERE id = 8")[0][0])["cuts"] == [
        64,
        128,
    ]
