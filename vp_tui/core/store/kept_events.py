"""Events that a run could not write into the store, kept in its folder until the store can be written again.

A line per event: the checksum of all lines so far, and the event as JSON. A line that was cut or changed ends what is
read. Whoever writes the store next imports them (lifecycle.reconcile).
"""

import functools
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import TypeAdapter, ValidationError

from vp_tui.core.events import Event
from vp_tui.core.store.rows import as_json

NAME: Final = "events.jsonl"
_KINDS: Final[dict[str, type[Any]]] = {kind.__name__: kind for kind in get_args(Event)}
_MOST_LINE: Final = 1 << 26
"""Bytes of one event: a block of a thousand sequences takes 300 kB."""


@functools.cache
def _adapter(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(_KINDS[name])


def keep(folder: Path, events: Sequence[Event]) -> Path:
    """Write the events, whole and on the disk; return the file.

    Raises:
        OSError: it cannot be written.
    """
    path, chain = folder / NAME, hashlib.blake2b(digest_size=16)
    with path.open("w", encoding="utf-8") as file:
        for event in events:
            line = encoded(event)
            chain.update(line.encode())
            file.write(f"{chain.hexdigest()} {line}\n")
        file.flush()
        os.fsync(file.fileno())
    return path


def read(path: Path) -> tuple[Event, ...]:
    """Return the events up to the first line that is not as it was written.

    Raises:
        OSError: it cannot be read.
    """
    found, chain = [], hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while line := file.readline(_MOST_LINE):
            digest, _, text = line.removesuffix(b"\n").partition(b" ")
            chain.update(text)
            if digest.decode("ascii", "replace") != chain.hexdigest():
                break
            try:
                found.append(decoded(text))
            except ValueError:
                break
    return tuple(found)


def encoded(event: Event) -> str:
    """Return the event as one line of JSON; a number that is not finite becomes null, as in the store."""
    name = type(event).__name__
    return as_json({"kind": name, "event": _adapter(name).dump_python(event, warnings=False)})


def decoded(line: bytes) -> Event:
    """Return the event of a line.

    Raises:
        ValueError: it is none; with the reason.
    """
    try:
        document = json.loads(line)
        event: Event = _adapter(document["kind"]).validate_json(json.dumps(document["event"]), strict=True)
    except (KeyError, TypeError, RecursionError, ValidationError) as error:
        raise ValueError(f"no event: {type(error).__name__}") from error
    return event
