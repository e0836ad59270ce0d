"""CSV in long form: one value per row; no text is a spreadsheet formula."""

import csv
import io
import json
import math
from collections.abc import Iterable
from typing import Any, Final

from vp_tui.core.text import safe

Value = str | int | float | bool | None
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters of a formula; the last four are wide forms."""


def text(head: Iterable[str], rows: Iterable[Iterable[Value]]) -> str:
    """Return head and rows; a missing number is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def cell(value: Value) -> Value:
    """Return a number (not finite: empty), or text on one line, quoted if it would be a formula."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    # a tab or a line end in front has become a blank, and some programs look behind blanks
    words = safe(value)
    begins = value[:1] in {"\t", "\r", "\n"} or words.lstrip().startswith(_FORMULA)
    return f"'{words}" if begins else words


def scalar(value: Any) -> Value:
    """Return a scalar as it is, a list or a mapping as JSON text."""
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, sort_keys=True, allow_nan=False)
