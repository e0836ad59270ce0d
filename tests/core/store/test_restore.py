"""A damaged store is moved aside whole, with consent, and its newest sound backup takes its place."""

import pytest

from vp_tui.core.errors import StoreError, UsageError
from vp_tui.core.store import backup, restore
from vp_tui.core.store.reader import Reader


def damage(home, content=b"no store"):
    home.database.write_bytes(content)
    home.database.with_name("runs.db-wal").write_bytes(b"log of it")
    return {path.name: path.read_bytes() for path in home.root.glob("runs.db*")}


@pytest.mark.parametrize("content", [b"", b"no store", b"SQLite format 3\0" + bytes(4096)])
def test_a_damaged_store_is_kept_byte_for_byte_and_its_newest_sound_backup_is_the_store(home, queued, content):
    queued()
    older = backup.backup(home, "a")
    newest = backup.backup(home, "b")
    newest.write_bytes(newest.read_bytes()[:5000])
    before = damage(home, content)
    assert restore.newest_sound(home) == older
    aside = restore.restore(home, older)
    assert aside.name.startswith("runs.db.corrupt.")
    assert aside.read_bytes() == before["runs.db"]
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == before["runs.db-wal"]
    assert not home.database.with_name("runs.db-wal").exists()
    with Reader(home) as reader:
        assert [run.id for run in reader.runs()] == [1]


def test_an_intact_store_one_in_use_and_one_without_a_sound_backup_stay(home, queued, monkeypatch):
    with pytest.raises(UsageError):
        restore.newest_sound(home)
    before = damage(home)
    with pytest.raises(StoreError):
        restore.newest_sound(home)
    (home.runs / ("0" * 32)).mkdir(parents=True)
    monkeypatch.setattr(restore, "is_held", lambda path: path.name == "lock")
    with pytest.raises(UsageError):
        restore.newest_sound(home)
    assert {path.name: path.read_bytes() for path in home.root.glob("runs.db*")} == before


def test_nothing_is_moved_without_consent(home, queued, call):
    queued()
    backup.backup(home, "a")
    before = damage(home)
    assert call("db", "restore")[0] == 2
    assert {path.name: path.read_bytes() for path in home.root.glob("runs.db*")} == before
    assert call("db", "restore", "--yes")[0] == 0
    assert call("db", "check")[0] == 0
