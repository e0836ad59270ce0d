"""Focusable panels, and titles written only on change."""

from textual.content import Content
from textual.widget import Widget

from vp_tui.tui.panels.panel import Panel


class Readable(Panel, can_focus=True):
    """A panel that can have the focus, so that the help explains it."""


def show_title(widget: Widget, words: str) -> None:
    """Set the title of the frame if it changed; never parsed as markup."""
    content = Content(words)
    if widget.border_title != content.markup:
        widget.border_title = content
