"""The user's own keys: keys.toml in VP_TUI_HOME, one line per key, e.g. `"live.view" = "V"`, and `[[command]]` blocks.

The file is used completely or not at all: one invalid line keeps all default keys, and is reported.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.files import read_toml
from vp_tui.tui.keymap import BY_ID, KEYS, MAIN_SCREENS, PARTS, keys_of, shown
from vp_tui.tui.user_commands import UserCommand, faults

NAME = "keys.toml"
_ALIASES = {" ": "space", ",": "comma", "esc": "escape", "return": "enter"}
"""Common spellings; Textual reads a comma as the end of a key."""
_NAMED = {"space", "enter", "escape", "backspace", "delete", "insert"}
_EATEN = {
    "ctrl+a": "GNU screen intercepts it",
    "ctrl+b": "tmux intercepts it",
    "ctrl+c": "it copies a selection, and interrupts elsewhere",
    "ctrl+h": "many terminals send it for backspace",
    "ctrl+i": "terminals send it for tab",
    "ctrl+j": "terminals send it for enter",
    "ctrl+m": "terminals send it for enter",
    "ctrl+p": "it opens the palette",
    "ctrl+q": "it leaves",
    "ctrl+z": "it suspends programs",
}
_MOVING = {"tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end"}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserKeys:
    """What keys.toml says."""

    moved: Mapping[str, str] = field(default_factory=dict)
    """Id -> key, as Textual's keymap takes it."""
    commands: tuple[UserCommand, ...] = ()


def read_keys(path: Path) -> UserKeys:
    """Return keys and commands; none without a file.

    Raises:
        UsageError: the file is invalid, with the first reason and the number of others.
    """
    try:
        found = read_toml(path)
    except FileNotFoundError:
        return UserKeys()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{path} is not valid TOML: {error}") from error
    entries = found.pop("command", [])
    given = dict(_flat(found))
    wrong = [*_wrong_lines(given), *faults(entries)] or [
        *_clashes(_moved(given)),
        *_taken(_commands(entries), _moved(given)),
    ]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise UsageError(f"{path}: {wrong[0]}{more}")
    return UserKeys(moved=_moved(given), commands=_commands(entries))


def _commands(entries: Sequence[Mapping[str, str]]) -> tuple[UserCommand, ...]:
    return tuple(UserCommand(**{**entry, "key": _ALIASES.get(entry["key"], entry["key"])}) for entry in entries)


def _taken(commands: Sequence[UserCommand], moved: Mapping[str, str]) -> Iterator[str]:
    """Yield commands on a key that cannot be used or has another meaning on a main screen."""
    used = {
        key.shown: key.id_on(place)
        for place in (*MAIN_SCREENS, *(part for part, owner in PARTS.items() if owner in MAIN_SCREENS))
        for key in keys_of(place, moved)
    }
    for command in commands:
        if reason := refusal(command.key):
            yield f"{fmt.safe(command.key)!r} cannot be the key of {fmt.safe(command.name)!r}: {reason}"
        elif shown(command.key) in used:
            yield f"{shown(command.key)!r} is used for both {used[shown(command.key)]!r} and {fmt.safe(command.name)!r}"
        used[shown(command.key)] = fmt.safe(command.name)


def _flat(table: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ids and keys; `live.view = "V"` and `[live]` with `view = "V"` equal the id in quotes."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _moved(given: Mapping[str, str]) -> dict[str, str]:
    return {name: _ALIASES.get(key, key) for name, key in given.items()}


def _wrong_lines(given: Mapping[str, Any]) -> Iterator[str]:
    for name, key in given.items():
        if name not in BY_ID:
            near = get_close_matches(name, BY_ID, n=1)
            yield f"{fmt.safe(name)!r} is not the id of a key" + (f"; did you mean {near[0]!r}?" if near else "")
        elif not isinstance(key, str):
            yield f"{name!r} must be a key in quotes, not {fmt.safe(key)}"
        elif reason := refusal(_ALIASES.get(key, key)):
            yield f"{fmt.safe(key)!r} cannot be {name!r}: {reason}"


def refusal(key: str) -> str | None:
    """Return why a key cannot be used, or None: it must reach the dashboard through tmux and SSH."""
    if key in _EATEN or key in _MOVING:
        return _EATEN.get(key, "it moves the cursor or the focus")
    if key.startswith(("alt+", "meta+", "super+", "hyper+")):
        return "terminals, tmux and SSH do not agree on what it sends"
    if "+" in key[:-1] and not re.fullmatch("ctrl\\+[a-z]", key):
        return "most terminals cannot send it"
    known = key in _NAMED or re.fullmatch("f([1-9]|1[0-2])|ctrl\\+[a-z]", key)
    written = shown(key)
    if not known and not (len(written) == 1 and written.isascii() and written.isprintable()):
        return "not a valid key; use one character, or space, enter, escape, f1 to f12, ctrl+ and a letter"
    return None


def _clashes(moved: Mapping[str, str]) -> Iterator[str]:
    """Yield two actions on one key where both work, unless the default keys have them so."""
    for screen in dict.fromkeys(name for key in KEYS for name in key.screens):
        taken: dict[str, str] = {}
        for place in filter(None, (screen, PARTS.get(screen))):
            for key in keys_of(place, moved):
                name = key.id_on(place)
                other = taken.setdefault(key.shown, name)
                if other != name and (other in moved or name in moved):
                    yield f"{key.shown!r} is used for both {other!r} and {name!r}"
