"""Copy the text of a panel to the terminal's clipboard (OSC 52) and to a file next to the store."""

import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, runtime_checkable

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.files import replacing
from vp_tui.tui.jobs import run_job

NAME = "copied.txt"
MOST_BYTES = 74_000
"""Terminals accept about 100 kB of base64; longer text goes to the file only."""


@runtime_checkable
class Copyable(Protocol):
    """A widget with text to copy."""

    def copy_text(self) -> str: ...


def copied_text(screen: Screen[object]) -> str:
    """Return the text of the focused panel, else of the whole screen from top to bottom."""
    focused = screen.focused
    nodes = focused.ancestors_with_self if focused is not None else ()
    mine = next((node for node in nodes if isinstance(node, Copyable)), None)
    if mine is not None:
        return mine.copy_text()
    return "\n\n".join(filter(None, (_titled(widget) for widget in screen.query(Widget) if _is_outermost(widget))))


def _is_outermost(widget: Widget) -> bool:
    """Return True for a visible widget with text that is not part of another one with text."""
    if not isinstance(widget, Copyable) or not widget.region.area:
        return False
    return not any(isinstance(parent, Copyable) for parent in widget.ancestors)


def _titled(widget: Widget) -> str:
    title = str(widget.border_title or "")
    text = widget.copy_text() if isinstance(widget, Copyable) else ""
    return f"{title}\n{text}" if title and text else text


def write_copy(path: Path, text: str) -> Path:
    """Write the text, completely or not at all; return `path`.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    return path


def fits_clipboard(text: str) -> bool:
    """Return True if a terminal accepts the text."""
    return len(text.encode(errors="replace")) <= MOST_BYTES


def toast(text: str, *, place: str, environment: Mapping[str, str]) -> str:
    """Return the notification; `place` names the file, or why there is none."""
    num_lines = fmt.plural(len(text.splitlines()), "line")
    if not fits_clipboard(text):
        return f"too long for the terminal's clipboard ({num_lines}); {place}"
    # tmux does not forward the sequence by default
    hint = " (tmux needs `set -g set-clipboard on`)" if environment.get("TMUX") else ""
    return f"copied {num_lines} to the clipboard{hint}; {place}"


def copy(app: App[int], path: Path) -> None:
    """Copy the focused panel, or the screen, to the clipboard and to a file, and tell where it is."""
    text = copied_text(app.screen)
    if fits_clipboard(text):
        app.copy_to_clipboard(text)
    tell = partial(toast, text, environment=os.environ)
    run_job(
        app,
        "copy",
        partial(write_copy, path, text),
        lambda place: app.notify(tell(place=f"file: {place}"), markup=False),
        lambda words: app.notify(tell(place=f"no file: {words}"), severity="warning", markup=False),
    )
