"""Repeats, baselines, re-runs and the policy end to end: real commands, real processes, a real checkpoint."""

import os
import subprocess
import sys

import pytest

from vp_tui.core.errors import ExitCode
from vp_tui.core.store.reader import Reader


@pytest.fixture
def run(made_checkpoint, short_proteins):
    """The words of a run on short proteins, without an oracle."""
    return ("run", "-m", made_checkpoint(), "-i", short_proteins, "--no-oracle")


@pytest.fixture
def shell(home, tmp_path):
    """shell("bash" or "sh", script, **environment) -> CompletedProcess, with `vp-tui` on the PATH."""
    (tmp_path / "vp-tui").write_text(f'#!/bin/sh\nexec {sys.executable} -m vp_tui.tui.cli "$@"\n')
    (tmp_path / "vp-tui").chmod(0o755)

    def call(program, script, **environment):
        return subprocess.run(
            [program, "-c", script],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )

    return call


def test_repeats_are_fresh_processes_and_become_a_baseline_that_a_later_run_is_held_against(
    home, vp_tui, run, document
):
    done = vp_tui(*run, "--repeats", 2, "--name", "night", "--json")
    found = document(done)
    assert [(one["status"], one["arms"]["reference"]["cached"]) for one in found] == [("completed", False)] * 2
    with Reader(home) as reader:
        rows = [reader.run(one["id"]) for one in found]
    assert rows[0].pid != rows[1].pid
    assert rows[0].perf_key == rows[1].perf_key is not None
    assert "'default': runs #1, #2" in vp_tui("baseline", "set", "night", "--reason", "first").stdout
    # runs of milliseconds on shared cores: what performance says, and with it the exit code, depends on the neighbours
    same = vp_tui(*run, "--baseline", "default", check=None)
    assert same.returncode in {ExitCode.GOOD, ExitCode.REGRESSED}
    # a CPU takes the faster of two ways to multiply FP16, which neighbours may decide too: the last bits differ then
    later = document(vp_tui("show", 3, "--json"))
    is_one_way = all(one["environment"]["linear"] == later["environment"]["linear"] for one in found)
    outcome = "IDENTICAL" if is_one_way else "EQUIVALENT"
    assert f"'default': accuracy {outcome}, performance " in same.stdout
    vp_tui("delete", 1, "--yes", check=2)


def test_a_rerun_without_the_switch_runs_in_fp16_and_a_pass_on_a_cpu_switches_nothing_on_in_two_shells(
    vp_tui, run, made_checkpoint, document, shell
):
    first = document(vp_tui(*run, "--json", environment={"VIRNUCPRO_DISABLE_FP16": "1"}))
    assert first["precision"] == "fp32"
    script = f'eval "$(vp-tui policy -m {made_checkpoint()} --env)"; echo "[$VIRNUCPRO_DISABLE_FP16]"'
    before = shell("sh", script)
    assert (before.stdout, "#" in before.stderr) == ("[1]\n", False)
    again = document(vp_tui("rerun", "last", "--json"))
    assert (again["precision"], again["precision_reason"], again["verdict"]) == ("fp16", None, "PASS")
    assert {**again["config"], "precision": ""} == {
        **first["config"], "precision": "", "precision_requested": None, "precision_reason": None,
    }  # fmt: skip
    for program in ("bash", "sh"):
        done = shell(program, f"set -eu; {script}")
        assert done.stdout == "[1]\n"
        assert "run #2" in done.stderr
        assert "ran on cpu" in done.stderr
    changed = shell("sh", script, OMP_NUM_THREADS="2")
    assert changed.stdout == "[1]\n"
    assert "threads was 1 and is 2" in changed.stderr


def test_a_broken_checkpoint_folder_still_gives_a_shell_its_line(shell, tmp_path):
    script = f'eval "$(vp-tui policy -m {tmp_path} --env)"; echo "[$VIRNUCPRO_DISABLE_FP16]"'
    done = shell("sh", script)
    assert done.stdout == "[1]\n"
    assert "config.json" in done.stderr
    assert "Traceback" not in done.stderr
