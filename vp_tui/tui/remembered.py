"""Last values of the New-run form, in a small file next to the store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vp_tui.core.errors import StoreError
from vp_tui.core.files import replacing
from vp_tui.tui.fields import form_fields, kept_values

FILE_NAME = "form.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Initial values of the form; `trouble` says what of the file was ignored, and why."""

    values: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None


def read(path: Path) -> Remembered:
    """Return the last values; a damaged file is reported, a missing one is not."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError, RecursionError) as error:
        return Remembered(trouble=f"{path} cannot be read, form starts empty: {error}")
    if not isinstance(document, dict):
        return Remembered(trouble=f"{path} has no values, form starts empty")
    known = kept_values(document)
    ignored = sorted(document.keys() - known.keys())
    words = f"{path}: ignored unknown values: {', '.join(ignored)}" if ignored else None
    return Remembered(values=known, trouble=words)


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Write the values for the next form, completely or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    kept = kept_values(values)
    ordered = {item.name: kept[item.name] for item in form_fields() if item.name in kept}
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot save the form's values: {path}: {error.strerror or error}") from error
