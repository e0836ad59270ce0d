"""Limits from a TOML file: name = number, at the top or under [thresholds]; the others keep their defaults."""

import difflib
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from vp_tui.core.errors import UsageError
from vp_tui.core.thresholds import Thresholds

_TABLE = "thresholds"


def read(path: Path) -> Thresholds:
    """The limits of the file at `path`.

    Raises:
        UsageError: the file cannot be read, is no TOML (with the line), has an unknown name (with the nearest one) or
            a value that is not allowed; all wrong names and values of a file are told at once.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError(f"there is no thresholds file {str(path)!r}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the thresholds file {str(path)!r} cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"the thresholds file {str(path)!r} is no valid TOML: {error}") from error
    values = _values(document, path)
    problems = [*_unknown(values), *_not_finite(values)]
    if not problems:
        try:
            return Thresholds.model_validate(values, strict=True)
        except ValidationError as error:
            problems = [_told(item) for item in error.errors()]
    raise UsageError(f"the thresholds file {str(path)!r}: {'; '.join(problems)}")


def _values(document: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """The names at the top and those under [thresholds] together; a name may stand in one place only."""
    top = {name: value for name, value in document.items() if name != _TABLE}
    table = document.get(_TABLE, {})
    if not isinstance(table, Mapping):
        raise UsageError(f"the thresholds file {str(path)!r}: {_TABLE!r} is a table, [{_TABLE}]; got {table!r}")
    twice = sorted(set(top) & set(table))
    if twice:
        raise UsageError(
            f"the thresholds file {str(path)!r}: {', '.join(twice)} both at the top and under [{_TABLE}]; keep one"
        )
    return {**top, **table}


def _unknown(values: Mapping[str, Any]) -> list[str]:
    known = list(Thresholds.model_fields)
    problems = []
    for name in values:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, n=1)
            advice = f"did you mean {nearest[0]!r}?" if nearest else f"the names are {', '.join(known)}"
            problems.append(f"there is no limit {name!r}: {advice}")
    return problems


def _not_finite(values: Mapping[str, Any]) -> list[str]:
    """TOML knows nan and inf; as a limit either would switch its gate off without a word."""
    return [
        f"{name} = {value}: a finite number is needed"
        for name, value in values.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]


def _told(item: Any) -> str:
    name = ".".join(map(str, item["loc"]))
    return f"{name} = {item['input']!r}: {item['msg'].replace('Input', 'it', 1)}"
