"""What the screens behind the digits have in common: a banner for trouble, a body, the keys."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol, cast

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui import format as fmt
from vp_tui.tui.backend import Backend
from vp_tui.tui.marks import line, lines
from vp_tui.tui.messages import BoardShown, StoreView
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel

NO_RUNS = "No runs yet: press n, or try `vp-tui demo`"
CHOOSE = "That run is gone: press 2 and choose another"
PAUSED = "paused: the picture is held, the run goes on; space shows the newest"


class _HasBackend(Protocol):
    backend: Backend


class Board(Screen[None]):
    """A screen that shows a StoreView."""

    ALLOW_IN_MAXIMIZED_VIEW = "#banner, KeyBar"
    topic: str | None = None
    """What the help says first while nothing has the focus."""

    @property
    def backend(self) -> Backend:
        """What the app asks of core; its methods block, so they are called through run_job."""
        return cast(_HasBackend, self.app).backend

    def compose(self) -> ComposeResult:
        """Banner, body, keys."""
        yield Panel(id="banner")
        yield from self.body()
        yield KeyBar()

    @abstractmethod
    def body(self) -> list[Widget]:
        """The panels of this screen."""

    @abstractmethod
    def show(self, view: StoreView) -> None:
        """Fill the panels."""

    @abstractmethod
    def chosen(self, view: StoreView) -> RunRow | None:
        """The run that this screen means, for the keys that do something with one."""

    def show_banner(self, notices: Sequence[Content]) -> None:
        """One line each, the gravest first; without any the banner is gone."""
        banner = self.query_one("#banner", Panel)
        banner.set_class(bool(notices), "-on")
        if notices:
            banner.show(lines(list(notices)))

    def on_screen_resume(self) -> None:
        """The app fills it: the screen may have been away for a while."""
        self.post_message(BoardShown())

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.post_message(BoardShown())


def notices(trouble: str | None, warnings: Sequence[str], *, is_paused: bool) -> list[Content]:
    """Why the picture may be old, what is wrong with the reader's own settings, and that the picture is held."""
    found = []
    if trouble is not None:
        found.append(line(("! ", "fail"), fmt.safe(trouble), ("  (trying again)", "dim")))
    found += [line(("~ ", "warn"), fmt.safe(words)) for words in warnings]
    if is_paused:
        found.append(line(("~ ", "warn"), PAUSED))
    return found


def zoomable(focused: Widget) -> Widget:
    """The panel that the focus is in: the nearest widget with a topic, else the one in focus itself."""
    parts = (node for node in focused.ancestors_with_self if isinstance(node, Widget) and not isinstance(node, Screen))
    return next((part for part in parts if getattr(part, "topic", None)), focused)


def empty_words(view: StoreView) -> Content:
    """What stands where a run would be."""
    return Content(CHOOSE if view.runs else NO_RUNS)
