"""The real process on a real pty: time, signals, bytes."""

import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import Terminal

SHOW = [sys.executable, str(Path(__file__).with_name("show.py"))]
DASHBOARD = (
    "import os; from vp_tui.tui.dashboard import run_dashboard; from vp_tui.core.store.home import Home; "
    "raise SystemExit(run_dashboard(Home.from_environment(os.environ)))"
)


def test_importing_the_app_loads_no_model_library_and_nothing_heavy():
    code = "import sys, vp_tui.tui.app; print(' '.join(sys.modules))"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert loaded & {"torch", "transformers", "numpy", "sqlalchemy", "alembic", "plotext", "pynvml"} == set()


def test_an_idle_screen_writes_no_bytes_and_leaving_is_quick():
    with Terminal([*SHOW, "running"]) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text and "limit 0.99" in text)
        terminal.pump(0.7)
        assert terminal.pump(1.5) == b""
        terminal.press("q")
        terminal.wait_for(lambda text: "leave it running" in text)
        terminal.press("l")
        assert terminal.wait_end() == 0


@contextmanager
def on_runs():
    """A terminal that shows the list of runs."""
    with Terminal([*SHOW, "passed"]) as terminal:
        terminal.wait_for(lambda text: "PASS" in text)
        terminal.press("2")
        terminal.wait_for(lambda text: "name (model)" in text)
        yield terminal


def tags_and_note(text):
    """What the form of a run's tags has in its fields."""
    return {row.split()[1]: row.split()[2:-1] for row in text.splitlines() if re.match(r".*\u2502 +(tags|note) ", row)}


def test_what_is_typed_right_after_enter_is_in_the_next_field():
    """Tags and note of a run; all keys are there in one read, as from a paste or a slow line."""
    with on_runs() as terminal:
        terminal.press("t")
        terminal.wait_for(lambda text: set(tags_and_note(text)) == {"tags", "note"} and "^s confirm" in text)
        terminal.press("a=b\rnext")
        terminal.wait_for(lambda text: tags_and_note(text) == {"tags": ["a=b"], "note": ["next"]})


def test_what_is_typed_right_after_the_key_of_the_filter_is_in_the_filter_and_no_command():
    """`d` would ask whether to delete the run, `t` for its tags, `q` would leave."""
    with on_runs() as terminal:
        terminal.press("/name:dtq")
        terminal.wait_for(lambda text: re.search(r"/ *name:dtq", text))
        assert terminal.process.poll() is None


def test_keys_that_open_a_form_and_edit_it_can_come_in_one_read():
    """Tags and note of a run: open, type, delete the line, type again, and the next field."""
    with on_runs() as terminal:
        terminal.press("twrong=1\x15right=2\rwrong\x15note")
        terminal.wait_for(lambda text: tags_and_note(text) == {"tags": ["right=2"], "note": ["note"]})


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_screen_cleanly(number):
    with Terminal([*SHOW, "running"]) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        terminal.signal(number)
        assert terminal.wait_end() == 130
        # the ordinary screen and the cursor are back
        assert b"\x1b[?1049l" in terminal.raw
        assert b"\x1b[?25h" in terminal.raw


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_a_dashboard_whose_loop_is_blocked(number, tmp_path):
    """As by Textual's queue of writes, which nobody empties once the terminal is closed."""
    blocked = tmp_path / "blocked"
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import pathlib, show, threading; "
        "from vp_tui.tui.app import VpTuiApp; mount = VpTuiApp.on_mount; "
        f"block = lambda: (pathlib.Path({str(blocked)!r}).touch(), threading.Event().wait()); "
        "VpTuiApp.on_mount = lambda self: (mount(self), self.set_timer(0.5, block))[0]; "
        "sys.exit(show.main('running'))"
    )
    with Terminal([sys.executable, "-c", code]) as terminal:
        end = time.monotonic() + 60.0
        while not blocked.exists():
            assert time.monotonic() < end, terminal.text
            terminal.pump(0.02)
        terminal.signal(number)
        assert terminal.wait_end(60.0) == 130


def test_a_lost_connection_ends_the_screen():
    with Terminal([*SHOW, "running"]) as terminal:
        terminal.wait_for(lambda text: "SAFE SO FAR" in text)
        terminal.hang_up()
        terminal.wait_end(3.0)


def test_control_characters_of_the_data_never_reach_the_terminal():
    evil = "\\x1b]0;owned\\x07\\x1b[2Jname\\x9b31m"
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import show, snapshots; "
        f"from dataclasses import replace; run = replace(snapshots.passed().run, name='{evil}', sentence='{evil}'); "
        f"snapshots.evil = lambda: snapshots.snapshot(run, alerts=(snapshots.alert(sequence_id='{evil}'),)); "
        "sys.exit(show.main('evil'))"
    )
    with Terminal([sys.executable, "-c", code]) as terminal:
        terminal.wait_for(lambda text: "name" in text)
        terminal.press("2")
        terminal.wait_for(lambda text: "lowest" in text)
        terminal.press("q")
        terminal.wait_end()
    # Textual itself sets the shape of the pointer with a sequence that ends in BEL
    painted = re.sub(rb"\x1b\]22;[a-z-]+\x07", b"", terminal.raw)
    assert b"\x1b]0;" not in painted
    assert b"\x07" not in painted
    assert "\x9b" not in painted.decode()


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "xterm-256color"}, {"COLORTERM": "truecolor"}])
def test_marks_are_readable_with_any_number_of_colours(env):
    with Terminal([*SHOW, "failed_gate"], env=env) as terminal:
        terminal.wait_for(lambda text: "!NaN" in text and "FAIL  12 of" in text)
        if "NO_COLOR" in env:
            colours = {match for match in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", terminal.raw)}
            assert all(red == green == blue for red, green, blue in colours)


def test_a_store_that_cannot_be_read_is_said_so():
    with Terminal([*SHOW, "gone"]) as terminal:
        terminal.wait_for(lambda text: "the store is gone" in text)
        terminal.press("q")
        assert terminal.wait_end() == 0


def test_without_a_terminal_it_refuses_with_a_usage_error(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", DASHBOARD],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={"VP_TUI_HOME": str(tmp_path)},
    )
    assert "needs a terminal" in done.stderr
    assert done.stdout == ""


def test_ctrl_z_suspends_the_screen_and_fg_brings_it_back():
    with Terminal([*SHOW, "passed"]) as terminal:
        terminal.wait_for(lambda text: "PASS" in text)
        before = len(terminal.raw)
        terminal.press("\x1a")
        state = Path(f"/proc/{terminal.process.pid}/stat")
        while state.read_text().rpartition(")")[2].split()[0] != "T":
            terminal.pump(0.05)
        # what is typed now goes to a shell: the ordinary screen is back
        assert b"\x1b[?1049l" in terminal.raw[before:]
        terminal.signal(signal.SIGCONT)
        terminal.wait_for(lambda text: "PASS" in text)
        terminal.press("q")
        assert terminal.wait_end() == 0
