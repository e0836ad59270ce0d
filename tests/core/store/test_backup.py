import shutil
import sqlite3
from collections import namedtuple

import pytest

from vp_tui.core.errors import StoreError
from vp_tui.core.store import backup
from vp_tui.core.store.home import Home
from vp_tui.core.store.tables import APPLICATION_ID, REVISION

Disk = namedtuple("Disk", "total used free")


def rows(path, table="run"):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        connection.close()


def test_a_backup_of_a_store_in_use_has_every_row_a_file_copy_would_miss(home, queued):
    keeps_the_log_open = sqlite3.connect(home.database)
    keeps_the_log_open.execute("SELECT * FROM run").fetchall()
    queued()
    assert (home.root / "runs.db-wal").stat().st_size > 0
    made = backup.backup(home, REVISION)
    assert made.name.startswith(f"runs.db.bak-{REVISION}-")
    assert rows(made) == rows(home.database)
    assert len(rows(made)) == 1
    keeps_the_log_open.close()
    assert sorted(path.name for path in home.root.glob("*.bak-*")) == [made.name], "one file, no log beside it"


def test_a_backup_is_a_store_that_can_take_the_place_of_the_first(home, queued, tmp_path):
    from vp_tui.core.store.reader import Reader

    run_id = queued(name="kept")
    other = Home(tmp_path / "other")
    other.create()
    shutil.copy(backup.backup(home, REVISION), other.database)
    with Reader(other) as reader:
        assert reader.find("kept") == run_id


def test_the_newest_three_backups_are_kept(home, queued):
    queued()
    made = [backup.backup(home, REVISION) for _ in range(5)]
    assert backup.backups(home) == tuple(made[-3:])
    assert backup.prune_backups(home, 1) == tuple(made[2:4])
    assert backup.prune_backups(home, 0) == (made[4],)
    assert backup.backups(home) == ()


def test_old_backups_go_before_the_new_one_is_made_so_that_attempts_cannot_fill_the_disk(home, queued, monkeypatch):
    queued()
    made = [backup.backup(home, REVISION, keep=9) for _ in range(5)]
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: Disk(1, 1, 0))
    with pytest.raises(StoreError, match="free space"):
        backup.backup(home, REVISION)
    assert backup.backups(home) == tuple(made[2:])


def test_backups_of_different_revisions_are_ordered_by_their_time(home):
    for name in ("9999-20260101T000000.000000Z", "0001-20260301T000000.000000Z", "0002-20260201T000000.000000Z"):
        (home.root / f"runs.db.bak-{name}").touch()
    assert [path.name[12:16] for path in backup.backups(home)] == ["9999", "0002", "0001"]


def test_without_twice_the_room_nothing_is_written(home, queued, monkeypatch):
    queued()
    needed = 2 * backup.size(home.database)
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: Disk(1, 1, needed - 1))
    with pytest.raises(StoreError, match=r"MiB of free space .*unchanged") as caught:
        backup.backup(home, REVISION)
    assert caught.value.exit_code == 8
    assert backup.backups(home) == ()
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: Disk(1, 1, needed))
    assert backup.backup(home, REVISION).exists()


def test_a_copy_that_is_not_sound_is_refused_and_not_left_behind(home, queued, monkeypatch):
    queued()
    copy = backup.copy

    def torn(source, target):
        """One page, of an index, is no page any more: the file opens and its rows are there."""
        copy(source, target)
        connection = sqlite3.connect(target)
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'ix_run_status'").fetchone()
        connection.close()
        content = bytearray(target.read_bytes())
        content[4096 * (page - 1)] = 0xFF
        target.write_bytes(content)

    monkeypatch.setattr(backup, "copy", torn)
    with pytest.raises(StoreError, match=r"backup .*Page.*unchanged"):
        backup.backup(home, REVISION)
    assert [path.name for path in home.root.iterdir() if "bak" in path.name] == []


def test_a_sound_store_passes_every_check(home, completed):
    completed()
    found = backup.check(home)
    assert found.is_sound
    assert (found.application_id, found.revision, found.broken_references) == (APPLICATION_ID, REVISION, 0)
    assert found.bytes >= home.database.stat().st_size
    assert found.sqlite == sqlite3.sqlite_version


def test_a_row_that_points_nowhere_is_counted(home, completed, sql):
    completed()
    sql("UPDATE metric SET run_id = 99")
    found = backup.check(home)
    assert found.broken_references > 0
    assert not found.is_sound


def test_a_store_without_a_revision_or_without_a_file_is_told(home, sql, tmp_path):
    sql("DROP TABLE alembic_version")
    assert backup.check(home).revision is None
    with pytest.raises(StoreError, match="db upgrade"):
        backup.check(Home(tmp_path / "missing"))


def is_sound(home):
    try:
        return backup.check(home).is_sound
    except StoreError:
        return False


def test_a_damaged_store_is_not_sound_or_cannot_be_read(home, completed):
    completed()
    assert is_sound(home)
    content = bytearray(home.database.read_bytes())
    for page in range(20, 40):
        content[4096 * page : 4096 * page + 64] = b"\xff" * 64
    home.database.write_bytes(content)
    assert not is_sound(home)


def test_room_of_dropped_rows_goes_back_to_the_disk(home, completed, sql):
    from records import result

    run_id = completed(results=[result(i, seq_hash=i) for i in range(3000)])
    sql("DELETE FROM sequence_result")
    assert backup.compact(home) > 100_000
    assert rows(home.database)[0][0] == run_id
    assert backup.check(home).is_sound
