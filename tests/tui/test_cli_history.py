"""The commands of history and store: options, refusals, exit codes; in this process, on a real store."""

import json
import re
import subprocess
import sys

import pytest
from stored_runs import complete

from vp_tui.core.config import RunConfig
from vp_tui.core.runs import launch
from vp_tui.core.store import backup, endings, lifecycle
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.query.fields import FIELDS
from vp_tui.core.store.reader import Reader
from vp_tui.tui import runs_text
from vp_tui.tui.panels import runs_columns


@pytest.fixture
def three(home):
    """Three runs: fast in fp16, slow in bf16, cancelled."""
    return (
        complete(home, name="fast", tokens_per_s=1000.0, tags={"gpu": "h200"}),
        complete(home, name="slow", tokens_per_s=400.0, precision="bf16"),
        complete(home, name="gone", stopped="cancelled"),
    )


def ids_of(out):
    return [run["id"] for run in json.loads(out)]


def test_the_words_of_a_query_are_one_query(call, three):
    assert ids_of(call("runs", "--json")[1]) == [3, 2, 1]
    assert ids_of(call("runs", "status:completed", "speedup<1.5", "--json")[1]) == [2]
    assert ids_of(call("runs", "tag.gpu:h200", "OR", "name:gone", "--json")[1]) == [3, 1]
    assert ids_of(call("runs", "NOT precision:fp16", "--json")[1]) == [2]


def test_runs_are_sorted_and_a_missing_number_is_never_first(call, three):
    assert ids_of(call("runs", "--sort", "-speedup", "--json")[1]) == [1, 2, 3]
    assert ids_of(call("runs", "--sort", "speedup", "--json")[1]) == [2, 1, 3]


def test_a_limit_that_cuts_is_told_and_zero_is_none(call, three):
    code, out, err = call("runs", "--limit", "2", "--json")
    assert (code, ids_of(out)) == (0, [3, 2])
    assert "--limit 0" in err
    assert call("runs", "--limit", "3", "--json")[2] == ""
    assert ids_of(call("runs", "--limit", "0", "--json")[1]) == [3, 2, 1]


def test_chosen_columns_follow_id_and_name_and_an_unknown_one_is_refused(call, three):
    code, out, _ = call("runs", "--columns", "time, Vs  Base,precision")
    assert code == 0
    assert re.split(r"\s{2,}", out.splitlines()[0].strip()) == ["id", "name", "time", "vs base", "precision"]
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["3", "2", "1"]
    code, _, err = call("runs", "--columns", "presicion")
    assert code == 2
    assert "did you mean 'precision'" in err


def test_the_words_of_the_columns_are_those_of_the_runs_screen():
    screen = {column.title for column in runs_columns.COLUMNS} - {runs_columns.NAME}
    assert screen <= {*runs_text.COLUMNS, runs_text.VS_BASE}


def test_a_query_without_a_run_says_so_and_is_an_empty_array_in_json(call, three):
    code, out, _ = call("runs", "name:nobody")
    assert code == 0
    assert "name:nobody" in out
    assert call("runs", "name:nobody", "--json")[1] == "[]\n"


@pytest.mark.parametrize("arguments", [["speeed<1"], ["status:lost"], ["--sort", "nonsense"], ["name:"]])
def test_a_mistake_in_a_query_is_a_usage_error_with_its_place(call, three, arguments):
    code, out, err = call("runs", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")


def test_the_help_of_runs_explains_every_field_of_the_query_language(call):
    out = call("runs", "--help")[1]
    for field in FIELDS:
        assert re.search(rf"^  {field.name} ", out, re.MULTILINE), field.name
        assert field.what.split("; ")[0] in out
    assert max(map(len, out.splitlines())) <= 80, "80 columns"


def test_a_dead_run_is_reconciled_before_its_status_is_asked(call, home, monkeypatch):
    run_id = lifecycle.create_run(home, RunConfig(model="esm2-8m", input="x"))
    monkeypatch.setattr(endings, "NEVER_STARTED_US", -1)
    assert ids_of(call("runs", "status:interrupted", "--json")[1]) == [run_id]


def test_tags_are_set_replaced_and_removed_and_what_is_left_is_printed(call, home, three):
    code, out, _ = call("tag", "fast", "gpu=a100", "release=1.4=rc")
    assert (code, out) == (0, "gpu=a100\nrelease=1.4=rc\n")
    assert call("tag", "fast", "--remove", "gpu", "--remove", "release", "new=1")[1] == "new=1\n"
    with Reader(home) as reader:
        assert reader.run(1).tags == {"new": "1"}


def test_a_tag_that_is_malformed_or_not_there_changes_nothing(call, home, three):
    assert call("tag", "fast", "novalue")[0] == 2
    code, _, err = call("tag", "fast", "a=b", "--remove", "nobody")
    assert code == 2
    assert "nobody" in err
    with Reader(home) as reader:
        assert reader.run(1).tags == {"gpu": "h200"}


def test_stored_names_and_tags_cannot_steer_the_terminal(call, home):
    run_id = complete(home, name="evil\x1b[31m", tags={"k\x1b[2J": "v\x07"})
    set_baseline(home, [run_id], reason="because\x1b[0m", name="n\x1b[1m")
    printed = [call(*words) for words in (["runs"], ["tag", run_id], ["baseline", "list"], ["compare", run_id, run_id])]
    printed += [call("baseline", "unset", "n\x1b[1m", "--reason", "x"), call("delete", run_id, "--yes")]
    for _, out, err in printed:
        assert not set(out + err) & {"\x1b", "\x07"}


def test_deleting_asks_on_a_terminal_and_refuses_elsewhere(call, home, three, monkeypatch):
    code, _, err = call("delete", "gone")
    assert code == 2
    assert "--yes" in err
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    for answer, kept in (("n\n", True), ("", True), ("yess\n", True), ("Y\n", False)):
        monkeypatch.setattr(sys.stdin, "readline", lambda said=answer: said, raising=False)
        assert call("delete", "gone")[0] == 0
        with Reader(home) as reader:
            assert (3 in [run.id for run in reader.runs()]) is kept


def test_a_run_a_baseline_rests_on_cannot_be_deleted(call, home, three):
    set_baseline(home, [1], reason="x", name="keep")
    code, _, err = call("delete", "fast", "--yes")
    assert code == 2
    assert "'keep'" in err
    call("baseline", "unset", "keep", "--reason", "old")
    assert call("delete", "fast", "--yes")[0] == 0
    with Reader(home) as reader:
        assert [run.id for run in reader.runs()] == [3, 2]


def test_a_rerun_asks_for_what_was_asked_for_then(call, home, monkeypatch):
    rolled_back = {"precision": "fp32", "precision_requested": "bf16", "precision_reason": "a switch was on"}
    complete(home, **rolled_back, sample=77, seed=5, strata="50,99", tags={"a": "b"}, name="old")
    started = []
    monkeypatch.setattr(launch, "create_and_start", lambda home, config, **_: started.append(config) or 12)
    code, out, _ = call("rerun", "old", "--detach")
    assert (code, out) == (0, "12\n")
    (config,) = started
    assert (config.precision, config.precision_requested, config.precision_reason) == ("bf16", None, None)
    assert (config.sample, config.seed, config.strata, config.tags) == (77, 5, (50, 99), {"a": "b"})


@pytest.fixture
def started(home, monkeypatch):
    """started(config) -> the configuration of the run that launch makes of it; no process is started."""
    monkeypatch.setattr(launch, "preflight", lambda config: None)
    monkeypatch.setattr(launch, "_start", lambda home, run_id, early: None)

    def start(config, **more):
        run_id = launch.create_and_start(home, config, **more)
        with Reader(home) as reader:
            return reader.run(run_id), lifecycle.run_config(home, run_id)[1]

    return start


def test_the_switch_of_today_is_heard_anew_by_a_rerun(started, monkeypatch):
    asked = RunConfig(model="esm2-8m", input="x")
    monkeypatch.setenv("VIRNUCPRO_DISABLE_FP16", "1")
    _, first = started(asked)
    assert (first.precision, first.precision_requested) == ("fp32", "fp16")
    assert "VIRNUCPRO_DISABLE_FP16=1" in first.precision_reason
    _, second = started(launch.as_requested(first))
    assert (second.precision, second.precision_requested) == ("fp32", "fp16")
    monkeypatch.delenv("VIRNUCPRO_DISABLE_FP16")
    _, third = started(launch.as_requested(second))
    assert (third.precision, third.precision_requested, third.precision_reason) == ("fp16", None, None)


def test_a_run_is_started_as_the_repeat_of_a_group(home, started):
    from vp_tui.core.store.groups import create_group

    group_id = create_group(home, "validate", 2)
    row, _ = started(RunConfig(model="esm2-8m", input="x"), group_id=group_id, repeat_idx=1)
    assert (row.group_id, row.repeat_idx) == (group_id, 1)


def test_a_backup_is_made_checked_and_only_the_newest_are_kept(call, home, three):
    paths = [call("db", "backup", "--keep", "2")[1].strip() for _ in range(3)]
    assert [str(path) for path in backup.backups(home)] == paths[1:]


def test_the_check_of_a_store_names_what_is_wrong_and_ends_with_8(call, home, three):
    code, out, _ = call("db", "check")
    assert code == 0
    assert re.search(r"^integrity check +ok$", out, re.MULTILINE)
    assert re.search(r"^broken references +0$", out, re.MULTILINE)
    data = bytearray(home.database.read_bytes())
    data[8192:12288] = b"\xff" * 4096
    home.database.write_bytes(data)
    code, out, err = call("db", "check")
    assert code == 8
    assert not re.search(r"^integrity check +ok$", out, re.MULTILINE)
    assert out or err.startswith("error: ")


def test_the_check_looks_at_a_store_as_it_is_and_creates_none(call, home):
    home.database.unlink()
    assert call("db", "check")[0] == 8
    assert not home.database.exists()


def test_pruning_is_a_dry_run_until_it_is_applied(call, home, three):
    code, out, _ = call("db", "prune", "--keep", "1")
    assert code == 0
    assert "#1, #2" in out
    assert "--apply" in out
    with Reader(home) as reader:
        assert reader.count_results(1) == 30
    code, out, err = call("db", "prune", "--keep", "1", "--apply")
    assert code == 0
    assert "#1, #2" in out
    assert "--apply" not in out
    assert re.search(r"\d B|[KMG]iB", err), "what the file has shrunk by"
    with Reader(home) as reader:
        assert [reader.count_results(run_id) for run_id in (1, 2, 3)] == [0, 0, 30]
    assert "#" not in call("db", "prune", "--keep", "1")[1]


def test_pruning_tells_what_a_killed_process_left_half_written_and_removes_it(call, home):
    with subprocess.Popen(["true"]) as ended:
        pass
    left = home.cache / f".reads.npz.{ended.pid}.part"
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(bytes(2000))
    assert "1 file of 2.0 KiB, 1 of them" in call("db", "prune", "--keep", "1")[1]
    assert left.exists()
    assert "1 file of 2.0 KiB, 1 of them" in call("db", "prune", "--keep", "1", "--apply")[1]
    assert not left.exists()


def test_pruning_beside_a_run_that_is_going_leaves_the_file_alone(call, home, three):
    going = lifecycle.create_run(home, RunConfig(model="esm2-8m", input="x"))
    lifecycle.register_worker(home, going, lifecycle.this_worker())
    before = home.database.stat().st_size
    assert call("db", "prune", "--keep", "0", "--apply")[0] == 0
    assert home.database.stat().st_size >= before
