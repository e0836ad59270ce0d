"""Base of the five main screens: banner for problems, body, key bar."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Backend
from vp_tui.tui.marks import line, lines
from vp_tui.tui.messages import MainScreenShown, StoreView, dashboard
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.welcome import machine, welcome

CHOOSE = "This run was deleted: press 2 to select another"
PAUSED = "Display paused; the run continues. Press space to resume."
NO_RUN = "No run is shown: press n to start one, or 2 for the history"


class MainScreen(Screen[None]):
    """A screen that shows a StoreView."""

    ALLOW_IN_MAXIMIZED_VIEW = "#banner, #said, KeyBar"

    @property
    def backend(self) -> Backend:
        return dashboard(self).backend

    def compose(self) -> ComposeResult:
        yield Panel(id="banner")
        yield from self.body()
        yield Panel(id="said")
        yield KeyBar()

    def body(self) -> list[Widget]:
        """Return the panels of this screen."""
        raise NotImplementedError

    def show(self, view: StoreView) -> None:
        """Fill the panels."""
        raise NotImplementedError

    def chosen(self, view: StoreView) -> RunRow | None:
        """Return the run that the keys of this screen act on: the one on the Live screen."""
        return view.snapshot.run if view.snapshot else None

    def empty_words(self, view: StoreView) -> Content:
        """Return what to do without a run to show."""
        if view.runs:
            return Content(CHOOSE)
        return welcome(machine(dashboard(self).home, view.idle_gpu), self.size.height - 4, self.app.current_mode)

    def show_banner(self, notices: Sequence[Content]) -> None:
        """Show one line each, the most severe first; hide the banner without any."""
        banner = self.query_one("#banner", Panel)
        banner.set_class(bool(notices), "-on")
        if notices:
            banner.show(lines(list(notices)))

    def say(self, words: str) -> None:
        """Tell above the key bar why a key does nothing, until the next key."""
        panel = self.query_one("#said", Panel)
        panel.show(line(("~ ", "warn"), fmt.safe(words)))
        panel.add_class("-on")

    def zoom(self) -> None:
        """Show the focused panel full screen, and back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is None:
            self.say("no panel is focused: press tab to focus one")
        else:
            self.maximized = zoomable(self.focused)

    def unsay(self) -> None:
        # a key may come before the panels
        self.query("#said").remove_class("-on")

    def on_screen_resume(self) -> None:
        self.post_message(MainScreenShown())

    def on_resize(self) -> None:
        self.post_message(MainScreenShown())


def notices(trouble: str | None, warnings: Sequence[str], *, is_paused: bool) -> list[Content]:
    """Return the lines of the banner: store error, invalid settings, paused display."""
    found = []
    if trouble is not None:
        found.append(line(("! ", "fail"), fmt.safe(trouble), ("  (retrying)", "dim")))
    found += [line(("~ ", "warn"), fmt.safe(words)) for words in warnings]
    if is_paused:
        found.append(line(("~ ", "warn"), PAUSED))
    return found


def zoomable(focused: Widget) -> Widget:
    """Return the panel that contains the focus: the nearest widget with a topic, else the focused widget."""
    parts = (node for node in focused.ancestors_with_self if isinstance(node, Widget) and not isinstance(node, Screen))
    return next((part for part in parts if getattr(part, "topic", None)), focused)
