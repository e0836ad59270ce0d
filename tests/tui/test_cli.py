"""The command line: options, refusals, exit codes; in this process where no child is needed."""

import json
import re
import sys

import pytest
import torch

from samples import PROTEINS
from vp_tui.core.config import DISABLE_VARIABLE
from vp_tui.core.runs import notify
from vp_tui.core.store.home import HOME_VARIABLE
from vp_tui.core.store.reader import Reader

COMMANDS = [
    [],
    ["run"],
    ["demo"],
    ["runs"],
    ["show"],
    ["watch"],
    ["stop"],
    ["embed"],
    ["merge"],
    ["doctor"],
    ["virnucpro"],
    ["serve"],
    ["rerun"],
    ["tag"],
    ["delete"],
    ["judge"],
    ["compare"],
    ["export"],
    ["calibrate"],
    ["policy"],
    ["search"],
    *(["plan", name] for name in ("list", "show", "save")),
    ["bench"],
    *(["db", name] for name in ("path", "upgrade", "backup", "check", "prune")),
    ["checkpoint", "plant"],
    *(["baseline", name] for name in ("set", "list", "unset")),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(call, command):
    code, out, _ = call(*command, "--help")
    assert code == 0
    assert f"Usage: vp-tui {' '.join(command)}" in out
    assert f"Example: {'eval' if command == ['policy'] else ''}" in out


def test_no_command_is_missing_here_and_the_help_has_them_in_order(call):
    from vp_tui.tui.cli_app import ORDER

    assert {command[0] for command in COMMANDS if command} == set(ORDER)
    listed = call("--help")[1].partition("Commands:")[2]
    places = [listed.index(f"\n  {name} ") for name in ORDER]
    assert places == sorted(places)
    for group in ("db", "baseline", "checkpoint", "plan"):
        assert call(group, "--help")[0] == 0


@pytest.mark.parametrize("group", [[], ["baseline"], ["checkpoint"], ["db"], ["plan"]], ids=" ".join)
def test_no_summary_of_a_command_is_cut_at_80_columns(call, monkeypatch, group):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call(*group, "--help")
    assert code == 0
    listed = out.partition("Commands:")[2].partition("Example:")[0]
    assert "..." not in listed
    assert max(map(len, out.splitlines())) <= 80


COMPLETIONS = {
    "vp-tui ru": {"run", "runs"},
    "vp-tui baseline ": {"list", "set", "unset"},
    "vp-tui run --precision ": {"fp32", "tf32", "bf16", "fp16", "fp8", "fp8-ffn", "fp16-acc16"},
    "vp-tui run --fp32": {"--fp32-compare"},
}


def test_bash_gets_a_completion_script(vp_tui):
    shell = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = vp_tui("--show-completion", "bash", environment=shell).stdout
    assert "complete " in script
    assert "_VP_TUI_COMPLETE=complete_bash" in script


@pytest.mark.parametrize("line", COMPLETIONS)
def test_commands_options_and_choices_are_completed(vp_tui, line):
    words = line.split(" ")
    environment = {"_VP_TUI_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = vp_tui(environment=environment, check=None)
    assert set(done.stdout.split()) == COMPLETIONS[line]


def protein_file(folder, text):
    path = folder / "input.fasta"
    path.write_text(text)
    return path


REFUSED = {
    "contains no sequences": "",
    "contains no sequences: none of its 2 records": ">empty\n>empty too\n",
    "DNA or RNA": ">a\nACGTACGTACGTACGTNNACGT\n",
    "cannot be read as FASTA": "hello\nworld\n",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_a_sequence_file_that_cannot_be_used_is_refused_and_leaves_no_run(
    call, home, made_checkpoint, tmp_path, reason
):
    path = protein_file(tmp_path, REFUSED[reason])
    code, out, err = call("run", "-m", made_checkpoint(), "-i", path)
    assert code == 2
    assert reason in err
    assert out == ""
    with Reader(home) as reader:
        assert reader.runs() == ()
    assert list(home.runs.iterdir()) == []


def test_a_missing_file_is_named(call, made_checkpoint, tmp_path):
    code, _, err = call("run", "-m", made_checkpoint(), "-i", tmp_path / "nowhere.faa")
    assert code == 2
    assert "nowhere.faa" in err


def test_a_folder_without_config_is_no_checkpoint(call, tmp_path):
    code, _, err = call("run", "-m", tmp_path, "-i", PROTEINS)
    assert code == 2
    assert "config.json" in err


def test_a_checkpoint_of_another_architecture_is_refused_by_its_name(call, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    code, _, err = call("run", "-m", tmp_path, "-i", PROTEINS)
    assert code == 2
    assert "llama" in err


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--precision", "fp4", "--precision"),
        ("--sample", "0", "--sample"),
        ("--strata", "128,64", "--strata"),
        ("--strata", "many", "--strata"),
        ("--device", "tpu", "--device"),
        ("--token-budget", "7", "--token-budget"),
        ("--gates", "loose", "--gates"),
        ("--tag", "novalue", "key=value"),
    ],
)
def test_an_option_out_of_its_limits_is_named_with_the_value_got(call, made_checkpoint, option, value, told):
    code, _, err = call("run", "-m", made_checkpoint(), "-i", PROTEINS, option, value)
    assert code == 2
    assert told in err
    assert value in err


def test_an_unknown_option_is_a_usage_error(call):
    code, _, err = call("run", "--colour")
    assert code == 2
    assert "--colour" in err


@pytest.mark.parametrize("command", ["show", "watch", "stop"])
def test_a_run_that_does_not_exist_is_a_usage_error(call, command):
    code, _, err = call(command, "nobody")
    assert code == 2
    assert "nobody" in err


def test_a_home_that_cannot_be_written_is_the_stores_error(call, monkeypatch):
    monkeypatch.setenv("VP_TUI_HOME", "/dev/null/below-a-file")
    code, _, err = call("runs")
    assert code == 8
    assert "VP_TUI_HOME" in err


def test_an_empty_history_says_how_to_begin(call):
    code, out, _ = call("runs")
    assert code == 0
    assert "vp-tui demo" in out
    assert call("runs", "--json")[1].strip() == "[]"


def test_the_path_of_the_store_is_printed_alone(call, home):
    assert call("db", "path")[1] == f"{home.database}\n"


def test_upgrading_says_what_the_schema_was(call):
    from vp_tui.core.store.tables import REVISION

    call("db", "upgrade")
    assert f"schema {REVISION}, " in call("db", "upgrade")[1]


def test_the_faults_of_the_demo_are_listed_and_an_unknown_one_is_refused(call):
    assert "overflow" in call("demo", "--list-faults")[1]
    code, _, err = call("demo", "--fault", "gremlins")
    assert code == 2
    assert "gremlins" in err
    assert "overflow" in err


def test_the_dashboard_refuses_to_start_without_a_terminal(call):
    code, _, err = call()
    assert code == 2
    assert "terminal" in err


def test_embeddings_of_an_unknown_kind_are_refused_before_anything_is_read(vp_tui, made_checkpoint, tmp_path):
    done = vp_tui("embed", "-m", made_checkpoint(), "-i", PROTEINS, "-o", tmp_path / "out.csv", check=2)
    assert ".npz" in done.stderr
    assert not (tmp_path / "out.csv").exists()


def test_proving_options_that_exclude_each_other_are_refused(call):
    code, _, err = call("run", "-m", "a", "-i", "b", "--no-oracle", "--oracle", 20)
    assert code == 2
    assert "--no-oracle" in err


def test_the_program_that_lines_are_for_implies_that_lines_are_wanted(call, tmp_path):
    code, out, _ = call("policy", "-m", tmp_path, "--for", "json")
    assert code != 0
    assert set(json.loads(out)) == {"VIRNUCPRO_DISABLE_FP16", "VIRNUCPRO_V1_ATTENTION"}


def test_the_doctor_says_which_kernel_each_precision_gets_and_why(vp_tui):
    found = json.loads(vp_tui("doctor", "--json").stdout)
    assert found["store"]["ok"] is True
    assert set(found["precisions"]) == {"fp32", "tf32", "bf16", "fp16"}
    half = found["precisions"]["fp16"]
    assert set(half["models"]) == {"esm2", "dnabert-s"}
    for arm in half["models"].values():
        assert arm["attention"]
        assert arm["reason"]
        assert set(arm["kernels"]) == {"flash", "varlen", "flex", "sdpa"}
        assert all(state["available"] == (state["why_not"] is None) for state in arm["kernels"].values())
    assert half["ops"].startswith(("plain", "fused"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a CUDA device")
def test_the_doctor_of_a_machine_without_a_gpu_says_so_in_a_line_per_subject(vp_tui):
    lines = vp_tui("doctor").stdout.splitlines()
    named = {line.split()[0]: line for line in lines}
    assert len(named) == len(lines)
    for subject, here, gone in (
        ("precisions", ["fp32", "bf16", "fp16"], ["tf32"]),
        ("attention", ["sdpa"], ["flash", "varlen", "flex"]),
    ):
        available, needing = named[subject].split(";")
        assert [name for name in (*here, *gone) if name in available] == here
        assert [name for name in (*here, *gone) if name in needing] == gone
        assert "CUDA" in needing


def test_an_attention_kernel_that_cannot_run_here_ends_a_run_and_an_embedding_as_wrong_usage(
    vp_tui, made_checkpoint, tmp_path
):
    common = ["-m", made_checkpoint(), "-i", PROTEINS, "--device", "cpu", "--attention", "flash"]
    for arguments in (["run", *common], ["embed", *common, "-o", tmp_path / "out.npz", "--precision", "fp16"]):
        done = vp_tui(*arguments, check=2)
        said = done.stdout + done.stderr
        assert "--attention flash cannot be used in float16 on cpu" in said
        assert "needs a CUDA device" in " ".join(said.split())
    assert not (tmp_path / "out.npz").exists()


def test_output_into_a_closed_pipe_is_no_traceback(vp_tui):
    import subprocess

    command = f"{sys.executable} -m vp_tui.tui.cli run --help | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stderr


def test_an_unknown_kind_of_planted_fault_is_refused_and_the_kinds_are_named(call, tmp_path):
    code, _, err = call("checkpoint", "plant", "esm2-8m", str(tmp_path / "copy"), "--kind", "rotary")
    assert code == 2
    assert "'rotary'" in err
    assert "residual-overflow" in err
    assert not (tmp_path / "copy").exists()


def test_a_gpu_that_is_not_there_is_refused_and_leaves_no_run(call, home, made_checkpoint, monkeypatch):
    monkeypatch.setattr("vp_tui.core.runs.device.DRIVERS", ())
    code, out, err = call("run", "-m", made_checkpoint(), "-i", PROTEINS, "--device", "cuda")
    assert (code, out) == (2, "")
    assert "--device cuda" in err
    with Reader(home) as reader:
        assert reader.runs() == ()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("runs", "--limit", "x"), "--limit': must be a whole number (got 'x')"),
        (("run", "-m", "a", "-i", "b", "--oracle", "foo"), "--oracle': must be a whole number (got 'foo')"),
        (("run", "-m", "a", "-i", "b", "--repeats", "0"), "--repeats': must be at least 1 (got '0')"),
    ],
)
def test_a_refused_value_is_told_in_the_words_of_the_form(call, arguments, words):
    code, _, err = call(*arguments)
    assert code == 2
    assert words in err


def test_the_help_names_every_variable_that_changes_what_is_done(call):
    _, out, _ = call("--help")
    for name in (HOME_VARIABLE, notify.VARIABLE, notify.LEVEL_VARIABLE, DISABLE_VARIABLE, "NO_COLOR", "HF_HUB_OFFLINE"):
        assert name in out


@pytest.mark.parametrize("command", ["runs", "show", "tag", "judge", "export"])
def test_help_has_no_types_of_python(call, command):
    _, out, _ = call(command, "--help")
    assert not re.search(r"<(str|int|float|list)", out)
