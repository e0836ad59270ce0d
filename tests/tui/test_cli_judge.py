"""The commands of judging: options, refusals, exit codes, what is stored; in this process, on a real store."""

import json
import re

import pytest
from stored_runs import STEADY, complete, group_of, slow_down, uuid_of

from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.reader import Reader


def test_a_repeat_that_is_pinned_pins_its_whole_group(call, home):
    ids = group_of(home, STEADY)
    code, out, _ = call("baseline", "set", ids[2], "--name", "night", "--reason", "release 1")
    assert code == 0
    assert "'night'" in out
    assert re.findall(r"#(\d+)", out) == ["1", "2", "3", "4", "5"]
    with Reader(home) as reader:
        assert {one.run_ids for one in reader.baselines()} == {tuple(ids)}


def test_a_baseline_needs_a_reason_and_a_completed_run(call, home):
    run_id = complete(home)
    assert call("baseline", "set", run_id)[0] == 2
    code, _, err = call("baseline", "set", run_id, "--reason", " ")
    assert code == 2
    assert "--reason" in err
    failed = complete(home, stopped="failed")
    code, _, err = call("baseline", "set", failed, "--reason", "x")
    assert code == 2
    assert str(failed) in err
    assert "failed" in err
    with Reader(home) as reader:
        assert reader.baselines() == ()


def test_a_baseline_that_failed_its_own_validation_is_pinned_and_said(call, home):
    sound, failed = complete(home), complete(home, end={"verdict": "FAIL"})
    assert "baseline unset" not in call("baseline", "set", sound, "--reason", "x")[2]
    code, _, err = call("baseline", "set", failed, "--reason", "x", "--name", "odd one")
    assert (code, f"#{failed}" in err, "baseline unset 'odd one'" in err) == (0, True, True)


def test_the_list_shows_active_baselines_and_with_all_their_history(call, home):
    first, second = complete(home), complete(home)
    assert "vp-tui baseline set" in call("baseline", "list")[1]
    call("baseline", "set", first, "--reason", "old drivers")
    call("baseline", "set", second, "--reason", "new drivers")
    out = call("baseline", "list")[1]
    assert "new drivers" in out
    assert "old drivers" not in out
    assert len(out.splitlines()) == 2, "numbers and clocks of one pin are one line"
    everything = call("baseline", "list", "--all")[1]
    assert re.search(r"old drivers \(.*new drivers\)", everything)
    found = json.loads(call("baseline", "list", "--all", "--json")[1])
    assert [(one["run_ids"], one["active"]) for one in found] == [([2], True), ([2], True), ([1], False), ([1], False)]
    assert {one["key_kind"] for one in found} == {"accuracy", "perf"}
    assert json.loads(call("baseline", "list", "--json")[1])[0]["run_uuids"] == [uuid_of(home, second)]


def test_a_baseline_is_retired_with_a_reason_and_stays_in_the_history(call, home):
    call("baseline", "set", complete(home), "--name", "night", "--reason", "x")
    assert call("baseline", "unset", "night")[0] == 2
    assert call("baseline", "unset", "night", "--reason", "wrong data")[0] == 0
    assert "wrong data" in call("baseline", "list", "--all")[1]
    assert "night" not in call("baseline", "list")[1]
    assert call("baseline", "unset", "night", "--reason", "again")[0] == 2


def test_a_slow_down_against_the_baseline_ends_with_3(call, home):
    ids = slow_down(home)
    code, out, _ = call("compare", "baseline", ids[-1])
    assert code == 3
    assert "REGRESSED" in out
    assert "-10.0%" in out


def test_equal_speed_is_good_and_turned_round_the_slow_down_is_an_improvement(call, home):
    ids = slow_down(home)
    assert call("compare", ids[0], "baseline")[0] == 0
    same = group_of(home, STEADY)
    code, out, _ = call("compare", "baseline", same[0])
    assert code == 0
    assert out.split(":")[0] == "accuracy IDENTICAL, performance EQUIVALENT"


def test_one_run_per_side_has_two_verdicts_and_neither_speaks_for_the_other(call, home):
    one, other = complete(home), complete(home)
    code, out, _ = call("compare", one, other, "--strict")
    assert code == 0
    assert out.startswith("accuracy IDENTICAL, performance EQUIVALENT: ")
    found = json.loads(call("compare", one, other, "--format", "json")[1])
    assert found["verdicts"] == {"accuracy": "IDENTICAL", "performance": "EQUIVALENT"}
    assert set(found["sentences"]) == {"accuracy", "performance"}
    assert "outcome" not in found


@pytest.mark.parametrize("calibrated", [True, False])
def test_one_run_a_side_that_is_half_as_slow_again_ends_with_3(call, home, calibrated):
    if calibrated:
        group_of(home, 2 * STEADY, kind="aa_calibration")
    one, other = complete(home), complete(home, tokens_per_s=1000 / 1.5)
    code, out, _ = call("compare", one, other)
    assert code == 3
    assert out.startswith("accuracy IDENTICAL, performance REGRESSED: ")


def test_strict_ends_with_6_only_where_one_verdict_is_open(call, home):
    group_of(home, 2 * STEADY, kind="aa_calibration")
    one, other = complete(home), complete(home, tokens_per_s=955.0)
    code, out, _ = call("compare", one, other, "--strict")
    assert "performance EQUIVALENT" in out or code == 6
    wide = [complete(home, group_id=None, tokens_per_s=speed) for speed in (1000.0, 880.0)]
    code, out, _ = call("compare", *wide, "--strict")
    assert (code, out.split(":")[0]) == (3, "accuracy IDENTICAL, performance REGRESSED")


def test_other_data_is_not_comparable_and_says_which_fact_differs(call, home):
    set_baseline(home, [complete(home)], reason="x")
    other = complete(home, dataset={"sha256": "db" * 32})
    code, out, _ = call("compare", "baseline", other)
    assert code == 5
    assert "dataset_sha256" in out


def test_a_name_without_a_baseline_ends_with_5_and_an_unknown_run_with_2(call, home):
    run_id = complete(home)
    for base in ("baseline", "baseline:nobody"):
        code, out, err = call("compare", base, run_id)
        assert (code, out) == (5, "")
        assert "vp-tui baseline set" in err
    assert call("compare", run_id, "nobody")[0] == 2
    assert call("compare", complete(home, stopped="failed"), run_id)[0] == 7


@pytest.mark.parametrize("format", ["md", "csv", "json", "html", "junit", "table"])
def test_every_format_goes_to_stdout_or_into_a_file(call, home, tmp_path, format):
    one, other = complete(home), complete(home)
    _, out, _ = call("compare", one, other, "--format", format)
    assert call("compare", one, other, "--format", format, "--output", tmp_path / "deep" / "x")[0] == 2
    assert not (tmp_path / "deep").exists()
    file = tmp_path / "comparison"
    code, nothing, err = call("compare", one, other, "--format", format, "--output", file)
    assert (code, nothing) == (0, "")
    assert str(file) in err
    assert "performance EQUIVALENT" in err
    written = file.read_text()
    if format in {"json", "csv", "junit", "md"}:
        assert out.rstrip("\n").splitlines()[0] == written.splitlines()[0]
    if format == "json":
        json.loads(out)


def test_an_unknown_format_is_refused_before_anything_is_compared(call, home):
    one, other = complete(home), complete(home)
    code, _, err = call("compare", one, other, "--format", "pdf")
    assert code == 2
    assert "junit" in err
    assert call("export", one, "--format", "pdf")[0] == 2


def test_all_shows_more_than_the_differences(call, home):
    one, other = complete(home), complete(home)
    short, full = (call("compare", one, other, *more)[1] for more in ((), ("--all",)))
    assert len(full) > 2 * len(short)


def test_runs_are_exported_each_once_into_a_file(call, home, tmp_path):
    one, other = complete(home, name="a"), complete(home, name="b")
    file = tmp_path / "runs.json"
    code, out, err = call("export", "a", other, one, "--format", "json", "--output", file)
    assert (code, out) == (0, "")
    assert "2 runs" in err
    text = file.read_text()
    for run_id in (one, other):
        assert uuid_of(home, run_id) in text
    assert "protein7" in text, "the rows per sequence"


def test_csv_into_a_folder_is_one_file_per_table_and_a_file_has_the_table_that_is_named(call, home, tmp_path):
    one, other = complete(home), complete(home)
    folder = tmp_path / "tables"
    folder.mkdir()
    assert call("export", one, other, "--format", "csv", "--output", folder)[0] == 0
    lines = {path.stem: len(path.read_text().splitlines()) for path in folder.iterdir()}
    assert lines == {"sequences": 61, "strata": 9, "runs": 3, "measures": 1, "findings": 1}
    code, out, _ = call("export", one, "--format", "csv", "--table", "runs")
    assert (code, len(out.splitlines())) == (0, 2)
    assert call("export", one, "--format", "csv")[1].startswith("run_id,run_uuid,seq_idx,")


def test_a_table_of_another_format_or_an_unknown_one_is_refused(call, home):
    one = complete(home)
    for more in (("--table", "runs"), ("--format", "csv", "--table", "cosines")):
        code, out, err = call("export", one, *more)
        assert (code, out) == (2, "")
        assert more[-1] in err


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_a_comparison_keeps_to_the_width_that_columns_says_and_no_number_is_cut(call, home, monkeypatch, columns):
    base, other = group_of(home, STEADY)[0], slow_down(home)[0]
    monkeypatch.setenv("COLUMNS", str(columns))
    text = call("compare", base, other)[1]
    assert max(map(len, text.splitlines())) <= columns
    rows = [line for line in text.splitlines() if line.split()[:1] in (["REGRESSED"], ["INCONCLUSIVE"], ["SUSPECT"])]
    assert rows
    assert not any(re.search(r"\d\.\.(\s|$)", row) for row in rows)


def test_runs_of_two_precisions_stand_side_by_side_without_a_verdict_and_the_exit_code_says_so(call, home):
    one, other = complete(home), complete(home, precision="bf16")
    code, out, _ = call("compare", one, other)
    assert code == 5
    assert "different precision: numbers side by side, no verdict" in " ".join(out.split())
    assert "Accuracy: not judged" in out
    rows = [line.split() for line in out.splitlines() if line.strip().startswith("not judged")]
    assert ["not", "judged", "tokens/s", "all"] in [row[:4] for row in rows]
    items = json.loads(call("compare", one, other, "--format", "json")[1])["items"]
    assert {item["outcome"] for item in items} == {"NOT_COMPARABLE"}
    assert {item["change"] for item in items} == {None}
    lowest = next(item for item in items if (item["name"], item["scope"]) == ("cosine_min", "all"))
    with Reader(home) as reader:
        assert (lowest["base"], lowest["cand"]) == tuple(
            pytest.approx(min(result.cosine for result in reader.results(run_id))) for run_id in (one, other)
        )
