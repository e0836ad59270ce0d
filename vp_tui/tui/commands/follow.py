"""Follow a run from a shell, with the same store and snapshots as the dashboard.

Progress goes to stderr: on a terminal one line that is rewritten, elsewhere one line per phase and per alert. Results
are printed by the caller.
"""

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from typing import TextIO

from vp_tui.core.errors import ExitCode
from vp_tui.core.report.steps import share_words, step_words
from vp_tui.core.runs import launch
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.text import clip, safe
from vp_tui.tui.levels import marked
from vp_tui.tui.text import progress_line

POLL_SECONDS = 0.1
RECHECK_POLLS = 20
"""A killed run commits nothing, so its state is read again even when the store does not change."""


def follow(home: Home, run_id: int) -> RunSnapshot:
    """Show the progress of a run until it ends; return its last snapshot."""
    screen = _Progress(sys.stderr)
    with Reader(home) as reader:
        snapshot = reader.snapshot(run_id)
        version = reader.data_version()
        screen.show(snapshot)
        polls = 0
        while snapshot.run.is_active:
            time.sleep(POLL_SECONDS)
            polls += 1
            seen = reader.data_version()
            if seen != version or polls % RECHECK_POLLS == 0:
                version = seen
                snapshot = reader.snapshot(run_id, since=snapshot)
                screen.show(snapshot)
    screen.finish()
    lifecycle.reconcile(home)
    lifecycle.settle(home)
    return snapshot


def follow_own(home: Home, run_id: int) -> RunSnapshot:
    """Follow a run started by this command: Ctrl+C and SIGTERM stop the run, a closed terminal does not."""
    try:
        with terminable():
            return follow(home, run_id)
    except KeyboardInterrupt:
        sys.stderr.write(f"\nstopping run #{run_id} ...\n")
        launch.stop(home, run_id)
        raise


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Treat SIGTERM (timeout, a workflow manager, docker stop) as Ctrl+C."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_code(snapshot: RunSnapshot) -> int:
    """Return the exit code of a command that waited for this run."""
    run = snapshot.run
    if run.is_active:
        return ExitCode.GOOD
    if run.status == "interrupted" or run.exit_code is None:
        return ExitCode.RUN_FAILED
    return run.exit_code


class _Progress:
    """Progress of a run on stderr."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty()
        self._alerts = 0
        self._shown: object = None
        self._width = 0

    def show(self, snapshot: RunSnapshot) -> None:
        """Print the changes since the last call."""
        for alert in snapshot.alerts[self._alerts :]:
            self._line(marked(alert.severity, safe(alert.message)))
        self._alerts = len(snapshot.alerts)
        if self._terminal:
            self._rewrite(progress_line(snapshot))
        elif self._step(snapshot.run) != self._shown:
            run = snapshot.run
            self._line(f"#{run.id} {share_words(run)} {safe(step_words(run) or run.status)}")
        self._shown = self._step(snapshot.run)

    @staticmethod
    def _step(run: RunRow) -> object:
        """What a new line tells: the step of the run and its phase, without the sequences counted in it."""
        return run.phase if run.progress is None else (run.progress.step, run.progress.name)

    def finish(self) -> None:
        if self._terminal:
            self._rewrite("")

    def _line(self, text: str) -> None:
        if self._terminal:
            self._rewrite("")
        self._stream.write(f"{text}\n")
        self._stream.flush()

    def _rewrite(self, text: str) -> None:
        text = clip(text, shutil.get_terminal_size().columns - 1)
        self._stream.write(f"\r{text.ljust(self._width)}\r{text}")
        self._stream.flush()
        self._width = len(text)
