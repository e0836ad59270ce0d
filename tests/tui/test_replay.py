"""Played runs, from their first event to their last, on the real dashboard."""

import re
import signal
from pathlib import Path

import pytest
from event_scripts import EVIL, FAKE_GPU, SCRIPTS
from played import dashboard, newest, played, playing, soon, text_of

from vp_tui.core.store.reader import Reader
from vp_tui.tui.app import VpTuiApp
from vp_tui.tui.backend import Backend

MARKERS = (b"\x1b]0;", b"\x1b]2;", b"owned\x07", b"\x1b[2J\x1b[bold", "\x9b".encode(), "\u202e".encode())


@pytest.mark.parametrize(
    ("script", "so_far", "at_last"),
    [("good", "SAFE SO FAR", "PASS  all 6,144"), ("failing", "NOT SAFE", "FAIL  6,144")],
)
def test_a_run_reads_so_far_while_it_goes_and_its_verdict_at_the_end(home, script, so_far, at_last):
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "validate your own" in text)
        with playing(home, script, speed=25):
            terminal.wait_for(lambda text: "#1 " in text and so_far in text)
            terminal.wait_for(lambda text: "took" in text and at_last in text, seconds=30)


def test_a_slow_run_passes_and_misses_its_speed(home):
    assert played(home, "slow").speed_verdict == "MISS"
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "PASS  all 6,144" in text and "FASTER  1.21x" in text)


def test_a_run_that_is_killed_is_interrupted_on_the_screen_by_itself(home):
    with dashboard(home) as terminal, playing(home, "crash", speed=12) as process:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        process.wait(30)
        terminal.wait_for(lambda text: "INTERRUPTED" in text and "exited unexpectedly" in text)
        # a run that broke off has passed nothing
        assert "PASS" not in terminal.text


async def test_a_run_that_hangs_is_stalled_and_still_running(home, poll, monkeypatch):
    monkeypatch.setattr("vp_tui.tui.panels.header.SILENT_S", 0.5)
    with playing(home, "stall") as process:
        poll(lambda: is_stopped(process.pid), seconds=20, what="the end of the script")
        app = VpTuiApp(home, backend=Backend(home))
        async with app.run_test(size=(80, 24)) as pilot:
            await soon(pilot, lambda: "SAFE SO FAR" in text_of(app) and "Stalled" in text_of(app), seconds=15)
        assert newest(home).status == "running"


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_two_runs_on_two_gpus_are_both_there_and_one_key_apart(home):
    with (
        dashboard(home) as terminal,
        playing(home, "good", speed=4, device="cuda:0"),
        playing(home, "good", speed=4, device="cuda:1"),
    ):
        terminal.wait_for(lambda text: "SAFE SO FAR" in text and "FP32, cuda:" in text)
        terminal.press("2")
        terminal.wait_for(lambda text: "cuda" not in text and text.count("replay") >= 2)
        terminal.press("1")
        terminal.wait_for(lambda text: "FP32, cuda:" in text)
        first = shown(terminal)
        terminal.press("]")
        terminal.wait_for(lambda _: shown(terminal) not in {None, first})
        terminal.press("[")
        terminal.wait_for(lambda _: shown(terminal) == first)


def shown(terminal):
    """Number and device of the run on the Live screen."""
    found = re.search(r"#(\d+) replay.*FP32, (cuda:\d)", terminal.text)
    return found and found.groups()


def test_hostile_names_do_nothing_to_the_terminal_on_any_screen(home):
    played(home, "hostile_names")
    with dashboard(home, columns=120, lines=40) as terminal:
        terminal.wait_for(lambda text: "FAIL" in text and "#1 " in text)
        for keys in ("a", "m", "q", "2", "5", "v", "3", "4", "1", "?"):
            terminal.press(keys)
            terminal.pump(0.15)
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_end() == 130, terminal.text
    assert "[bold red]m[/]" in SCRIPTS["hostile_names"].config["name"], "markup is part of the script"
    # Textual itself sets the shape of the pointer with a sequence that ends in BEL
    painted = re.sub(rb"\x1b\]22;[a-z-]+\x07", b"", terminal.raw)
    assert [marker for marker in MARKERS if marker in painted] == []
    assert b"\x07" not in painted


def test_a_storm_of_alerts_leaves_the_keys_quick(home):
    run = played(home, "nan_storm")
    assert run.num_alerts > 20_000
    with dashboard(home) as terminal:
        terminal.wait_for(lambda text: "FAIL  6,144" in text and "problem" in text)
        times = []
        for _ in range(9):
            times.append(terminal.answer(" ", b"paused"))
            terminal.press(" ")
            terminal.wait_for(lambda text: "paused" not in text)
        assert sorted(times)[4] < 0.15, times


@pytest.mark.parametrize("script", ["failing", "hostile_names"])
def test_every_script_is_a_whole_run_of_its_own_and_says_that_its_gpu_is_made_up(home, script):
    run = played(home, script)
    with Reader(home) as reader:
        snapshot = reader.snapshot(run.id)
        assert (run.status, run.done) == ("completed", SCRIPTS[script].total)
        assert reader.count_results(run.id) == run.total
    assert snapshot.environment["device_name"].startswith(FAKE_GPU)
    assert sum(one.n for one in snapshot.strata[:3]) == snapshot.strata[3].n == run.total
    assert (EVIL in str(run.sentence)) == (script == "hostile_names")
