"""A bench that is stopped prints what it has: the real command, the real child, real signals."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from command_line import CLI

from vp_tui.core.bench.stopping import AGAIN_S, Stopping
from vp_tui.core.errors import ExitCode
from vp_tui.core.store.home import Home
from vp_tui.tui.commands.bench import run_bench

# a block of the tiny checkpoint in one precision takes seconds, so the measurement still runs when its line is read
LONG = ("--precision", "fp32", "--device", "cpu", "--tokens", "60000", "--peers", "--json")


@pytest.fixture
def going(home, made_checkpoint, monkeypatch):
    """A bench in a process, and its stderr line by line."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    with subprocess.Popen(
        [*CLI, "bench", "-m", str(made_checkpoint()), *LONG],
        env={**os.environ, "VP_TUI_HOME": str(home.root)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def wait_for(process, words):
    for line in process.stderr:
        if words in line:
            return
    raise AssertionError(f"{words!r} never came")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_the_first_signal_ends_the_bench_with_the_document_of_what_was_measured(going, name):
    wait_for(going, "peers in fp32")
    going.send_signal(getattr(signal, name))
    wait_for(going, name)
    # as timeout(1) does
    going.send_signal(getattr(signal, name))
    out, _ = going.communicate(timeout=60)
    document = json.loads(out)
    assert going.returncode == ExitCode.INTERRUPTED
    assert document["stopped"] == name
    (model,) = document["models"]
    assert model["ceilings"][0]["matmul_tflops"]["sustained"] > 0
    assert model["results"][0]["engine"] == "vp-tui"
    assert [len(one["blocks"]) for one in model["results"]] == [0] * len(model["results"])
    assert model["ratios"] == []


def test_a_bench_that_is_stopped_before_its_first_model_says_so_in_words(monkeypatch, capsys, tmp_path):
    def stopped(home, module, arguments):
        Path(arguments[-1]).write_text('{"models": [], "stopped": "SIGTERM"}')
        return ExitCode.INTERRUPTED

    monkeypatch.setattr("vp_tui.tui.commands.bench.run_stoppable", stopped)
    assert run_bench(Home(tmp_path), {"token_budget": "auto"}, as_json=False) == ExitCode.INTERRUPTED
    assert capsys.readouterr().out == "stopped early by SIGTERM: nothing was measured\n"


def test_a_second_signal_ends_it_at_once(going, poll):
    wait_for(going, "peers in fp32")
    going.send_signal(signal.SIGINT)
    wait_for(going, "SIGINT")
    told_s = time.monotonic()
    poll(lambda: time.monotonic() - told_s > AGAIN_S, what="the time from which a signal is another one")
    going.send_signal(signal.SIGINT)
    out, _ = going.communicate(timeout=60)
    assert going.returncode == ExitCode.INTERRUPTED
    assert out == ""


def test_signals_that_are_ignored_stay_so_and_others_get_their_old_meaning_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        told = []
        with Stopping(told.append) as stopping:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stopping.is_asked()
            os.kill(os.getpid(), signal.SIGTERM)
            assert stopping.by == "SIGTERM"
        assert len(told) == 1
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
