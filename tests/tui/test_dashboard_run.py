"""A run started from the real dashboard, on a real terminal: it outlives the screen and the shell."""

import os
import signal
import sys

import pytest
from terminal import Terminal

from vp_tui.core import launch
from vp_tui.core.demo_data import make_fasta
from vp_tui.core.store.reader import Reader

CLI = [sys.executable, "-m", "vp_tui.tui.cli"]


def newest(home):
    with Reader(home) as reader:
        runs = reader.runs(1)
    return runs[0] if runs else None


def run_id_of(home, name):
    with Reader(home) as reader:
        return reader.find(name)


@pytest.fixture
def environment(home):
    return {"VP_TUI_HOME": str(home.root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


@pytest.fixture
def work(tmp_path):
    """Enough sequences that the run is still going when the screen is taken away."""
    path = tmp_path / "work.fasta"
    make_fasta(path, num_sequences=1500)
    return path


def start_from_the_form(terminal, checkpoint, work):
    """Press n, fill the two required fields, start; returns when the Live screen shows the run."""
    terminal.wait_for(lambda text: "Leave" in text)
    terminal.press("n")
    terminal.wait_for(lambda text: "New run" in text and "Sequences" in text)
    for path, key in ((checkpoint, "\t"), (work, "\r")):
        terminal.press(str(path))
        terminal.wait_for(lambda text, name=path.name: name in text)
        terminal.press(key)
        terminal.pump(0.2)
    terminal.wait_for(lambda text: "RUNNING" in text, seconds=60)


def test_a_run_started_from_the_dashboard_survives_its_hang_up_and_watch_finds_it(
    home, vp_tui, made_checkpoint, work, environment, poll
):
    with Terminal(CLI, env=environment) as terminal:
        start_from_the_form(terminal, made_checkpoint(), work)
        poll(lambda: newest(home).status == "running", what="the run")
        terminal.signal(signal.SIGHUP)
        terminal.wait_end()
        terminal.hang_up()
    row = newest(home)
    assert row.status == "running"
    assert "PASS" in vp_tui("watch", row.id).stdout


def test_a_run_survives_sigkill_of_the_shell_that_holds_the_dashboard(
    home, vp_tui, made_checkpoint, work, environment, poll
):
    run = ["run", "-m", str(made_checkpoint()), "-i", str(work), "--detach"]
    shell = f"{' '.join(CLI + run)} && exec {' '.join(CLI)}"
    with Terminal(["bash", "-c", shell], env=environment) as terminal:
        terminal.wait_for(lambda text: "RUNNING" in text, seconds=30)
        os.killpg(terminal.process.pid, signal.SIGKILL)
        terminal.process.wait(10)
    assert newest(home).status == "running"
    assert "PASS" in vp_tui("watch", "last").stdout


def test_the_demo_opens_the_dashboard_on_its_runs(home, environment):
    with Terminal([*CLI, "demo"], env=environment) as terminal:
        terminal.wait_for(lambda text: "demo" in text and "stratum" in text, seconds=60)
        terminal.press("q")
        terminal.wait_for(lambda text: "Leave" in text)
        terminal.press("l")
        terminal.pump(1.0)
    with Reader(home) as reader:
        assert {run.name for run in reader.runs()} == {"demo", "demo-dnabert"}
    for name in ("demo", "demo-dnabert"):
        launch.stop(home, run_id_of(home, name))
