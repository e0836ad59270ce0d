"""`vp-tui policy`: words, JSON, a line for a shell; the child that loads torch is a plain answer here."""

import json

import pytest
from stored_runs import ENVIRONMENT, caller, complete

from vp_tui.core.errors import StoreError
from vp_tui.tui import cli_judge
from vp_tui.tui.commands import policy as policy_command


@pytest.fixture
def call(monkeypatch, capsys, home):
    return caller(monkeypatch, capsys)


@pytest.fixture
def here(monkeypatch):
    """here(**facts): what the child that loads torch would say; the list of calls."""
    calls = []

    def answer(**changes):
        def output(home, module, arguments):
            calls.append((module, *arguments))
            return {"environment": ENVIRONMENT | changes, "weights_sha256": None}

        monkeypatch.setattr(policy_command, "module_output", output)
        return calls

    return answer


def test_the_policy_in_words_in_json_and_for_a_shell(call, home, here):
    complete(home)
    calls = here()
    code, out, err = call("policy", "-m", "esm2-8m")
    assert (code, err) == (0, "")
    assert out.startswith("fp16: run #1 ")
    assert json.loads(call("policy", "-m", "esm2-8m", "--json")[1])["precision"] == "fp16"
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (0, "export VIRNUCPRO_DISABLE_FP16=0\n")
    assert "run #1" in err
    assert calls[0] == ("env-probe", "--model", "esm2-8m", "--device", "auto")
    here(torch="2.14.0")
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (0, "export VIRNUCPRO_DISABLE_FP16=1\n")
    assert "torch was 2.13.0+cpu and is 2.14.0" in err


def test_the_switch_in_the_environment_wins_without_asking_anybody(call, home, here, monkeypatch):
    complete(home)
    calls = here()
    monkeypatch.setenv("VIRNUCPRO_DISABLE_FP16", "true")
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out, calls) == (0, "export VIRNUCPRO_DISABLE_FP16=1\n", [])
    assert "VIRNUCPRO_DISABLE_FP16=true" in err


def test_whatever_goes_wrong_a_shell_gets_the_line_that_switches_fp16_off(call, home, here, monkeypatch):
    here()
    off = "export VIRNUCPRO_DISABLE_FP16=1\n"
    code, out, err = call("policy", "-m", "/nowhere/at/all", "--env")
    assert (code, out) == (2, off)
    assert "/nowhere/at/all" in err

    def broken():
        raise StoreError("the store is gone")

    monkeypatch.setattr(cli_judge, "store", broken)
    code, out, err = call("policy", "-m", "esm2-8m", "--env")
    assert (code, out) == (8, off)
    assert call("policy", "-m", "esm2-8m")[:2] == (8, "")


@pytest.mark.parametrize(
    "more", [("--precision", "fp32"), ("--env", "--json"), ("--env", "--precision", "bf16"), ("--precision", "fp8")]
)
def test_options_of_the_policy_that_make_no_sense_are_refused(call, home, here, more):
    here()
    assert call("policy", "-m", "esm2-8m", *more)[0] == 2
