"""What the panels of the Live screen share: a focus of their own for the help, and a title that costs nothing."""

from textual.content import Content
from textual.widget import Widget

from vp_tui.tui.panels.panel import Panel


class Readable(Panel, can_focus=True):
    """A panel that tab reaches, so that the help can explain it."""


def show_title(widget: Widget, words: str) -> None:
    """Show it in the frame, or on the line above; written only when it changed, and never read as markup."""
    content = Content(words)
    if widget.border_title != content.markup:
        widget.border_title = content
