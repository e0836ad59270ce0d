"""Conversion between records and rows: JSON without NaN, dataclasses as mappings."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any, Final

from vp_tui.core.errors import DamagedRowError

_LAST_US: Final = 253_402_214_400_000_000
"""9999-12-31: a later time, of a damaged row, has no calendar date."""


def as_row(record: Any, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return a record as column -> value; a non-finite number becomes None."""
    return {name: _stored(getattr(record, name)) for name in record.__dataclass_fields__ if name not in without}


def as_json(value: Any) -> str:
    """Return canonical JSON: sorted keys; NaN and Infinity become null."""
    return json.dumps(_stored(value), sort_keys=True, allow_nan=False, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """Return the value of a JSON column; an empty mapping for NULL. A number that is not finite becomes None.

    Raises:
        DamagedRowError: it is not JSON.
    """
    if text is None:
        return {}
    try:
        return json.loads(text, parse_float=lambda digits: finite(float(digits)), parse_constant=lambda _: None)
    except (ValueError, RecursionError) as error:
        raise DamagedRowError(f"a row of the store holds JSON that cannot be read ({type(error).__name__})") from error


def mapping(text: str | None) -> Mapping[str, Any]:
    """Return the value of a JSON column that holds a mapping.

    Raises:
        DamagedRowError: it holds something else.
    """
    value = from_json(text)
    if not isinstance(value, Mapping):
        raise DamagedRowError(f"a row of the store holds a {type(value).__name__} instead of named values")
    return value


def finite(value: Any) -> Any:
    """Return a value of a numeric column; None for a number that is not finite, which no version has written."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def moment(at_us: int | None) -> int | None:
    """Return a time that can be shown: within the years 1970 to 9999."""
    return None if at_us is None else min(max(at_us, 0), _LAST_US)


def _stored(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value
