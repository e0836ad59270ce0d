"""The last values of the New-run form, kept in a small file beside the store."""

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
    """What the form begins with; `trouble` says what of the file was not used, and why."""

    values: Mapping[str, Any] = field(default_factory=dict)
    trouble: str | None = None


def read(path: Path) -> Remembered:
    """The last values; a file that is missing is no trouble, one that is damaged is."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Remembered()
    except (OSError, ValueError, RecursionError) as error:
        return Remembered(trouble=f"{path} cannot be read, so the form begins empty: {error}")
    if not isinstance(document, dict):
        return Remembered(trouble=f"{path} holds no values, so the form begins empty")
    known = kept_values(document)
    ignored = sorted(document.keys() - known.keys())
    words = f"{path}: ignored, as the form has no such value: {', '.join(ignored)}" if ignored else None
    return Remembered(values=known, trouble=words)


def write(path: Path, values: Mapping[str, Any]) -> None:
    """Keep the form's values for the next time, whole or not at all.

    Raises:
        StoreError: the file cannot be written.
    """
    kept = kept_values(values)
    ordered = {item.name: kept[item.name] for item in form_fields() if item.name in kept}
    try:
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the form's values are not kept for next time: {path}: {error.strerror or error}") from error
