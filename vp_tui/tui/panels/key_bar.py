"""The last line of every screen: its keys, as many as the terminal has room for, each one clickable.

The five screens, Help and Leave are always there; the others by their rank, as far as they fit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from textual.content import Content
from textual.screen import Screen
from textual.style import Style

from vp_tui.tui.keymap import MAIN_SCREENS
from vp_tui.tui.palette import Working, working
from vp_tui.tui.panels.panel import Panel

SHORT = {"Compare": "Comp", "Search": "Srch"}
"""Names of screens when not everything fits."""
_LAST = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key as the bar shows it."""

    key: str
    label: str
    pressed: str = ""
    """The key as Textual names it."""
    rank: int = 5
    is_screen: bool = False
    is_current: bool = False

    @property
    def width(self) -> int:
        """Columns, without the space between two entries."""
        return len(self.key) + (1 + len(self.label) if self.label else 0)


def entries(keys: Sequence[Working], current: str) -> tuple[Entry, ...]:
    """The keys that work now; `current` is the name of the screen in front."""
    return tuple(
        Entry(
            key=one.written,
            label=one.key.label,
            pressed=one.pressed,
            rank=one.key.rank if one.key.footer else _LAST,
            is_screen=one.key.label.lower() in MAIN_SCREENS and one.key.action.startswith("app.open_screen"),
            is_current=one.key.action == f"app.open_screen('{current}')",
        )
        for one in keys
    )


def fitted(found: Sequence[Entry], width: int) -> tuple[Entry, ...]:
    """Those with room: all; else the screens in short and the most important keys, at last digits without names."""
    if room(found) <= width:
        return tuple(found)
    kept = {index: _short(entry) for index, entry in enumerate(found) if entry.rank == 0}
    for index, entry in sorted(enumerate(found), key=lambda item: item[1].rank):
        wider = kept | {index: _short(entry)}
        if room(_in_order(wider)) <= width:
            kept = wider
    shown = _in_order(kept)
    if room(shown) > width:
        shown = [replace(entry, label="") if entry.is_screen and not entry.is_current else entry for entry in shown]
    if room(shown) > width:
        shown = [replace(entry, label="") for entry in shown]
    return tuple(shown)


def _in_order(kept: Mapping[int, Entry]) -> list[Entry]:
    return [kept[index] for index in sorted(kept)]


def _short(entry: Entry) -> Entry:
    if not entry.is_screen or entry.is_current:
        return entry
    return replace(entry, label=SHORT.get(entry.label, entry.label))


def room(kept: Sequence[Entry]) -> int:
    """Columns they need in one line."""
    return sum(entry.width for entry in kept) + sum(map(len, _gaps(kept))) + 1


def _gaps(kept: Sequence[Entry]) -> list[str]:
    """A wider one behind the screens, so that they read as one group."""
    pairs = pairwise(kept)
    return ["  " if before.is_screen != after.is_screen else " " for before, after in pairs]


def key_line(kept: Sequence[Entry]) -> Content:
    """The line; the screen in front is reversed, which works without colours too."""
    parts = [Content(" ")]
    for entry, gap in zip(kept, [*_gaps(kept), ""], strict=False):
        click = Style.from_meta({"@click": f"app.simulate_key({entry.pressed!r})"}) if entry.pressed else Style()
        words = Content.styled(entry.key, "bold" if entry.is_current else "bold $footer-key-foreground")
        words = Content.assemble(words, f" {entry.label}" if entry.label else "")
        parts += [words.stylize("reverse" if entry.is_current else "").stylize(click), Content(gap)]
    return Content("").join(parts)


class KeyBar(Panel):
    """Follows the focus, the screen and the width."""

    ALLOW_SELECT = False
    # a link's colour would replace that of the key
    auto_links = False

    def on_mount(self) -> None:
        """Textual says when other keys work."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        """More or less room."""
        self._fill()

    def copy_text(self) -> str:
        """Keys are nothing to copy."""
        return ""

    def _changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if self.is_attached and self.size.width:
            shown = fitted(entries(working(self.screen), self.app.current_mode), self.size.width)
            self.show(key_line(shown))
