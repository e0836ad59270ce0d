"""The dashboard: five screens over one store, and one thread that polls it.

The app holds the newest StoreView and passes it to the screen in front. It runs no model and owns no run: a run is its
own process, so leaving, a lost connection or SIGTERM ends the dashboard and nothing else.
"""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from textual import events
from textual.app import SystemCommand
from textual.binding import Binding
from textual.filter import LineFilter, Monochrome, NoColor
from textual.screen import Screen
from textual.worker import get_current_worker

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui import bell, clipboard, keyfile, theme
from vp_tui.tui.backend import Backend
from vp_tui.tui.ending import on_signals
from vp_tui.tui.held import HoldingApp
from vp_tui.tui.key_state import state_of_keys, works
from vp_tui.tui.keymap import BY_ID, TERMINAL_KEYS, UNMOVED, shown
from vp_tui.tui.messages import OpenComparison, OpenRun, StoreRead, StoreTrouble, StoreView
from vp_tui.tui.panels.key_bar import commands
from vp_tui.tui.poller import Poller
from vp_tui.tui.run_form import RunForm
from vp_tui.tui.screens.compare import CompareScreen
from vp_tui.tui.screens.help import HelpScreen, topic_of
from vp_tui.tui.screens.leave import Leaving
from vp_tui.tui.screens.live import LiveScreen
from vp_tui.tui.screens.logs import LogsScreen
from vp_tui.tui.screens.main_screen import MainScreen, notices
from vp_tui.tui.screens.measures import MeasuresScreen
from vp_tui.tui.screens.runs import RunsScreen
from vp_tui.tui.screens.search import SearchScreen
from vp_tui.tui.screens.user_command import start_command
from vp_tui.tui.stylesheet import ParsedOnce
from vp_tui.tui.user_commands import UserCommand


class VpTuiApp(HoldingApp):
    """The dashboard; `run_id` is shown first, else the newest active run, else the newest."""

    TITLE = "vp-tui"
    CSS_PATH = [f"styles/{name}.tcss" for name in ("app", "live", "runs", "compare", "search", "logs", "form")]
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
        self.backend: Backend = backend or Backend(home)
        self._poller = Poller(open_reader=self.backend.open_reader, read_gpu=self.backend.read_gpu, run_id=run_id)
        self.view: StoreView | None = None
        self.moved: Mapping[str, str] = UNMOVED
        """The user's own keys, by id."""
        self.commands: tuple[UserCommand, ...] = ()
        self._form = RunForm(self, self.backend, self._runs, self._show_started)
        self._leaving = Leaving(self, self.backend, self._poller.wake)
        self._trouble: str | None = None
        self._is_paused = False
        self._came_from: str | None = None
        """The screen that opened the run or comparison in front; esc goes back to it."""
        self._has_title = False
        """The terminal's own title is kept, to be given back."""
        self._warnings: list[str] = []
        """Problems of the user's settings."""
        self._take_settings()
        self.stylesheet = ParsedOnce(variables=self.get_css_variables())
        # animations cost bytes over SSH
        self.animation_level = "none"

    def on_mount(self) -> None:
        """Open the store in a thread after the first frame: importing SQLAlchemy is slow."""
        if not self.is_headless:
            on_signals(asyncio.get_running_loop(), partial(self.exit, return_code=ExitCode.INTERRUPTED))
        self.call_after_refresh(self.run_worker, self._follow, thread=True, group="poller")

    def _take_settings(self) -> None:
        """Read the user's theme and keys; invalid ones are ignored and reported in the banner."""
        self.register_theme(theme.THEME)
        name = os.environ.get("TEXTUAL_THEME", theme.NAME)
        if name not in self.available_themes:
            self._warnings.append(f"TEXTUAL_THEME={name} is not a valid theme; ctrl+p lists them")
        self.theme = name if name in self.available_themes else theme.NAME
        try:
            keys = keyfile.read_keys(self.keys_path)
            self.moved, self.commands = keys.moved, keys.commands
        except UsageError as error:
            self._warnings.append(f"{error}; default keys are used")
        self.set_keymap(dict(self.moved))
        for key, action in TERMINAL_KEYS.items():
            self.bind(key, action, show=False)
        for number, command in enumerate(self.commands):
            self.bind(command.key, f"user_command({number})", description=command.name, show=False)

    @property
    def keys_path(self) -> Path:
        return self.home.root / keyfile.NAME

    def on_unmount(self) -> None:
        self._poller.close()
        if self._has_title:
            self._send(bell.GIVE_TITLE_BACK)

    def _follow(self) -> None:
        worker = get_current_worker()
        self._poller.follow(self.post_message, lambda: worker.is_cancelled)

    # -- messages

    def on_store_read(self, message: StoreRead) -> None:
        self._tell_ended(message.view)
        before, self.view = self.view, message.view
        if state_of_keys(before) != state_of_keys(message.view):
            self.refresh_bindings()
        self._trouble = None
        self._fill()

    def _tell_ended(self, view: StoreView) -> None:
        """Ring, and name the result in the title of the terminal, when a run ends."""
        over = bell.ended(bell.active_ids(self._runs()), view.runs)
        if over:
            self.bell()
            self._send(("" if self._has_title else bell.KEEP_TITLE) + bell.title_bytes(bell.title_of(over)))
            self._has_title = True

    def _send(self, sequence: str) -> None:
        """Send a control sequence to the terminal."""
        if not self.is_headless and self._driver is not None:
            self._driver.write(sequence)

    def on_store_trouble(self, message: StoreTrouble) -> None:
        self._trouble = message.text
        self._fill()

    def on_main_screen_shown(self) -> None:
        self._fill()
        self.tell_held()

    def _fill(self) -> None:
        screen = self.main_screen
        # messages still arrive while the app ends
        if screen is None or not screen.is_mounted or not self.is_running:
            return
        screen.show_banner(notices(self._trouble, self._warnings, is_paused=self._is_paused))
        if self.view is not None and not self._is_paused:
            screen.show(self.view)

    @property
    def main_screen(self) -> MainScreen | None:
        """The main screen in front, below any modal."""
        return next((screen for screen in self.screen_stack if isinstance(screen, MainScreen)), None)

    # -- keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded and self.main_screen is not None:
            self.main_screen.unsay()
        await super().on_event(event)

    async def action_open_screen(self, name: str) -> None:
        self._came_from = None
        if name != self.current_mode:
            await self.switch_mode(name)

    async def _open_from_here(self, name: str) -> None:
        """Open a screen from which esc comes back."""
        before = self.current_mode
        await self.action_open_screen(name)
        self._came_from = before if before != name else None
        # messages still arrive while the app ends
        if self.screen_stack:
            self.refresh_bindings()

    @property
    def can_go_back(self) -> bool:
        return self._came_from is not None

    async def action_back(self) -> None:
        if self._came_from is not None:
            await self.action_open_screen(self._came_from)

    async def on_open_run(self, message: OpenRun) -> None:
        self._poller.choose(message.run_id)
        await self._open_from_here("live")

    async def on_open_comparison(self, message: OpenComparison) -> None:
        await self._open_from_here("compare")
        if isinstance(self.main_screen, CompareScreen):
            self.main_screen.compare(message.base, message.candidate)

    def on_changed(self) -> None:
        self._poller.wake()

    def action_new_run(self) -> None:
        self._form.open()

    def action_demo(self) -> None:
        """Make the demo and start it."""
        self._form.start_demo()

    def action_user_command(self, number: int) -> None:
        start_command(self, self.commands[number], self.chosen)

    def action_rerun(self, fp32_compare: bool = False) -> None:
        """Open the form with the settings of the selected run; `fp32_compare` recomputes its reference."""
        if self.chosen is not None:
            self._form.open_with(self.chosen.id, fp32_compare=fp32_compare)

    def _runs(self) -> tuple[RunRow, ...]:
        return self.view.runs if self.view is not None else ()

    async def _show_started(self, run_id: int | None) -> None:
        if run_id is not None:
            self._poller.choose(run_id)
            await self.action_open_screen("live")

    @property
    def chosen(self) -> RunRow | None:
        return self.main_screen.chosen(self.view) if self.main_screen is not None and self.view is not None else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for a key that does nothing now: the key bar leaves it out."""
        return self.can_go_back if action == "back" else works(action, self.view, lambda: self.chosen)

    def action_pause(self) -> None:
        self._is_paused = not self._is_paused
        self._fill()

    def action_help(self) -> None:
        snapshot = self.view.snapshot if self.view is not None else None
        limits = snapshot.limits if snapshot is not None else Thresholds()
        topic = topic_of(self.screen, self.current_mode)
        self.push_screen(
            HelpScreen(
                topic, self.current_mode, limits=limits, moved=self.moved, commands=self.commands, path=self.keys_path
            )
        )

    def action_measures(self) -> None:
        if self.view is not None and self.view.snapshot is not None:
            self.push_screen(MeasuresScreen(self.view.snapshot))

    def action_stop_run(self) -> None:
        self._leaving.stop(self.chosen)

    async def action_quit(self) -> None:
        """Ask, like q."""
        self.action_leave()

    def action_help_quit(self) -> None:
        """Name the key that leaves to who pressed ctrl+c."""
        key = shown(self.moved.get("app.leave", BY_ID["app.leave"].key))
        self.notify(f"{key} leaves the dashboard; ctrl+c copies selected text", markup=False)

    def action_leave(self) -> None:
        self._leaving.leave(self.view)

    def action_zoom(self) -> None:
        """Show the focused panel full screen, and back."""
        if self.main_screen is not None:
            self.main_screen.zoom()

    def action_copy(self) -> None:
        clipboard.copy(self, self.home.root / clipboard.NAME)

    def get_key_display(self, binding: Binding) -> str:
        return shown(binding.key)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Remove all colours for NO_COLOR; Textual would paint in shades of grey."""
        return [NoColor() if isinstance(one, Monochrome) else one for one in super().get_line_filters()]

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        return commands(self, screen)
