"""Limits a run is judged by: those of the table of gates, where a TOML file does not replace them.

A limit is addressed as GATE.fail or GATE.warn (`M1.fail = 0.995`). A run records all of them.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from vp_tui.core.errors import UsageError
from vp_tui.core.files import read_toml
from vp_tui.core.gates.gate import Gate, Limit
from vp_tui.core.gates.table import WITH_LIMITS

_TABLE = "thresholds"

LIMITS: Final[Mapping[str, Limit]] = {
    f"{gate.id}.{name}": limit
    for gate in WITH_LIMITS
    for name, limit in (("fail", gate.fail), ("warn", gate.warn))
    if limit is not None
}
"""GATE.fail and GATE.warn -> the limit of the table."""

RETIRED: Final[frozenset[str]] = frozenset(
    {"M4.warn", "M4c.warn", "M5.warn", "M5-scale.warn", "R4.warn", "R3-floor.fail"}
)
"""Limits in the records of older versions that no longer exist; they are left out on reading."""


class Frozen(BaseModel):
    """Base of records that are immutable, reject unknown names and strip text."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


class Thresholds(RootModel[dict[str, float]]):
    """All limits, GATE.fail and GATE.warn -> number; a limit that is not given has its value in the table."""

    model_config = ConfigDict(frozen=True)

    root: dict[str, float] = Field(default_factory=dict, validate_default=True)

    @field_validator("root", mode="before")
    @classmethod
    def _complete(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        known = {name: value for name, value in given.items() if name not in RETIRED}
        problems = list(_problems(known))
        if problems:
            raise ValueError("; ".join(problems))
        return {name: known.get(name, limit.value) for name, limit in LIMITS.items()}

    def fail(self, gate: Gate) -> float:
        """Return the farther limit of a gate that has one."""
        return self.root[f"{gate.id}.fail"]

    def warn(self, gate: Gate) -> float:
        """Return the nearer limit of a gate that has one."""
        return self.root[f"{gate.id}.warn"]


def read_thresholds(path: Path) -> Thresholds:
    """Return the limits of the TOML file at `path`: `M1.fail = 0.995`, or [M1] with `fail`; also under [thresholds].

    Raises:
        UsageError: the file cannot be read, is not valid TOML (with the line), or has unknown names (with the nearest
            one) or values that are not allowed; all wrong names and values are reported at once.
    """
    try:
        document = read_toml(path)
    except FileNotFoundError as error:
        raise UsageError(f"thresholds file {str(path)!r} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"thresholds file {str(path)!r} cannot be read: {error}") from error
    except ValueError as error:
        raise UsageError(f"thresholds file {str(path)!r} is not valid TOML: {error}") from error
    values, problems = _values(document)
    problems += _problems(values)
    if problems:
        raise UsageError(f"thresholds file {str(path)!r}: {'; '.join(problems)}")
    return Thresholds(values)


def _values(document: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Flatten the document to GATE.fail -> value; a limit may be set once."""
    table = document.get(_TABLE, {})
    if not isinstance(table, Mapping):
        return {}, [f"{_TABLE!r} must be a table, [{_TABLE}]; got {table!r}"]
    top = dict(_flat({name: value for name, value in document.items() if name != _TABLE}))
    inner = dict(_flat(table))
    twice = sorted(set(top) & set(inner))
    return {**top, **inner}, [f"{', '.join(twice)} both at the top and under [{_TABLE}]; keep one"] if twice else []


def _flat(table: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", item) for inner, item in value.items())
        else:
            yield name, value


def _problems(values: Mapping[str, Any]) -> Iterator[str]:
    """Unknown names, and values outside of their interval; nan or inf would switch a gate off silently."""
    for name, value in values.items():
        if name not in LIMITS:
            nearest = difflib.get_close_matches(name, LIMITS, n=1)
            advice = f"did you mean {nearest[0]!r}?" if nearest else f"the names are {', '.join(LIMITS)}"
            yield f"unknown limit {name!r}: {advice}"
        elif isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            yield f"{name} = {value!r}: not a finite number"
        elif value not in LIMITS[name].allowed:
            yield f"{name} = {value!r}: outside {LIMITS[name].allowed}"
