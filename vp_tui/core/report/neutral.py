"""Exports go to other people: the home folder of the user, and with it the user's name, becomes ~."""

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

_T = TypeVar("_T")
_SERIES: Final = frozenset({"blocks", "similarity", "gpu", "positions", "distributions", "throughput", "utilization"})
"""Fields of many numbers, where no path can be."""


def without_home(found: _T) -> _T:
    """Return a copy of a record (dataclasses, mappings, sequences) in which every text has ~ for the home folder."""
    home = os.path.expanduser("~").rstrip("/")
    if not home.startswith("/"):
        # / itself, or none that is known
        return found
    # not within a longer name: neither /mnt/home/ada nor /home/adam
    pattern = re.compile(rf"(?<![\w./~-]){re.escape(home)}(?![\w-]|\.\w)")
    replaced: _T = _replaced(found, pattern)
    return replaced


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    match value:
        case str():
            return pattern.sub("~", value)
        case Mapping():
            return {name: _replaced(one, pattern) for name, one in value.items()}
        case list() | tuple():
            return type(value)(_replaced(one, pattern) for one in value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            names = [field.name for field in dataclasses.fields(value) if field.init and field.name not in _SERIES]
            return dataclasses.replace(value, **{name: _replaced(getattr(value, name), pattern) for name in names})
        case _:
            return value
