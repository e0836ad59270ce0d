import hashlib
import sqlite3

import pytest
from records import alert, compared, encoded, gpu_sample, planned, result, stats

from vp_tui.core.errors import RunNotFoundError, StoreError
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader


def test_a_snapshot_since_another_reads_only_what_is_new_and_equals_a_full_read(started, write, reader):
    run_id = started()
    write(run_id, planned(), encoded(), compared(strata=(stats(n=3),)), gpu_sample(), alert())
    first = reader.snapshot(run_id)
    write(
        run_id,
        encoded(block=1),
        compared(block=1, results=(result(5),), strata=(stats(n=7),)),
        gpu_sample(at_us=9),
        alert(message="second"),
    )
    second = reader.snapshot(run_id, since=first)
    assert second == reader.snapshot(run_id)
    assert [block.block for block in second.blocks] == [0, 1]
    assert second.strata == (stats(n=7),)
    for name in ("blocks", "similarity", "gpu", "alerts"):
        old, new = getattr(first, name), getattr(second, name)
        assert len(new) == 2
        assert new[0] is old[0], f"{name} was read again"


def test_a_snapshot_of_another_run_is_no_start(started, write, reader):
    one, other = started(), started()
    write(one, encoded(block=1), encoded(block=2))
    write(other, encoded(block=3))
    assert reader.snapshot(other, since=reader.snapshot(one)) == reader.snapshot(other)


def test_rows_of_two_runs_that_write_at_once_do_not_mix(started, write, reader):
    one, other = started(), started()
    for number in range(3):
        write(one, encoded(block=number))
        write(other, encoded(block=10 + number))
    assert [block.block for block in reader.snapshot(one).blocks] == [0, 1, 2]
    assert [block.block for block in reader.snapshot(other).blocks] == [10, 11, 12]


def test_the_data_version_changes_with_every_commit_and_only_then(queued, reader):
    before = reader.data_version()
    assert reader.data_version() == before
    queued()
    after = reader.data_version()
    assert after != before
    reader.runs()
    assert reader.data_version() == after


def test_an_open_reader_holds_no_transaction_between_questions(home, queued, reader, sql):
    reader.runs()
    queued()
    # A checkpoint that empties the WAL is only possible when nobody reads from it.
    assert sql("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0
    assert (home.root / "runs.db-wal").stat().st_size == 0


def test_runs_come_newest_first_with_their_tags_and_alerts(queued, write, reader):
    first, second = queued(tags={"gpu": "h200", "who": "me"}), queued(name="two")
    # information is no alert
    write(first, alert(), alert(severity="warn"), alert(severity="info"))
    rows = reader.runs()
    assert [row.id for row in rows] == [second, first]
    assert (rows[1].tags, rows[1].num_alerts) == ({"gpu": "h200", "who": "me"}, 2)
    assert (rows[0].name, rows[0].status, rows[0].precision) == ("two", "queued", "fp16")
    assert [row.id for row in reader.runs(limit=1)] == [second]
    assert (reader.count_runs(), reader.latest_run_id()) == (2, second)


@pytest.fixture
def three(queued, sql):
    """Runs 1 and 2 are both named `nightly`; uuids begin with aa, ab, b0."""
    for run_id, uuid in ((queued(name="nightly"), "aa11"), (queued(name="nightly"), "ab22"), (queued(), "b033")):
        sql("UPDATE run SET uuid = ? WHERE id = ?", uuid, run_id)


@pytest.mark.parametrize(
    ("text", "run_id"),
    [("1", 1), ("3", 3), ("last", 3), ("nightly", 2), ("aa", 1), ("AB", 2), ("b", 3), ("b033", 3)],
)
def test_a_run_is_found_by_id_name_uuid_prefix_or_last(three, reader, text, run_id):
    assert reader.find(text) == run_id


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a", "several runs begin with 'a'"),
        ("zz", "no run has that id or name, and no uuid begins with 'zz'"),
        ("99", "no run has that id"),
        ("9" * 30, "no run has that id"),
        ("\u00b2", "no run has that id"),
        ("", "no run has that id"),
        ("%", "no run has that id"),
        ("a_", "no run has that id"),
        ("' OR 1=1 --", "no run has that id"),
    ],
)
def test_what_means_no_run_or_several_is_told_apart(three, reader, text, words):
    with pytest.raises(RunNotFoundError, match=words) as caught:
        reader.find(text)
    assert caught.value.exit_code == 2


def test_an_id_goes_before_a_uuid_that_begins_like_it(three, reader, sql):
    sql("UPDATE run SET uuid = '1fff' WHERE id = 3")
    assert reader.find("1") == 1
    assert reader.find("1f") == 3


def test_the_number_of_a_deleted_run_finds_no_other_run_by_its_uuid(three, reader, sql):
    sql("UPDATE run SET uuid = '12345678ab' WHERE id = 2")
    for number in ("12", "1234567"):
        with pytest.raises(RunNotFoundError, match="no run has that id"):
            reader.find(number)
    assert reader.find("12345678") == 2


def test_without_a_run_last_says_how_to_get_one(reader):
    with pytest.raises(RunNotFoundError, match="vp-tui demo"):
        reader.find("last")
    with pytest.raises(RunNotFoundError, match="no run 5"):
        reader.snapshot(5)
    with pytest.raises(RunNotFoundError, match="no run 5"):
        reader.run(5)


def test_a_reader_cannot_write(reader):
    with pytest.raises(StoreError, match="readonly"), reader._reading() as connection:
        connection.exec_driver_sql("DELETE FROM run")


def test_a_healthy_store_passes_its_own_check(reader):
    assert reader.quick_check() == "ok"


def foreign(path):
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE t(a); INSERT INTO t VALUES (1)")
    connection.close()


def newer(path):
    from vp_tui.migrations import upgrade

    upgrade(Home(path.parent))
    connection = sqlite3.connect(path)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def damaged(path):
    newer(path)
    path.write_bytes(path.read_bytes()[:512] + b"\xff" * 8192)


REFUSED = {
    "zero bytes": (lambda path: path.write_bytes(b""), "application_id"),
    "text": (lambda path: path.write_text("hello, I am a text file\n" * 100), "not a database"),
    "foreign": (foreign, "application_id"),
    "newer": (newer, "schema '9999'"),
    "damaged": (damaged, "malformed|application_id"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path, kind):
    make, words = REFUSED[kind]
    place = Home(tmp_path)
    place.create()
    make(place.database)
    before = hashlib.sha256(place.database.read_bytes()).digest()
    with pytest.raises(StoreError, match=words) as caught:
        Reader(place)
    assert caught.value.exit_code == 8
    assert hashlib.sha256(place.database.read_bytes()).digest() == before


def test_a_missing_store_is_refused_and_not_created(tmp_path):
    with pytest.raises(StoreError, match="db upgrade"):
        Reader(Home(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_vanishes_while_it_is_read_is_a_store_error(home, reader, queued):
    queued()
    for path in home.root.glob("runs.db*"):
        path.write_bytes(b"\xff" * 8192)
    with pytest.raises(StoreError, match="cannot read"):
        reader.runs()
