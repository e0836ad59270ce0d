"""What the screens behind the digits have in common: a banner for trouble, a body, the footer."""

from abc import abstractmethod
from typing import Protocol, cast

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Footer

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui import format as fmt
from vp_tui.tui.backend import Backend
from vp_tui.tui.marks import line
from vp_tui.tui.messages import BoardShown, StoreView
from vp_tui.tui.panels.panel import Panel

NO_RUNS = "No runs yet: press n, or try `vp-tui demo`"
CHOOSE = "That run is gone: press 2 and choose another"
PAUSED = "paused: the picture is held, the run goes on; space shows the newest"


class _HasBackend(Protocol):
    backend: Backend


class Board(Screen[None]):
    """A screen that shows a StoreView."""

    @property
    def backend(self) -> Backend:
        """What the app asks of core; its methods block, so they are called through run_job."""
        return cast(_HasBackend, self.app).backend

    def compose(self) -> ComposeResult:
        """Banner, body, keys."""
        yield Panel(id="banner")
        yield from self.body()
        yield Footer(show_command_palette=False)

    @abstractmethod
    def body(self) -> list[Widget]:
        """The panels of this screen."""

    @abstractmethod
    def show(self, view: StoreView) -> None:
        """Fill the panels."""

    @abstractmethod
    def chosen(self, view: StoreView) -> RunRow | None:
        """The run that this screen means, for the keys that do something with one."""

    def show_banner(self, trouble: str | None, *, is_paused: bool = False) -> None:
        """Say why the picture may be old, or nothing."""
        banner = self.query_one("#banner", Panel)
        banner.set_class(trouble is not None or is_paused, "-on")
        if trouble is not None:
            banner.show(line(("! ", "fail"), fmt.safe(trouble), ("  (trying again)", "dim")))
        elif is_paused:
            banner.show(line(("~ ", "warn"), PAUSED))

    def on_screen_resume(self) -> None:
        """The app fills it: the screen may have been away for a while."""
        self.post_message(BoardShown())

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.post_message(BoardShown())


def empty_words(view: StoreView) -> Content:
    """What stands where a run would be."""
    return Content(CHOOSE if view.runs else NO_RUNS)
