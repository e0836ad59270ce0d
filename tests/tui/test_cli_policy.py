"""`vp-tui policy`: words, JSON, a line for a shell; the child that loads torch is a plain answer here."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from stored_runs import ENVIRONMENT, GPU, complete, validated

from vp_tui.core.config import built_in_plan
from vp_tui.core.errors import StoreError
from vp_tui.tui import cli_judge
from vp_tui.tui.commands import policy as policy_command

ON = "export VIRNUCPRO_DISABLE_FP16=0\nexport VIRNUCPRO_V1_ATTENTION=false\n"
OFF = "export VIRNUCPRO_DISABLE_FP16=1\nexport VIRNUCPRO_V1_ATTENTION=true\n"


@pytest.fixture
def here(monkeypatch):
    """here(**facts): what the child that loads torch would say; the list of calls."""
    calls = []

    def answer(**changes):
        def output(home, module, arguments):
            calls.append((module, *arguments))
            return {"environment": ENVIRONMENT | GPU | changes, "weights_sha256": None}

        monkeypatch.setattr(policy_command, "module_output", output)
        return calls

    return answer


def test_the_policy_in_words_in_json_and_for_a_shell(call, home, here):
    validated(home)
    calls = here()
    code, out, err = call("policy", "-m", "esm2-8m")
    assert (code, err) == (0, "")
    assert out.startswith("fp16: run #1 ")
    assert json.loads(call("policy", "-m", "esm2-8m", "--json")[1])["precision"] == "fp16"
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (0, ON)
    assert "run #1" in err
    assert calls[0] == ("env-probe", "--model", "esm2-8m", "--device", "auto")
    here(torch="2.14.0")
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (0, OFF)
    assert "torch was 2.13.0 and is 2.14.0" in err


def test_the_switch_in_the_environment_wins_without_asking_anybody(call, home, here, monkeypatch):
    validated(home)
    calls = here()
    monkeypatch.setenv("VIRNUCPRO_DISABLE_FP16", "true")
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out, calls) == (0, OFF, [])
    assert "VIRNUCPRO_DISABLE_FP16=true" in err


def test_whatever_goes_wrong_a_shell_gets_the_line_that_switches_fp16_off(call, home, here, monkeypatch):
    here()
    code, out, err = call("policy", "-m", "/nowhere/at/all", "--env")
    assert (code, out) == (2, OFF)
    assert "/nowhere/at/all" in err

    def broken():
        raise StoreError("the store is gone")

    monkeypatch.setattr(cli_judge, "store", broken)
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (8, OFF)
    assert call("policy", "-m", "esm2-8m")[:2] == (8, "")


def test_the_policy_of_a_built_in_plan_in_words_and_in_json(call, home, here):
    here()
    assert json.loads(call("policy", "-m", "esm2-8m", "--precision", "fp8", "--json")[1])["precision"] == "fp32"
    validated(home, plan=built_in_plan("fp8"))
    code, out, err = call("policy", "-m", "esm2-8m", "--precision", "fp8")
    assert (code, err) == (0, "")
    assert out.startswith("fp8: run #1 ")
    told = json.loads(call("policy", "-m", "esm2-8m", "--precision", "fp8", "--json")[1])
    assert (told["precision"], told["requested"], told["disable"], told["run"]["id"]) == ("fp8", "fp8", False, 1)


@pytest.mark.parametrize(
    "more",
    [
        ("--precision", "fp32"),
        ("--env", "--json"),
        ("--env", "--precision", "bf16"),
        ("--env", "--precision", "fp8"),
        ("--precision", "fp9"),
        ("--precision", "emulated fp8"),
    ],
)
def test_options_of_the_policy_that_make_no_sense_are_refused(call, home, here, more):
    here()
    assert call("policy", "-m", "esm2-8m", *more)[0] == 2


def test_the_lines_are_those_of_the_program_that_reads_them(call, home, here):
    here()
    asked = ("policy", "-m", "esm2-8m", "--env", "--for")
    assert call(*asked, "fork")[1] == OFF
    assert call(*asked, "virnucpro")[1] == "export VIRNUCPRO_DISABLE_FP16=1\n"
    code, out, _ = call("policy", "-m", "/nowhere/at/all", "--env", "--for=json")
    assert code == 2
    assert json.loads(out) == {"VIRNUCPRO_DISABLE_FP16": "1", "VIRNUCPRO_V1_ATTENTION": "true"}
    code, out, err = call(*asked, "snakemake")
    assert (code, out) == (2, OFF)
    assert "snakemake" in err


def test_one_sequence_that_passes_does_not_bring_a_failed_model_back(call, home, here):
    here()
    validated(home, end={"verdict": "FAIL", "sentence": "375 of 600 hold NaN", "exit_code": 4})
    complete(home, environment=GPU)
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (0, OFF)
    assert "375 of 600 hold NaN" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("-m", "--env"),
        ("-m", "esm2-8m", "--evn"),
        ("-m", "esm2-8m", "-env"),
        ("-m", "esm2-8m", "--env=yes"),
        ("--env",),
        ("-m", "esm2-8m", "--env", "--device", "tpu7"),
        ("-m", "esm2-8m", "--env", "--nonsense"),
    ],
)
def test_wrong_usage_still_gives_a_shell_the_line_that_switches_fp16_off(call, home, here, arguments):
    validated(home)
    code, out, _ = call("policy", *arguments)
    assert out.endswith(OFF)
    assert (code != 0) or arguments[-1] == "tpu7"


def test_other_commands_and_help_print_no_line(call, home, here):
    assert "VIRNUCPRO" not in call("runs", "--env")[1]
    assert call("policy", "--env", "--help")[1].count("export VIRNUCPRO") == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE run SET perf_facts_json = '[1]'",
        "UPDATE run SET config_json = '[]'",
        """UPDATE run SET config_json = '{"thresholds": {"M1.fail": "high"}}'""",
        "UPDATE run SET arms_json = '3'",
        "UPDATE run SET findings_json = '[{}]'",
        "DROP TABLE stratum",
        "UPDATE stratum SET n = 0",
        "DELETE FROM stratum",
    ],
)
def test_a_damaged_row_gives_the_line_that_switches_fp16_off(call, home, here, damage):
    here()
    validated(home)
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute(damage)
    _, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert out == OFF
    assert err


def test_a_store_that_is_no_store_gives_the_line_that_switches_fp16_off(call, home, here):
    here()
    validated(home)
    for content in (b"", b"garbage" * 1000):
        home.database.write_bytes(content)
        assert call("policy", "-m", "esm2-8m", "--env")[1] == OFF


def test_an_error_that_nobody_foresaw_gives_the_line_that_switches_fp16_off(call, home, here, monkeypatch):
    validated(home)

    def output(home, module, arguments):
        raise RuntimeError("torch fell over")

    monkeypatch.setattr(policy_command, "module_output", output)
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (8, OFF)
    assert "torch fell over" in err


def test_a_policy_that_is_told_to_end_gives_the_line_that_switches_fp16_off():
    script = (
        "import sys, time; from vp_tui.tui import policy_line\n"
        "with policy_line.promised(['policy', '-m', 'x', '--env']):\n"
        "    sys.stderr.write('ready\\n'); sys.stderr.flush(); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stderr.readline() == "ready\n"
    child.terminate()
    out, _ = child.communicate(timeout=30)
    assert (child.returncode, out) == (143, OFF)
