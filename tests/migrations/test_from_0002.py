"""A store of revision 0002 with twelve runs (tests/data/store_0002.sql) becomes one of today."""

from pathlib import Path

import pytest
from old_stores import asked, home_with

from vp_tui import migrations
from vp_tui.core.store import backup
from vp_tui.core.store.reader import Reader

DUMP = Path(__file__).parents[1] / "data/store_0002.sql"
ADDED = {"gpu_sample": {"sm_active", "tensor_active", "dram_active", "other_processes"}}
ON_GPU = 12


def quoted(name):
    return f'"{name}"'


def columns(path):
    """table -> its columns, of every table but Alembic's own."""
    names = [name for (name,) in asked(path, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: [row[1] for row in asked(path, f"PRAGMA table_info({name})")]
        for name in names
        if name not in {"alembic_version", "sqlite_sequence"}
    }


def contents(path, of):
    """Every row of the tables in the columns `of`, in a fixed order."""
    return {
        table: sorted(asked(path, f"SELECT {', '.join(map(quoted, names))} FROM {table}"), key=repr)
        for table, names in of.items()
    }


@pytest.fixture
def old(tmp_path, monkeypatch):
    """A home whose store is still of revision 0002."""
    return home_with(DUMP, tmp_path / "home", monkeypatch)


def test_no_row_and_no_value_of_any_table_is_lost(old):
    before_columns = columns(old.database)
    before = contents(old.database, before_columns)
    assert migrations.upgrade(old) == "0002"
    after = contents(old.database, before_columns)
    defined = set(after.pop("metric_def")) - set(before.pop("metric_def"))
    assert after == before
    assert {row[0] for row in defined} == {"candidate.mfu", "reference.mfu"}
    assert all(before[name] for name in ("run", "gpu_sample", "metric", "layer_stat", "baseline", "sequence_result"))
    assert asked(old.database, "PRAGMA foreign_key_check") == []
    assert backup.check(old).is_sound


def test_only_the_columns_of_the_revision_are_new(old):
    before = columns(old.database)
    migrations.upgrade(old)
    after = columns(old.database)
    assert {name: set(after[name]) - set(before[name]) for name in after if after[name] != before[name]} == ADDED


def test_an_old_run_has_no_share_of_the_chip_and_no_mfu(old):
    migrations.upgrade(old)
    with Reader(old) as reader:
        snapshot = reader.snapshot(ON_GPU)
    assert [sample.utilization for sample in snapshot.gpu] == [80.0, 81.0, 82.0, None]
    assert {(one.sm_active, one.tensor_active, one.dram_active, one.other_processes) for one in snapshot.gpu} == {
        (None, None, None, None)
    }
    assert "mfu" not in snapshot.arms["candidate"]


def test_before_the_upgrade_the_store_is_copied_as_it_was(old):
    before = contents(old.database, columns(old.database))
    migrations.upgrade(old)
    (copied,) = backup.backups(old)
    assert migrations.current_revision(copied) == "0002"
    assert contents(copied, columns(copied)) == before
