"""Conversion between records and rows: JSON without NaN, dataclasses as mappings."""

import json
import math
from collections.abc import Collection, Mapping
from typing import Any


def as_row(record: Any, *, without: Collection[str] = ()) -> dict[str, Any]:
    """Return a record as column -> value; a non-finite number becomes None."""
    return {name: _stored(getattr(record, name)) for name in record.__dataclass_fields__ if name not in without}


def as_json(value: Any) -> str:
    """Return canonical JSON: sorted keys; NaN and Infinity become null."""
    return json.dumps(_stored(value), sort_keys=True, allow_nan=False, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """Return the value of a JSON column; an empty mapping for NULL."""
    return json.loads(text) if text is not None else {}


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
