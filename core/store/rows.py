"""Between records and rows: JSON without NaN, dataclasses as plain mappings."""

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any


def as_row(record: Any) -> dict[str, Any]:
    """A frozen record as a mapping of column to value; a number that is not finite becomes None."""
    return {field.name: _stored(getattr(record, field.name)) for field in fields(record)}


def as_json(value: Any) -> str:
    """Canonical JSON: sorted keys, no NaN, no Infinity (both become null)."""
    return json.dumps(_stored(value), sort_keys=True, allow_nan=False, ensure_ascii=False)


def from_json(text: str | None) -> Any:
    """The value of a JSON column; an empty mapping for NULL."""
    return json.loads(text) if text is not None else {}


def _stored(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _stored(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_stored(item) for item in value]
    return value
