"""Refused values of a configuration, in plain words."""

from collections.abc import Mapping
from typing import Any, Final

_REFUSALS: Final[Mapping[str, str]] = {
    "missing": "a value is needed",
    "string_too_short": "a value is needed",
    "string_too_long": "must have at most {max_length} characters",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    # the device is the only field with a pattern
    "string_pattern_mismatch": "must be auto, cpu, cuda or cuda:N",
}


def refusal_of(error: Mapping[str, Any]) -> str:
    """Return why a field refuses its value, for the reader of a form or a command; `error` is one of pydantic's."""
    words = _REFUSALS.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return words.format(**error.get("ctx", {}))
