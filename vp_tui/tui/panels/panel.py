"""Base of most panels: shows one Content, and repaints only changes; titles of frames."""

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from vp_tui.tui.marks import same


class Panel(Static):
    """A Static that compares before it updates: an idle screen must send no bytes over SSH."""

    ALLOW_SELECT = True
    topic: str | None = None
    """Topic of the help (tui/explain.py) while it has the focus."""

    def __init__(
        self, *, id: str | None = None, classes: str | None = None, title: str | None = None, topic: str | None = None
    ) -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._shown: Content | None = None
        self.border_title = title
        self.topic = topic

    def show(self, content: Content) -> None:
        if self._shown is not None and same(self._shown, content):
            return
        self._shown = content
        self.update(content)

    def copy_text(self) -> str:
        return self._shown.plain if self._shown is not None else ""


class Readable(Panel, can_focus=True):
    """A panel that can have the focus, so that the help explains it."""


def show_title(widget: Widget, words: str | Content) -> None:
    """Set the title of the frame if it changed; never parsed as markup."""
    content = Content(words) if isinstance(words, str) else words
    if widget.border_title != content.markup:
        widget.border_title = content
