"""The dashboard on a pty beside played runs: real processes and a real store."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command_line import CLI
from terminal import Terminal
from textual.app import App
from textual.pilot import Pilot

from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow

REPLAY = [sys.executable, str(Path(__file__).parents[1] / "replay.py")]


def environment(home: Home) -> dict[str, str]:
    """Of every process that works on this home."""
    return {"VP_TUI_HOME": str(home.root), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}


def dashboard(home: Home, *, columns: int = 80, lines: int = 24) -> Terminal:
    """The real command on a terminal of its own."""
    return Terminal(CLI, columns=columns, lines=lines, env=environment(home))


@contextmanager
def playing(
    home: Home, script: str, *, speed: float = 0.0, device: str = "cuda:0"
) -> Iterator[subprocess.Popen[bytes]]:
    """A run that goes on meanwhile, killed at the end."""
    process = subprocess.Popen(
        [*REPLAY, script, "--speed", str(speed), "--device", device],
        env=os.environ | environment(home),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def played(home: Home, script: str) -> RunRow:
    """A run that has ended, as fast as the store takes it."""
    with playing(home, script) as process:
        process.wait(60)
    return newest(home)


def newest(home: Home) -> RunRow:
    """The newest run."""
    with Reader(home) as reader:
        return reader.runs(1)[0]


def is_alive(process: subprocess.Popen[bytes]) -> bool:
    """Running, or stopped by a signal; not gone."""
    return process.poll() is None


def text_of(app: App[Any]) -> str:
    """The picture of an app under a Pilot."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in strips)


async def soon(pilot: Pilot[Any], condition: Callable[[], bool], seconds: float) -> None:
    """Until the condition comes true; fails when it does not within so long."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not seen within {seconds} s:\n{text_of(pilot.app)}"
        await pilot.pause(0.02)
