"""Copying: what a panel says as text, to the terminal's clipboard (OSC 52) and to a file beside the store."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from textual.screen import Screen
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.files import replacing

NAME = "copied.txt"
MOST_BYTES = 74_000
"""Terminals take a sequence of about 100 kB, and base64 makes four bytes of three; longer text is for the file."""


@runtime_checkable
class Copyable(Protocol):
    """A widget with words worth copying."""

    def copy_text(self) -> str: ...


def copied_text(screen: Screen[object]) -> str:
    """The text of the panel in focus; with none, of everything on the screen, from top to bottom."""
    focused = screen.focused
    if focused is not None:
        mine = next((node for node in focused.ancestors_with_self if isinstance(node, Copyable)), None)
        if mine is not None:
            return mine.copy_text()
    return "\n\n".join(filter(None, (_titled(widget) for widget in screen.query(Widget) if _is_outermost(widget))))


def _is_outermost(widget: Widget) -> bool:
    """Shown, with words of its own, and no part of something that has words."""
    if not isinstance(widget, Copyable) or not widget.region.area:
        return False
    return not any(isinstance(parent, Copyable) for parent in widget.ancestors)


def _titled(widget: Widget) -> str:
    title = str(widget.border_title or "")
    text = widget.copy_text() if isinstance(widget, Copyable) else ""
    return f"{title}\n{text}" if title and text else text


def write_copy(path: Path, text: str) -> Path:
    """The whole text or none of it; returns `path`.

    Raises:
        UsageError: the place cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


def fits_clipboard(text: str) -> bool:
    """True where a terminal takes it."""
    return len(text.encode(errors="replace")) <= MOST_BYTES


def toast(text: str, *, place: str, environment: Mapping[str, str]) -> str:
    """What was done, in words; `place` says where the file is, or why there is none."""
    num_lines = fmt.exact(len(text.splitlines()))
    if not fits_clipboard(text):
        return f"{num_lines} lines are too many for a terminal's clipboard; {place}"
    # tmux keeps the sequence to itself unless told otherwise
    hint = " (tmux needs `set -g set-clipboard on`)" if environment.get("TMUX") else ""
    return f"copied {num_lines} lines to the clipboard{hint}; {place}"
