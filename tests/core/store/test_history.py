import math
import shutil
import sqlite3
import time
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from records import alert, encoded, four_strata, planned, result, stats
from sqlalchemy import event

from vp_tui.core.errors import RunNotFoundError, UsageError
from vp_tui.core.events import Speedup
from vp_tui.core.store import upkeep
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.writer import RunWriter

DAY_US = 86_400_000_000


def speed(ratio):
    return Speedup(tokens_per_s=ratio, end_to_end=ratio, ci95=None, verdict="PASS", reason="")


_built = []
"""The folder of the five runs once they are made."""


@pytest.fixture
def five(request, home, tmp_path_factory):
    """A home with five runs, made once and copied for every test."""
    if not _built:
        request.getfixturevalue("five_made")
        folder = tmp_path_factory.mktemp("five") / "home"
        shutil.copytree(home.root, folder)
        _built.append(folder)
    shutil.copytree(_built[0], home.root, dirs_exist_ok=True)
    return home


@pytest.fixture
def five_made(queued, started, completed, write, sql):
    """1 fast, 2 slow and low, 3 without a speed-up, 4 failed early, 5 queued; one day between two runs."""
    completed(
        {"name": "fast", "model": "esm2-3b", "tags": {"gpu": "h200"}}, speedup=speed(2.1), measures=measures(0.98)
    )
    completed(
        {"name": "slow", "model": "esm2-650m", "tags": {"gpu": "a100"}, "precision": "bf16"},
        speedup=speed(1.2),
        strata=four_strata(cosine_min=0.98),
        measures=measures(0.7),
        verdict="FAIL",
    )
    completed({"name": "cpu", "model": "dnabert-s"}, speedup=speed(None))
    write(started(model="esm2-3b"), planned(), encoded(), alert())
    sql(
        "UPDATE run SET status = 'failed', ended_at_us = started_at_us + 7200000000, status_reason = 'out of memory' "
        "WHERE id = 4"
    )
    queued(model="esm2-8m", input="/data/100%.faa")
    for run_id in range(1, 6):
        sql("UPDATE run SET created_at_us = created_at_us - ? WHERE id = ?", (5 - run_id) * DAY_US, run_id)


def measures(value):
    return {"M2": {"all": {"min": value}, "short": {"min": value - 0.1}}, "details": {"M2": [1]}}


def found(home, query, **more):
    with Reader(home) as reader:
        return [row.id for row in reader.history(query, **more)]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [5, 4, 3, 2, 1]),
        ("esm2", [5, 4, 2, 1]),
        ("ESM2", [5, 4, 2, 1]),
        ("fast", [1]),
        ("100%", [5]),
        ("1_0%", []),
        ("reads.faa", [4, 3, 2, 1]),
        ("NOT esm2", [3]),
        ("NOT fast", [5, 4, 3, 2]),
        ("model:esm2 status:completed", [2, 1]),
        ("model=esm2-3b", [4, 1]),
        ("model=esm2", []),
        ("status:FAILED", [4]),
        ("status:failed OR status:queued", [5, 4]),
        ("precision:bf16", [2]),
        ("verdict:fail", [2]),
        ("reason:memory", [4]),
        ("speedup<1.8", [2]),
        ("speedup>=2.1", [1]),
        ("NOT speedup<1.8", [1]),
        ("NOT (speedup<1.8 OR speedup>5)", [1]),
        ("speedup<1.8 OR NOT speedup<1.8", [2, 1]),
        ("cosine_min<0.995", [2]),
        ("NOT cosine_min<0.995", [3, 1]),
        ("tag.gpu:h2", [1]),
        ("tag.gpu=h2", []),
        ("NOT tag.gpu:h200", [2]),
        ("metric.M2.min<0.9", [2]),
        ("NOT metric.M2.min<0.9", [1]),
        ("metric.M2.min@short<0.65", [2]),
        ("metric.no.such<1 OR NOT metric.no.such<1", []),
        ("metric.speedup.tokens_per_s>2", [1]),
        ("alerts>0", [4]),
        ("alerts:0", [5, 3, 2, 1]),
        ("since:36h", [5, 4]),
        ("until:36h", [3, 2, 1]),
        ("until:1980-01-01", []),
        ("id>=4", [5, 4]),
        ("id<=1e300", [5, 4, 3, 2, 1]),
        ("is:active", [5]),
        ("NOT is:active", [4, 3, 2, 1]),
        ("is:archived", []),
        ("seconds<3600", [3, 2, 1]),
        ("' OR 1=1 --", None),
        ('"\' OR 1=1 --"', []),
    ],
)
def test_a_query_finds_its_runs(five, query, ids):
    if ids is None:
        with pytest.raises(UsageError):
            found(five, query)
    else:
        assert found(five, query) == ids


def test_a_bare_word_is_searched_in_name_note_model_and_input(five):
    upkeep.note(five, 3, "suspicious humidity")
    assert found(five, "humidity") == [3]
    assert found(five, "NOT humidity") == [5, 4, 2, 1]
    assert found(five, "dnabert") == found(five, "cpu") == [3]


@pytest.fixture
def zone(monkeypatch):
    """zone(name) makes it the local time zone."""

    def change(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield change
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("place", "query", "ids"),
    [
        ("Asia/Tokyo", "since:2025-11-28", [1]),
        ("Asia/Tokyo", "until:2025-11-28", []),
        ("Asia/Tokyo", "since:2025-11-28T08:00", [1]),
        ("Asia/Tokyo", "since:2025-11-28T08:01", []),
        ("Asia/Tokyo", "since:2025-11-28T00:00+00:00", []),
        ("UTC", "since:2025-11-28", []),
        ("UTC", "until:2025-11-28", [1]),
        ("America/New_York", "since:2025-11-27T18:00", [1]),
        ("America/New_York", "until:2025-11-27T18:00", []),
    ],
)
def test_dates_of_a_query_are_local_as_in_the_list(home, queued, sql, zone, place, query, ids):
    """A run created at 23:00 UTC on 2025-11-27, which Tokyo lists as 08:00 of the next day."""
    run_id = queued()
    created = int(datetime(2025, 11, 27, 23, tzinfo=UTC).timestamp())
    sql("UPDATE run SET created_at_us = ? WHERE id = ?", created * 1_000_000, run_id)
    zone(place)
    assert found(home, f'{query.partition(":")[0]}:"{query.partition(":")[2]}"') == ids


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("speedup", [2, 1, 5, 4, 3]),
        ("-speedup", [1, 2, 5, 4, 3]),
        ("metric.M2.min", [2, 1, 5, 4, 3]),
        ("-metric.M2.min@short", [1, 2, 5, 4, 3]),
        ("cosine_min", [2, 3, 1, 5, 4]),
        ("tag.gpu", [2, 1, 5, 4, 3]),
        ("name", [3, 1, 2, 5, 4]),
        ("-since", [5, 4, 3, 2, 1]),
        ("id", [1, 2, 3, 4, 5]),
    ],
)
def test_runs_are_sorted_and_a_missing_value_is_never_first(five, sort, ids):
    assert found(five, "", sort=sort) == ids


def test_the_history_is_cut_after_sorting(five):
    assert found(five, "", sort="-speedup", limit=1) == [1]
    assert found(five, "status:completed", limit=2) == [3, 2]


def test_rows_of_the_history_are_the_rows_of_single_runs(five):
    with Reader(five) as reader:
        rows = reader.history()
        assert rows == reader.runs() == tuple(reader.run(row.id) for row in rows)
        assert (rows[-1].tags, rows[-1].speedup, rows[1].num_alerts) == ({"gpu": "h200"}, 2.1, 1)


def test_a_history_of_any_length_is_two_statements_at_most(five):
    with Reader(five) as reader:
        asked = []
        event.listen(reader._engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        reader.history("tag.gpu:h200 OR alerts:0", sort="-speedup")
    assert 1 <= len([text for text in asked if text != "BEGIN"]) <= 2


def test_a_list_of_runs_reads_none_of_the_long_texts(five):
    with Reader(five) as reader:
        asked = []
        event.listen(reader._engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
        reader.history()
    assert not any("_json" in text.replace("json_group_object", "") for text in asked)


BIG = ("sequence_result", "metric", "block_sample", "gpu_sample", "similarity_sample", "alert", "run_tag")


def test_no_question_scans_a_big_table(five):
    with Reader(five) as reader:
        asked = []
        event.listen(reader._engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        for query in ("", "tag.gpu:h200 speedup<2", "metric.M2.min<0.9 alerts>0", "cosine_min<1 is:baseline"):
            reader.history(query, sort="-metric.M2.min")
        reader.paired(1, 2)
        reader.metrics([1, 2])
        reader.snapshot(1)
        reader.worst_sequences(1)
        reader.results(1)
        reader.baselines()
    connection = sqlite3.connect(five.database)
    plans = [
        (text, row[3])
        for text, values in asked
        if text.startswith(("SELECT", "WITH"))
        for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)
    ]
    connection.close()
    assert len(plans) > 20
    scans = [(text, plan) for text, plan in plans for table in BIG if plan.startswith("SCAN") and table in plan.split()]
    assert not scans


numbers = st.floats() | st.none()


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=numbers, second=numbers, third=numbers)
@example(first=math.inf, second=-math.inf, third=math.nan)
@example(first=math.nan, second=None, third=math.inf)
@example(first=0.5, second=0.5, third=0.5)
def test_nan_and_infinity_are_never_stored_never_match_and_never_come_first(home, completed, sql, first, second, third):
    run_id = completed(
        results=[result(0, cosine=None, relative_l2=first, norm_ratio=second)],
        strata=(stats("all", relative_l2_p99=first, speedup=third, nan=1),),
        speedup=speed(third),
        measures={"M2": {"all": {"min": first, "p01": second}}, "M9": {"all": {"max": third}}},
    )
    stored = sql("SELECT name, scope, value, n, nonfinite FROM metric WHERE run_id = ?", run_id)
    assert all(value is None or math.isfinite(value) for _, _, value, _, _ in stored)
    assert all(value is not None or nonfinite > 0 for _, _, value, _, nonfinite in stored)
    values = {(name, scope): value for name, scope, value, _, _ in stored}
    for name, given_value in (("M2.min", first), ("M2.p01", second), ("speedup.tokens_per_s", third)):
        finite = given_value is not None and math.isfinite(given_value)
        assert values.get((name, "all")) == (given_value if finite else None)
    matches = found(home, f"id:{run_id} metric.M2.min<1e308 OR id:{run_id} NOT metric.M2.min<1e308")
    assert matches == ([run_id] if first is not None and math.isfinite(first) else [])
    for sort in ("metric.M2.min", "-metric.M2.min"):
        ordered = [values_of(sql, one) for one in found(home, "", sort=sort)]
        missing = [value is None for value in ordered]
        assert missing == sorted(missing)


def values_of(sql, run_id):
    rows = sql("SELECT value FROM metric WHERE run_id = ? AND name = 'M2.min' AND scope = 'all'", run_id)
    return rows[0][0] if rows else None


def test_the_active_default_baseline_is_found_by_its_word(five, reader):
    from vp_tui.core.store.baselines import set_baseline

    with pytest.raises(RunNotFoundError, match="no active baseline is called 'default'"):
        reader.find("baseline")
    set_baseline(five, [1], reason="the first good one")
    set_baseline(five, [1, 3], name="nightly", reason="three nights", kinds=("accuracy",))
    assert (reader.find("baseline"), reader.find("baseline:nightly")) == (1, 3)
    assert [row.id for row in reader.history("is:baseline")] == [3, 1]
    with pytest.raises(RunNotFoundError, match="'weekly'"):
        reader.find("baseline:weekly")


def test_a_run_that_is_archived_is_found_as_such(five):
    upkeep.prune(five, keep=2, apply=True)
    assert found(five, "is:archived") == [2, 1]


def test_opening_the_history_of_a_store_that_is_being_written_waits_for_nobody(home, started):
    run_id = started()
    with RunWriter(home, run_id) as writer, Reader(Home(home.root)) as reader:
        for block in range(100):
            writer.put(encoded(block=block))
            assert [row.id for row in reader.history()] == [run_id]
