"""Rows in long form as CSV: one number or word per row, text that no spreadsheet takes for a formula."""

import csv
import io
import json
import math
from collections.abc import Iterable
from typing import Any, Final

from vp_tui.core.text import safe

Value = str | int | float | bool | None
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet reads as the beginning of a formula; the last four are the wide forms."""


def text(head: Iterable[str], rows: Iterable[Iterable[Value]]) -> str:
    """The rows under their head, lines ended by a line feed; a missing number is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def cell(value: Value) -> Value:
    """A number as it is (not finite: empty); text on one line, with a quote before what would be a formula."""
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
    """What fits into a cell; a list or a mapping as JSON text."""
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, sort_keys=True, allow_nan=False)
