"""Upgrades of a store with rows, through a revision made here; stores whose revision is refused."""

import hashlib
import shutil
import signal
import sqlite3
import subprocess
import sys

import pytest
from old_stores import asked, schema
from stored_runs import complete

from vp_tui import migrations
from vp_tui.core.errors import StoreError
from vp_tui.core.store import backup, engine
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.tables import REVISION, metadata

NEXT = "0099"
SCRIPT = f"""
from alembic import op

revision, down_revision, branch_labels, depends_on = {NEXT!r}, {REVISION!r}, None, None


def upgrade():
    op.execute("ALTER TABLE run ADD COLUMN color TEXT")
    op.execute("CREATE TABLE palette (color TEXT) STRICT")
    op.execute("UPDATE run SET color = 'red'")
"""


@pytest.fixture
def next_version(tmp_path, monkeypatch):
    """next_version(script) makes this version one whose newest revision is the script's; returns its folder."""

    def make(script=SCRIPT):
        folder = tmp_path / "50% of versions"
        shutil.copytree(migrations.VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / f"{NEXT}_next.py").write_text(script)
        monkeypatch.setattr(migrations, "VERSIONS", folder)
        for module in (migrations, engine):
            monkeypatch.setattr(module, "REVISION", NEXT)
        return folder

    return make


@pytest.fixture
def old(home):
    """A home whose store, once `next_version` is made, is one revision behind; it has two runs."""
    complete(home)
    complete(home)
    return home


def contents(path):
    """Every row of every table of the current metadata, in its columns."""
    from sqlalchemy import create_engine, select

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        return {table.name: connection.execute(select(table)).all() for table in metadata.sorted_tables}


def test_a_revision_keeps_every_row_and_adds_its_own(old, next_version):
    before = contents(old.database)
    assert len(before["run"]) == 2
    assert len(before["sequence_result"]) > 10
    next_version()
    assert migrations.upgrade(old) == REVISION
    assert contents(old.database) == before
    assert asked(old.database, "SELECT color FROM run") == [("red",), ("red",)]
    assert asked(old.database, "SELECT version_num FROM alembic_version") == [(NEXT,)]
    assert backup.check(old).is_sound
    assert migrations.upgrade(old) == NEXT


def test_before_an_upgrade_the_store_is_copied(old, next_version):
    before = contents(old.database)
    next_version()
    migrations.upgrade(old)
    (copied,) = backup.backups(old)
    assert copied.name.startswith(f"runs.db.bak-{REVISION}-")
    assert migrations.current_revision(copied) == REVISION
    assert contents(copied) == before


def test_a_fresh_store_and_a_current_one_are_not_copied(home):
    assert migrations.upgrade(home) == REVISION
    assert backup.backups(home) == ()


def test_only_the_newest_three_backups_stay(old, next_version):
    for day in range(1, 6):
        (old.root / f"runs.db.bak-0001-2026010{day}T000000.000000Z").touch()
    next_version()
    migrations.upgrade(old)
    kept = backup.backups(old)
    assert [path.stat().st_size > 0 for path in kept] == [False, False, True]
    assert [path.name[-23:-15] for path in kept[:2]] == ["20260104", "20260105"]


def test_without_space_for_the_copy_nothing_is_changed(old, next_version, monkeypatch):
    next_version()
    before = schema(old.database)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Disk", (), {"free": 1000})())
    with pytest.raises(StoreError, match="MiB"):
        migrations.upgrade(old)
    assert schema(old.database) == before
    assert migrations.current_revision(old.database) == REVISION


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("CREATE TABLE run (a)", "already exists"),
        ("DELETE FROM run WHERE id = 1", "references"),
        ("DROP TABLE nowhere", "no such table"),
    ],
)
def test_an_upgrade_that_fails_leaves_schema_and_rows_and_names_the_copy(old, next_version, statement, words):
    before = schema(old.database), contents(old.database)
    script = f"{SCRIPT}    op.execute({statement!r})\n"
    folder = next_version(script)
    with pytest.raises(StoreError, match=words) as caught:
        migrations.upgrade(old)
    (copied,) = backup.backups(old)
    assert str(copied) in str(caught.value)
    assert (schema(old.database), contents(old.database)) == before
    assert migrations.current_revision(old.database) == REVISION
    (folder / f"{NEXT}_next.py").write_text(SCRIPT)
    assert migrations.upgrade(old) == REVISION


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from alembic import op
from vp_tui import migrations
from vp_tui.core.store.home import Home

migrations.VERSIONS, migrations.REVISION = Path(sys.argv[1]), sys.argv[2]
execute, left = op.execute, [int(sys.argv[3])]
def counted(statement):
    execute(statement)
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
op.execute = counted
migrations.upgrade(Home.from_environment(os.environ))
"""


@pytest.mark.parametrize("statements", [1, 3])
def test_an_upgrade_that_is_killed_leaves_the_old_store_and_the_next_one_succeeds(old, next_version, statements):
    before = schema(old.database), contents(old.database)
    folder = next_version()
    command = [sys.executable, "-c", KILLED_AT, str(folder), NEXT, str(statements)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (schema(old.database), contents(old.database)) == before
    assert migrations.upgrade(old) == REVISION
    assert contents(old.database) == before[1]


def test_a_store_is_refused_by_a_reader_until_it_is_upgraded(old, next_version):
    next_version()
    with pytest.raises(StoreError, match=rf"{REVISION}.*vp-tui db upgrade"):
        Reader(old)
    migrations.upgrade(old)
    Reader(old).close()


def test_an_open_reader_does_not_block_the_upgrade(old, next_version):
    next_version()
    reading = sqlite3.connect(f"{old.database.as_uri()}?mode=ro", uri=True)
    assert reading.execute("SELECT count(*) FROM run").fetchone() == (2,)
    migrations.upgrade(old)
    assert reading.execute("SELECT count(color) FROM run").fetchone() == (2,)
    reading.close()


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_a_store_of_a_development_version_is_refused_and_left_as_it_is(home, revision):
    asked(home.database, f"UPDATE alembic_version SET version_num = '{revision}'")
    before = hashlib.sha256(home.database.read_bytes()).hexdigest()
    with pytest.raises(StoreError, match=rf"'{revision}'.*'0010'.*move the file away.*export") as caught:
        migrations.upgrade(home)
    assert caught.value.exit_code == 8
    assert str(home.database) in str(caught.value)
    assert hashlib.sha256(home.database.read_bytes()).hexdigest() == before
    assert backup.backups(home) == ()
    with pytest.raises(StoreError, match=f"'{revision}'"):
        Reader(home)


def test_a_store_without_the_table_of_progress_gets_it_and_keeps_its_runs(home):
    complete(home)
    before = asked(home.database, "SELECT id, uuid, verdict FROM run")
    asked(home.database, "DROP TABLE run_progress")
    asked(home.database, "UPDATE alembic_version SET version_num = '0010'")
    assert migrations.upgrade(home) == "0010"
    assert asked(home.database, "SELECT id, uuid, verdict FROM run") == before
    with Reader(home) as reader:
        assert (reader.runs()[0].progress, reader.step_seconds(before[0][0])) == (None, None)
