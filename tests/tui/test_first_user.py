"""What a new user does at 80x24, by what the screen says alone: from the empty store to a run that outlives it."""

import sys

import pytest
from terminal import Terminal

from vp_tui.core.runs import launch
from vp_tui.core.store.reader import Reader

CLI = [sys.executable, "-m", "vp_tui.tui.cli"]
DOWN = "\x1b[B"
START = "\x13"
"""ctrl+s."""
SLOW = 90
"""Seconds for what a real run does on cores shared with other tests."""


@pytest.fixture
def environment(home):
    return {"VP_TUI_HOME": str(home.root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def see(terminal, *words, seconds=30):
    """Wait until all the words are on the screen."""
    terminal.wait_for(lambda text: all(word in text for word in words), seconds=seconds)


def runs_of(home):
    with Reader(home) as reader:
        return {run.id: run for run in reader.runs()}


def start_the_demo(terminal):
    see(terminal, "validate your own")
    terminal.press("n")
    see(terminal, "demo  tiny ESM-2")
    terminal.press(DOWN)
    see(terminal, "demo  tiny ESM-2")
    terminal.press("\r")
    see(terminal, "all 40 sequences", "Enter starts", seconds=SLOW)
    terminal.press("\r")
    see(terminal, "#1", "compared", seconds=SLOW)


def drill_into_the_worst(terminal):
    terminal.press("\r")
    see(terminal, "Worst sequences of #1", "difference", " short ")
    terminal.press("\r")
    see(terminal, "passes V1", "Sequence")
    terminal.press("\x1b")
    see(terminal, "Worst sequences of #1")
    terminal.pump(0.3)
    terminal.press("\x1b")
    see(terminal, "stratum", "tok/s")
    see(terminal, "PASS  all", seconds=SLOW)


def run_it_again(terminal):
    terminal.press("r")
    see(terminal, "New run", "about", seconds=30)
    terminal.press(START)
    see(terminal, "#2", "PASS  all", seconds=SLOW)


def mark_two_and_compare(terminal):
    terminal.press("2")
    see(terminal, "lowest", "vs base")
    terminal.press(" ")
    see(terminal, "1 selected")
    terminal.press(DOWN)
    terminal.press(" ")
    see(terminal, "2 selected")
    terminal.press("c")
    # the second run took the first one's reference: another schedule
    see(terminal, "Accuracy: ", "Speed: not judged, different schedule", seconds=30)


def export_html(terminal, path):
    terminal.press("e")
    see(terminal, "Export the comparison", "html")
    terminal.press("\x15")
    see(terminal, "a file name is required")
    terminal.press(str(path))
    see(terminal, path.name)
    terminal.press(START)
    see(terminal, "exported")


def pin(terminal):
    terminal.press("2")
    see(terminal, "lowest", "vs base")
    terminal.press("b")
    see(terminal, "Baseline: #1")
    terminal.press("first sound run")
    see(terminal, "first sound run")
    terminal.press(START)
    see(terminal, "baseline 'default': run #1")


def leave_a_run_alive(terminal):
    terminal.press("F")
    see(terminal, "New run", "about", seconds=30)
    terminal.press(START)
    # at once: of 40 sequences loading takes the longest
    see(terminal, "#3")
    terminal.press("q")
    see(terminal, "leave it running")
    terminal.press("l")
    assert terminal.wait_end() == 0


@pytest.mark.timeout(400)
@pytest.mark.usefixtures("small_demo")
def test_a_new_user_gets_from_nothing_to_a_baseline_by_what_the_screen_says(home, environment, tmp_path, poll):
    report = tmp_path / "comparison.html"
    with Terminal(CLI, env=environment) as terminal:
        start_the_demo(terminal)
        drill_into_the_worst(terminal)
        run_it_again(terminal)
        mark_two_and_compare(terminal)
        export_html(terminal, report)
        pin(terminal)
        leave_a_run_alive(terminal)
    assert report.read_text().startswith("<!DOCTYPE html>")
    assert runs_of(home)[3].is_active
    try:
        poll(lambda: not runs_of(home)[3].is_active, what="the end of the run that was left", seconds=SLOW)
    finally:
        launch.stop(home, 3)
    with Terminal(CLI, env=environment) as terminal:
        see(terminal, "#3", "PASS  all", "vs base")
