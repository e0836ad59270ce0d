"""The dashboard: five screens over one store, one thread that follows it, and the way out.

The app holds the newest StoreView and hands it to the screen in front. It runs no model and owns no run:
a run is a process of its own, so leaving, a lost connection or SIGTERM ends the picture and nothing else.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen
from textual.worker import get_current_worker

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend, CoreBackend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import keys_of
from vp_tui.tui.messages import OpenComparison, OpenRun, StoreRead, StoreTrouble, StoreView
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.poller import Poller
from vp_tui.tui.screens.board import Board
from vp_tui.tui.screens.compare import CompareScreen
from vp_tui.tui.screens.help import HelpScreen
from vp_tui.tui.screens.leave import Answer, leave_question, stop_question
from vp_tui.tui.screens.live import LiveScreen
from vp_tui.tui.screens.logs import LogsScreen
from vp_tui.tui.screens.measures import MeasuresScreen
from vp_tui.tui.screens.new_run import NewRunScreen
from vp_tui.tui.screens.runs import RunsScreen
from vp_tui.tui.screens.search import SearchScreen

# background, surface and panel stay three different colours when a terminal offers only 256
THEME = "flexoki"
SIGNALS = (signal.SIGHUP, signal.SIGTERM)


class VpTuiApp(App[int]):
    """Its screens; `run_id` is shown first, else the newest active run, else the newest."""

    TITLE = "vp-tui"
    CSS_PATH = [f"styles/{name}.tcss" for name in ("app", "live", "runs", "compare", "logs", "form")]
    MODES = {
        "live": LiveScreen,
        "runs": RunsScreen,
        "compare": CompareScreen,
        "search": SearchScreen,
        "logs": LogsScreen,
    }
    DEFAULT_MODE = "live"
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-normal"), (120, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-middle"), (32, "-roomy")]

    def __init__(self, home: Home, run_id: int | None = None, *, backend: Backend | None = None) -> None:
        super().__init__()
        self.home = home
        self.backend: Backend = backend or CoreBackend(home)
        self._poller = Poller(open_reader=self.backend.open_reader, read_gpu=self.backend.read_gpu, run_id=run_id)
        self.view: StoreView | None = None
        self._trouble: str | None = None
        self._is_paused = False
        self._is_leaving = False
        self.theme = os.environ.get("TEXTUAL_THEME", THEME)
        # moving pictures cost bytes over SSH and say nothing
        self.animation_level = "none"

    def on_mount(self) -> None:
        """The store is opened after the first frame, in a thread: importing SQLAlchemy takes its time."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in SIGNALS:
                # Textual installs none, and spins for ever on a terminal that is gone
                loop.add_signal_handler(number, partial(self.exit, return_code=ExitCode.INTERRUPTED))
        self.call_after_refresh(self.run_worker, self._follow, thread=True, group="poller")

    def on_unmount(self) -> None:
        """Do not let the poller's rest delay the end."""
        self._poller.close()

    def _follow(self) -> None:
        worker = get_current_worker()
        self._poller.follow(self.post_message, lambda: worker.is_cancelled)

    # -- what the workers say

    def on_store_read(self, message: StoreRead) -> None:
        """Something is new."""
        self.view = message.view
        self._trouble = None
        self._fill()

    def on_store_trouble(self, message: StoreTrouble) -> None:
        """The last picture stays, under a banner."""
        self._trouble = message.text
        self._fill()

    def on_board_shown(self) -> None:
        """A screen came to the front."""
        self._fill()

    def _fill(self) -> None:
        board = self.board
        if board is None or not board.is_mounted:
            return
        board.show_banner(self._trouble, is_paused=self._is_paused)
        if self.view is not None and not self._is_paused:
            board.show(self.view)

    @property
    def board(self) -> Board | None:
        """The screen in front, under any modal."""
        return next((screen for screen in self.screen_stack if isinstance(screen, Board)), None)

    # -- keys

    async def action_board(self, name: str) -> None:
        """Go to a screen by its digit."""
        if name != self.current_mode:
            await self.switch_mode(name)

    async def on_open_run(self, message: OpenRun) -> None:
        """From the history to the Live screen."""
        self._poller.choose(message.run_id)
        await self.action_board("live")

    async def on_open_comparison(self, message: OpenComparison) -> None:
        """From the history, or from a run, to the Compare screen."""
        await self.action_board("compare")
        if isinstance(self.board, CompareScreen):
            self.board.compare(message.base, message.candidate)

    def on_changed(self) -> None:
        """A screen has written to the store."""
        self._poller.wake()

    def action_new_run(self) -> None:
        """An empty form."""
        self.push_screen(NewRunScreen(self.backend.start), self._show_started)

    def action_rerun(self, fp32_compare: bool = False) -> None:
        """The form, filled in like the run this screen means; with `fp32_compare` its reference is encoded anew."""
        run = self.chosen
        if run is None:
            self.notify("no run is chosen", severity="warning")
            return
        run_job(self, "rerun", partial(self.backend.config_of, run.id), partial(self._show_form, fp32_compare))

    def _show_form(self, fp32_compare: bool, config: Mapping[str, Any]) -> None:
        filled = {**config, "fp32_compare": True} if fp32_compare else config
        self.push_screen(NewRunScreen(self.backend.start, filled), self._show_started)

    async def _show_started(self, run_id: int | None) -> None:
        if run_id is not None:
            self._poller.choose(run_id)
            await self.action_board("live")

    @property
    def chosen(self) -> RunRow | None:
        """The run that the screen in front means."""
        return self.board.chosen(self.view) if self.board is not None and self.view is not None else None

    def action_pause(self) -> None:
        """Hold the picture; reading goes on, so that the newest comes at once afterwards."""
        self._is_paused = not self._is_paused
        self._fill()

    def action_help(self) -> None:
        """Keys and numbers."""
        self.push_screen(HelpScreen())

    def action_measures(self) -> None:
        """The report of the run on the screen."""
        if self.view is not None and self.view.snapshot is not None:
            self.push_screen(MeasuresScreen(self.view.snapshot))

    def action_stop_run(self) -> None:
        """Ask, then stop the run this screen means."""
        run = self.chosen
        if run is None or not run.is_active:
            self.notify("no active run is chosen", severity="warning")
            return
        self.push_screen(stop_question(run), partial(self._answer_stop, run))

    def _answer_stop(self, run: RunRow, answer: Answer | None) -> None:
        if answer == "stop":
            self._stop(run)

    async def action_quit(self) -> None:
        """ctrl+q asks like q."""
        self.action_leave()

    def action_leave(self) -> None:
        """At once when nothing runs; else ask."""
        runs = self.view.runs if self.view is not None else ()
        active = tuple(run for run in runs if run.is_active)
        if not active or self._is_leaving:
            self.exit(ExitCode.GOOD)
            return
        shown = self.view.snapshot.run.id if self.view is not None and self.view.snapshot else None
        run = next((run for run in active if run.id == shown), active[0])
        self.push_screen(leave_question(active, run), partial(self._answer_leave, run))

    def _answer_leave(self, run: RunRow, answer: Answer | None) -> None:
        if answer == "leave":
            self.exit(ExitCode.GOOD)
        elif answer == "stop":
            self._is_leaving = True
            self._stop(run)

    def _stop(self, run: RunRow) -> None:
        self.notify(f"stopping #{run.id} {run_names(run)} ..", markup=False)
        stop = partial(self.backend.stop, run.id)
        run_job(self, f"stop {run.id}", stop, partial(self._stopped, run.id), partial(self._not_stopped, run.id))

    def _stopped(self, run_id: int, _: None) -> None:
        """Leave, if that was the wish."""
        if self._is_leaving:
            self.exit(ExitCode.GOOD)
            return
        self.notify(f"#{run_id} is stopped")
        self._poller.wake()

    def _not_stopped(self, run_id: int, words: str) -> None:
        """A failed stop keeps the screen open."""
        self._is_leaving = False
        self.notify(words, title=f"#{run_id} was not stopped", severity="error", markup=False)

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """ctrl+p finds every key's action by name, besides Textual's own."""
        yield from super().get_system_commands(screen)
        for key in keys_of(self.current_mode):
            yield SystemCommand(key.label, key.description, partial(self.run_action, key.action, screen))


def run_dashboard(home: Home, run_id: int | None = None, *, prepare: Callable[[], object] | None = None) -> int:
    """Show the dashboard until the reader leaves; returns the exit code.

    `prepare` (creating or upgrading the store) runs in the reading thread, after the first frame; a StoreError
    of it is shown on the screen, and it is tried again.

    Raises:
        UsageError: there is no terminal to draw on.
    """
    # Textual reads keys from stdin and paints on stderr; without a terminal it would spin or fill a file
    for name, stream in (("stdin", sys.stdin), ("stdout", sys.stdout), ("stderr", sys.stderr)):
        if stream is None or not stream.isatty():
            raise UsageError(
                f"the dashboard needs a terminal, and {name} is none; "
                "use `vp-tui run`, `vp-tui watch` or `vp-tui runs --json` in scripts"
            )
    app = VpTuiApp(home, run_id, backend=CoreBackend(home, prepare))
    app.run()
    return app.return_code or ExitCode.GOOD
