"""Shell commands of the user on a key, as `[[command]]` of keys.toml; they get the facts of the selected run.

A fact is put in as a variable of the shell, never as text of the command: a run whose name is `; rm -rf ~` is a name.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.errors import ResourceError
from vp_tui.core.store.home import Home
from vp_tui.core.store.snapshot import RunRow

FIELDS: Final[Mapping[str, Callable[[RunRow, Home], object]]] = {
    "id": lambda run, _: run.id,
    "uuid": lambda run, _: run.uuid,
    "name": lambda run, _: run.name,
    "model": lambda run, _: run.model,
    "input": lambda run, _: run.input,
    "precision": lambda run, _: run.precision,
    "reference": lambda run, _: run.reference,
    "device": lambda run, _: run.device,
    "status": lambda run, _: run.status,
    "verdict": lambda run, _: run.verdict,
    "note": lambda run, _: run.note,
    "folder": lambda run, home: home.run_folder(run.uuid),
}
_KEYS: Final = ("key", "name", "run")
_PART = re.compile(r"\{\{|\}\}|\{(\w*)\}")
MOST_BYTES: Final = 200_000
"""Of the output, from its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserCommand:
    key: str
    name: str
    run: str
    """For sh; {id} is the number of the selected run, {{ and }} are braces."""

    @property
    def shell(self) -> str:
        """Return the text for sh, with a quoted variable for each field."""
        return _PART.sub(lambda found: _variable(found[0], found[1]), self.run)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    exit_code: int
    output: str


def _variable(text: str, field: str | None) -> str:
    return text[0] if field is None else f'"${{VP_TUI_RUN_{field.upper()}}}"'


def faults(entries: Any) -> Iterator[str]:
    """Yield what is wrong with the entries of `[[command]]`."""
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        yield "'command' must be written as [[command]], one block per command"
        return
    for number, entry in enumerate(entries, start=1):
        yield from (f"command {number}: {fault}" for fault in _faults(entry))


def _faults(entry: Any) -> Iterator[str]:
    if not isinstance(entry, Mapping):
        yield "must have key, name and run"
        return
    for name in _KEYS:
        if not isinstance(entry.get(name), str) or not entry[name].strip():
            yield f"{name!r} must be a text in quotes"
    yield from (f"{fmt.safe(name)!r} is not known; there are key, name and run" for name in entry if name not in _KEYS)
    if isinstance(entry.get("run"), str):
        for found in _PART.finditer(entry["run"]):
            if found[1] is not None and found[1] not in FIELDS:
                near = get_close_matches(found[1], FIELDS, n=1)
                hint = f"did you mean {{{near[0]}}}?" if near else f"there are {', '.join(FIELDS)}; {{{{ is a brace"
                yield f"{{{fmt.safe(found[1])}}} is not a field of a run; {hint}"


def run_command(command: UserCommand, run: RunRow, home: Home) -> Ended:
    """Run the command in the background, without a terminal, and return its output, errors included.

    Raises:
        ResourceError: it cannot be started.
    """
    values = {f"VP_TUI_RUN_{name.upper()}": read(run, home) for name, read in FIELDS.items()}
    variables = {name: "" if value is None else str(value) for name, value in values.items()}
    try:
        ended = subprocess.run(
            ["/bin/sh", "-c", command.shell],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            check=False,
        )
    except (OSError, ValueError) as error:
        raise ResourceError(f"{command.name}: cannot be started: {error}") from error
    return Ended(exit_code=ended.returncode, output=ended.stdout[-MOST_BYTES:].decode(errors="replace"))
