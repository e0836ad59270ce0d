"""Keys that work now: the key bar, the last line of every screen, and the commands of the palette (ctrl+p).

The bar has as many keys as fit, each one clickable: the five screens, Help and Leave always, the others by rank.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from textual.app import App, SystemCommand
from textual.content import Content
from textual.dom import DOMNode
from textual.screen import Screen
from textual.style import Style

from vp_tui.tui.keymap import BY_ID, QUIET, Key
from vp_tui.tui.panels.panel import Panel

SHORT = {"Compare": "Comp", "Search": "Srch"}
"""Short names of screens when not everything fits."""


def working(screen: Screen[object]) -> tuple[tuple[Key, DOMNode], ...]:
    """Return the keys that work with the current focus, each with the node that owns its action, in the table's order.

    One per action, with the key that is pressed for it, moved or not.
    """
    found: dict[str, tuple[Key, DOMNode]] = {}
    for owner, binding, is_enabled, _ in screen.active_bindings.values():
        key = BY_ID.get(binding.id or "")
        if key is not None and is_enabled:
            found.setdefault(binding.id or "", (replace(key, key=binding.key), owner))
    return tuple(found[name] for name in BY_ID if name in found)


def commands(app: App[int], screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield the commands; the description is part of the name, because only names are searched."""
    yield SystemCommand(
        "Theme: change colours", "for this session; set TEXTUAL_THEME to keep it", app.action_change_theme
    )
    for key, owner in working(screen):
        action = partial(app.run_action, key.action, owner)
        yield SystemCommand(f"{key.label}: {key.description}", f"key {key.shown}", action)


@dataclass(frozen=True, slots=True, kw_only=True)
class BarKey:
    """One key of the bar."""

    key: str
    label: str
    pressed: str = ""
    """Textual's name of the key."""
    rank: int = 5
    is_screen: bool = False
    is_current: bool = False

    @property
    def width(self) -> int:
        """Columns, without the space between two keys."""
        return len(self.key) + (1 + len(self.label) if self.label else 0)


def entries(keys: Sequence[Key], current: str) -> tuple[BarKey, ...]:
    """Return the keys of the bar; `current` is the name of the screen in front."""
    found: list[BarKey] = []
    shown = [one for one in keys if one.rank < QUIET]
    for before, one in zip([None, *shown], shown, strict=False):
        entry = BarKey(
            key=one.shown,
            label=one.label,
            pressed=one.key,
            rank=one.rank,
            is_screen=one.action.startswith("app.open_screen"),
            is_current=one.action == f"app.open_screen('{current}')",
        )
        if before is not None and {before.name, one.name} == {"previous", "next"}:
            # one without the other would be half an answer
            last = found.pop()
            entry = replace(entry, key=f"{last.key} {entry.key}", label=f"{last.label}, {entry.label.lower()}")
        found.append(entry)
    return tuple(found)


def fitted(found: Sequence[BarKey], width: int) -> tuple[BarKey, ...]:
    """Return the keys that fit: all; else short screen names and the lowest ranks; at last digits only."""
    if room(found) <= width:
        return tuple(found)
    kept = {index: _short(entry) for index, entry in enumerate(found) if entry.rank == 0}
    for index, entry in sorted(enumerate(found), key=lambda item: item[1].rank):
        wider = kept | {index: _short(entry)}
        if room(_in_order(wider)) > width:
            # what is less important does not take its place: the bar would change with every focus
            break
        kept = wider
    shown = _in_order(kept)
    if room(shown) > width:
        shown = [replace(entry, label="") if entry.is_screen and not entry.is_current else entry for entry in shown]
    if room(shown) > width:
        shown = [replace(entry, label="") for entry in shown]
    return tuple(shown)


def _in_order(kept: Mapping[int, BarKey]) -> list[BarKey]:
    return [kept[index] for index in sorted(kept)]


def _short(entry: BarKey) -> BarKey:
    if not entry.is_screen or entry.is_current:
        return entry
    return replace(entry, label=SHORT.get(entry.label, entry.label))


def room(kept: Sequence[BarKey]) -> int:
    """Return the columns of the line."""
    return sum(entry.width for entry in kept) + sum(map(len, _gaps(kept))) + 1


def _gaps(kept: Sequence[BarKey]) -> list[str]:
    """Return the gaps, a wider one after the screens."""
    pairs = pairwise(kept)
    return ["  " if before.is_screen != after.is_screen else " " for before, after in pairs]


def key_line(kept: Sequence[BarKey]) -> Content:
    """Return the line; the screen in front is reversed, which works without colours."""
    parts = [Content(" ")]
    for entry, gap in zip(kept, [*_gaps(kept), ""], strict=False):
        click = Style.from_meta({"@click": f"app.simulate_key({entry.pressed!r})"}) if entry.pressed else Style()
        words = Content.styled(entry.key, "bold" if entry.is_current else "bold $footer-key-foreground")
        words = Content.assemble(words, f" {entry.label}" if entry.label else "")
        parts += [words.stylize("reverse" if entry.is_current else "").stylize(click), Content(gap)]
    return Content("").join(parts)


class KeyBar(Panel):
    """Follows focus, screen and width."""

    ALLOW_SELECT = False
    # a link's colour would replace that of the key
    auto_links = False

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def on_resize(self) -> None:
        self._fill()

    def copy_text(self) -> str:
        """Return no text: keys are not copied."""
        return ""

    def _changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen:
            self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        if self.is_attached and self.size.width:
            keys = [key for key, _ in working(self.screen)]
            self.show(key_line(fitted(entries(keys, self.app.current_mode), self.size.width)))
