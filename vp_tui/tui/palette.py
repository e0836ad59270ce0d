"""Command palette (ctrl+p): every key of the screen and its focused panel, by name, and the themes."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from textual.app import App, SystemCommand
from textual.dom import DOMNode
from textual.screen import Screen

from vp_tui.tui.keymap import BY_ID, Key, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """A key of the table that works now, and the node that owns its action."""

    key: Key
    pressed: str
    """Textual's name of the key, moved or not."""
    owner: DOMNode

    @property
    def written(self) -> str:
        """The key as the user knows it."""
        return shown(self.pressed)


def working(screen: Screen[object]) -> tuple[Working, ...]:
    """Return the keys that work with the current focus, in the order of the table, one per action."""
    found: dict[str, Working] = {}
    for owner, binding, is_enabled, _ in screen.active_bindings.values():
        key = BY_ID.get(binding.id or "")
        if key is not None and is_enabled:
            found.setdefault(binding.id or "", Working(key=key, pressed=binding.key, owner=owner))
    return tuple(found[name] for name in BY_ID if name in found)


def commands(app: App[int], screen: Screen[object]) -> Iterator[SystemCommand]:
    """Yield the commands; the description is part of the name, because only names are searched."""
    yield SystemCommand(
        "Theme: change colours", "for this session; set TEXTUAL_THEME to keep it", app.action_change_theme
    )
    for one in working(screen):
        name = f"{one.key.label}: {one.key.description}"
        yield SystemCommand(name, f"key {one.written}", partial(app.run_action, one.key.action, one.owner))
