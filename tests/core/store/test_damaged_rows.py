"""One odd row costs that row: the list, the other runs and the dashboard go on. Rows are damaged in the file itself."""

import json
import sqlite3

import pytest
import stored_runs

from vp_tui.core.errors import DamagedRowError
from vp_tui.core.store.reader import Reader
from vp_tui.tui import poller
from vp_tui.tui.messages import StoreRead, StoreTrouble
from vp_tui.tui.poller import Poller

JSON_COLUMNS = ("config", "dataset", "model", "environment", "arms", "speedup", "measures", "findings")
TEXTS = ("{", "5", "null", '"x"', "[1]", "[" * 5000, "1" * 5000)


@pytest.fixture
def two(home):
    """Ids of a good run and of a newer one, which is to be damaged."""
    return stored_runs.complete(home, name="good"), stored_runs.complete(home, name="odd")


@pytest.fixture
def damage(home, two):
    """damage(assignment, *values): as a bit flip would, past every constraint."""

    def change(assignment, *values, table="run", key="id"):
        connection = sqlite3.connect(home.database)
        with connection:
            connection.execute("PRAGMA ignore_check_constraints=1")
            connection.execute(f"UPDATE {table} SET {assignment} WHERE {key} = {two[1]}", values)
        connection.close()

    return change


@pytest.mark.parametrize("column", JSON_COLUMNS)
@pytest.mark.parametrize("text", TEXTS, ids=[text[:4] for text in TEXTS])
def test_json_of_another_shape_is_named_with_its_run_and_the_other_run_is_read(home, two, damage, reader, column, text):
    damage(f"{column}_json = ?", text)
    assert [run.name for run in reader.runs()] == ["odd", "good"]
    if (column, text) == ("findings", "null"):
        return
    with pytest.raises(DamagedRowError, match=f"run {two[1]}: its stored {column}"):
        reader.snapshot(two[1])
    assert reader.snapshot(two[0]).run.verdict == "PASS"


@pytest.mark.parametrize("text", ["{", "5", '"x"', "[1]"])
def test_seconds_of_steps_of_another_shape_are_named_with_their_run(home, two, damage, reader, text):
    connection = sqlite3.connect(home.database)
    with connection:
        connection.execute(
            "INSERT OR REPLACE INTO run_progress (run_id, step, steps, name, done, total, fraction)"
            f" VALUES ({two[1]}, 6, 6, 'measuring', 0, 0, 1.0)"
        )
    connection.close()
    damage("seconds_json = ?", text, table="run_progress", key="run_id")
    with pytest.raises(DamagedRowError, match=f"run {two[1]}: the stored seconds"):
        reader.snapshot(two[1])
    assert reader.snapshot(two[0]).run.verdict == "PASS"


@pytest.mark.parametrize("moment", [-(10**18), 10**18, 9 * 10**18])
@pytest.mark.parametrize("column", ["created_at_us", "started_at_us", "ended_at_us"])
def test_a_time_that_no_calendar_has_is_listed_and_exported(call, damage, column, moment):
    damage(f"{column} = ?", moment)
    for command in (("runs",), ("show", "2"), ("export", "2", "--format", "html"), ("compare", "1", "2")):
        code, out, _ = call(*command)
        assert code in {0, 5, 6}
        assert out


@pytest.mark.parametrize("number", [float("inf"), float("-inf")])
def test_a_number_that_is_not_finite_is_missing_in_lists_and_documents(call, damage, number):
    damage("speedup = ?, end_to_end_speedup = ?", number, number)
    damage("cosine_min = ?", number, table="stratum", key="run_id")
    for command in (("runs", "--json"), ("show", "2", "--json"), ("export", "2", "--format", "json")):
        code, out, _ = call(*command)
        assert code == 0
        json.loads(out, parse_constant=pytest.fail)


def test_the_command_line_ends_with_one_line_and_the_stores_exit_code(call, damage):
    damage("config_json = ?", "{")
    code, out, err = call("show", "2")
    assert (code, out) == (8, "")
    assert len(err.splitlines()) == 1


def test_the_dashboard_shows_the_history_and_says_which_run_is_damaged(home, damage, monkeypatch):
    damage("config_json = ?", "{")
    monkeypatch.setattr(poller, "POLL_S", 0)
    posted = []
    follower = Poller(open_reader=lambda: Reader(home), read_gpu=lambda: None, rest=lambda _: None)
    follower.follow(posted.append, lambda: len(posted) >= 2)
    read, trouble = posted[:2]
    assert isinstance(read, StoreRead)
    assert isinstance(trouble, StoreTrouble)
    assert [run.name for run in read.view.runs] == ["odd", "good"]
    assert read.view.snapshot is None
    assert "run 2" in trouble.text
