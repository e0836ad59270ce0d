"""Runs as CSV: each table read back by the csv module has what the store has, to the last digit."""

import csv
import io
from dataclasses import fields, replace

import pytest

from vp_tui.core.errors import UsageError
from vp_tui.core.events import SequenceResult, StratumStats
from vp_tui.core.report.runs_csv import TABLES
from vp_tui.core.report.runs_export import exported


def read(runs, table):
    """The rows of a table, each cell as it is in the file."""
    return list(csv.DictReader(io.StringIO(exported(runs, "csv", table=table)), strict=True))


def number(cell):
    return None if cell == "" else float(cell)


def test_every_sequence_has_a_row_with_the_numbers_of_the_store(loaded):
    runs = [loaded("good"), loaded("broken")]
    rows = read(runs, "sequences")
    stored = [(snapshot.run, one) for snapshot, results in runs for one in results]
    assert len(rows) == len(stored) == 60
    names = [field.name for field in fields(SequenceResult)]
    assert list(rows[0]) == ["run_id", "run_uuid", *names]
    for row, (run, one) in zip(rows, stored, strict=True):
        assert (row["run_id"], row["run_uuid"]) == (str(run.id), run.uuid)
        assert (row["sequence_id"], row["stratum"]) == (one.sequence_id, one.stratum)
        for name in ("seq_idx", "num_tokens", "nan_count", "inf_count", "seq_hash"):
            assert int(row[name]) == getattr(one, name)
        for name in ("cosine", "relative_l2", "norm_ratio"):
            assert number(row[name]) == getattr(one, name)
    assert [row["cosine"] for row in rows[57:59]] == ["", ""], "a sequence with NaN has no cosine"


def test_every_stratum_has_a_row_and_no_lowest_cosine_where_a_sequence_has_nan(loaded):
    runs = [loaded("good"), loaded("broken")]
    rows = read(runs, "strata")
    stored = [stats for snapshot, _ in runs for stats in snapshot.strata]
    assert [row["stratum"] for row in rows] == 2 * ["short", "medium", "long", "all"]
    for row, stats in zip(rows, stored, strict=True):
        for name in (field.name for field in fields(StratumStats) if field.name not in {"scope", "cosine_min"}):
            assert number(row[name]) == getattr(stats, name)
        assert number(row["cosine_min"]) == (None if stats.nan else stats.cosine_min)
    assert {row["cosine_min"] == "" for row in rows[4:6]} == {True}


def test_every_run_has_one_row_with_a_column_per_fact(loaded):
    snapshot, results = loaded("good")
    fast = replace(snapshot, run=replace(snapshot.run, tags={"gpu": "h200"}), model={"only_here": 1 / 3})
    (one, other) = read([(fast, results), loaded("broken")], "runs")
    assert (one["run_id"], one["verdict"], one["tags"]) == (str(snapshot.run.id), "PASS", '{"gpu": "h200"}')
    assert float(one["model.only_here"]) == 1 / 3
    assert (other["verdict"], other["model.only_here"], other["cosine_min"]) == ("FAIL", "", "")
    assert float(one["arms.candidate.tokens_per_s"]) == snapshot.arms["candidate"]["tokens_per_s"]
    assert one["environment.device_name"] == snapshot.environment["device_name"]


def test_every_number_of_every_measure_has_a_row(loaded):
    runs = [loaded("good")]
    rows = {(row["measure"], row["stratum"], row["name"]): row["value"] for row in read(runs, "measures")}
    stored = {
        (measure, scope, name): value
        for measure, scopes in runs[0][0].measures.items()
        if measure != "details"
        for scope, numbers in scopes.items()
        for name, value in numbers.items()
    }
    assert {key: number(cell) for key, cell in rows.items()} == stored
    assert rows["M2", "all", "p01"] == ""


def test_every_finding_has_a_row(loaded):
    (row,) = read([loaded("broken")], "findings")
    assert (row["gate"], row["severity"], row["stratum"]) == ("M1", "fail", "long")


def test_a_table_without_rows_has_its_head_all_the_same(loaded):
    snapshot, _ = loaded("good")
    assert exported([(snapshot, ())], "csv", table="sequences").count("\n") == 1


def test_a_table_that_does_not_exist_is_refused_with_those_that_do(loaded):
    with pytest.raises(UsageError) as refused:
        exported([loaded("good")], "csv", table="cosines")
    assert all(name in str(refused.value) for name in ("cosines", *TABLES))
