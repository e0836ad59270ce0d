import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from old_stores import asked, schema

from vp_tui import migrations
from vp_tui.core.errors import StoreError
from vp_tui.core.store import tables
from vp_tui.core.store.home import Home
from vp_tui.core.store.tables import APPLICATION_ID, REVISION, metadata

GOLDEN = Path(__file__).parents[1] / "golden/schema.sql"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A home without a store, which child processes use too."""
    monkeypatch.setenv("VP_TUI_HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def in_a_process(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)


def test_a_fresh_store_has_the_golden_schema(home):
    """A schema change is a new revision and a new golden file, never an edit of a released revision.

    `VP_TUI_WRITE_GOLDEN=1 pytest tests/migrations` writes the file; read its diff.
    """
    found = ";\n".join(schema(home.database)) + ";\n"
    if os.environ.get("VP_TUI_WRITE_GOLDEN"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


def test_every_table_of_ours_is_strict(home):
    tables = asked(home.database, "SELECT name, strict FROM pragma_table_list WHERE schema = 'main' AND type = 'table'")
    ours = {name: strict for name, strict in tables if not name.startswith("sqlite_") and name != "alembic_version"}
    assert ours == dict.fromkeys(metadata.tables, 1)


def test_a_fresh_store_is_marked_as_ours_and_uses_write_ahead_logging(home):
    assert asked(home.database, "PRAGMA application_id") == [(APPLICATION_ID,)]
    assert asked(home.database, "PRAGMA journal_mode") == [("wal",)]
    assert asked(home.database, "PRAGMA integrity_check") == [("ok",)]
    assert asked(home.database, "PRAGMA foreign_key_check") == []
    assert asked(home.database, "SELECT version_num FROM alembic_version") == [(REVISION,)]


def test_the_revision_this_version_needs_is_its_newest():
    assert max(migrations.known_revisions()) == REVISION


def test_the_first_upgrade_had_no_revision_and_the_second_is_a_no_op(place):
    assert migrations.upgrade(place) is None
    before = digest(place.database)
    assert migrations.upgrade(place) == REVISION
    assert digest(place.database) == before


def test_a_second_upgrade_does_not_import_alembic(home):
    done = in_a_process(
        "import os, sys\n"
        "from vp_tui import migrations\n"
        "from vp_tui.core.store.home import Home\n"
        "print(migrations.upgrade(Home.from_environment(os.environ)), 'alembic' in sys.modules, 'torch' in sys.modules)"
    )
    assert done.stdout == f"{REVISION} False False\n", done.stderr


def test_an_empty_file_becomes_a_store(place):
    place.create()
    place.database.touch()
    assert migrations.upgrade(place) is None
    assert migrations.current_revision(place.database) == REVISION


def test_a_newer_store_is_refused_in_words_and_left_as_it_is(home):
    connection = sqlite3.connect(home.database)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = digest(home.database)
    with pytest.raises(StoreError, match=r"'9999' of a newer vp-tui.*unchanged") as caught:
        migrations.upgrade(home)
    assert caught.value.exit_code == 8
    assert digest(home.database) == before


def database_of_somebody_else(path):
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE precious(a); INSERT INTO precious VALUES (1)")
    connection.close()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (database_of_somebody_else, "application_id 0"),
        (lambda path: path.write_text("a text file\n" * 500), "not a database"),
        (lambda path: path.write_bytes(b"\xff" * 8192), "not a database"),
        (lambda path: path.mkdir(), "cannot open"),
    ],
    ids=["another database", "text", "rubbish", "a folder"],
)
def test_a_foreign_file_is_refused_and_left_as_it_is(place, make, words):
    place.create()
    make(place.database)
    before = digest(place.database) if place.database.is_file() else None
    with pytest.raises(StoreError, match=words):
        migrations.upgrade(place)
    assert before == (digest(place.database) if place.database.is_file() else None)
    assert sorted(path.name for path in place.root.iterdir()) == ["cache", "locks", "runs", "runs.db"]


def test_a_home_that_cannot_be_written_is_a_store_error():
    """Below a file no user can write, root included."""
    with pytest.raises(StoreError, match=r"cannot create /dev/null/x.*VP_TUI_HOME") as caught:
        migrations.upgrade(Home(Path("/dev/null/x")))
    assert caught.value.exit_code == 8


KILLED_AT = """
import os, signal, sqlite3, sys
from vp_tui import migrations
from vp_tui.core.store import tables
from vp_tui.core.store.home import Home

place, moment = Home.from_environment(os.environ), sys.argv[1]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if moment == "before the first statement":
    from alembic import command
    command.upgrade = die
elif moment == "between id and log":
    seen = []
    class Connection(sqlite3.Connection):
        def execute(self, statement, *values):
            if statement.startswith(("PRAGMA journal_mode=", "PRAGMA application_id=")):
                seen.append(statement)
            if len(seen) == 2:
                die()
            return super().execute(statement, *values)
    connect = sqlite3.connect
    sqlite3.connect = lambda *a, **k: connect(*a, **k, factory=Connection)
else:
    from sqlalchemy import event
    from vp_tui.core.store.tables import metadata
    event.listen(metadata.sorted_tables[int(moment)], "after_create", die)
migrations.upgrade(place)
"""


@pytest.mark.parametrize("moment", ["between id and log", "before the first statement", "0", "9", "-1"])
def test_an_upgrade_killed_in_the_middle_leaves_no_table_and_the_next_one_succeeds(place, moment):
    done = subprocess.run([sys.executable, "-c", KILLED_AT, moment], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert schema(place.database) == []
    assert migrations.current_revision(place.database) is None
    assert migrations.upgrade(place) is None
    assert ";\n".join(schema(place.database)) + ";\n" == GOLDEN.read_text()


def test_an_upgrade_that_fails_rolls_back_and_is_a_store_error(place, monkeypatch):
    monkeypatch.setattr(tables.stratum, "name", "run")
    with pytest.raises(StoreError, match=r"cannot upgrade .*already exists"):
        migrations.upgrade(place)
    assert schema(place.database) == []
    monkeypatch.undo()
    assert migrations.upgrade(Home(place.root)) is None


def test_two_processes_that_upgrade_at_once_both_succeed(place):
    program = (
        "import os\nfrom vp_tui import migrations\nfrom vp_tui.core.store.home import Home\n"
        "migrations.upgrade(Home.from_environment(os.environ))"
    )
    both = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert migrations.current_revision(place.database) == REVISION
