"""A comparison in six formats, and writing it to a file."""

from pathlib import Path
from typing import Final

from vp_tui.core.errors import UsageError
from vp_tui.core.files import replacing
from vp_tui.core.report import comparison_document, junit, markdown, table
from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.comparison_page import comparison_page

FORMATS: Final = ("table", "md", "csv", "json", "html", "junit")


def rendered(report: ComparisonReport, format: str, *, everything: bool = False) -> str:
    """Return the report; differences only, unless `everything`. It ends with a newline.

    Raises:
        UsageError: no such format.
    """
    match format:
        case "table":
            return table.text(comparison_page(report, everything=everything))
        case "md":
            return markdown.text(comparison_page(report, everything=everything))
        case "csv":
            return comparison_document.as_csv(report, everything=everything)
        case "json":
            return comparison_document.as_json(report, everything=everything)
        case "html":
            # importing jinja2 and matplotlib takes half a second
            from vp_tui.core.report.html import comparison_html

            return comparison_html(report, everything=everything)
        case "junit":
            return junit.text("vp-tui compare", [junit.comparison_suite(report)])
        case _:
            raise UsageError(f"no such format: {format!r}; the formats are {', '.join(FORMATS)}")


def write(path: Path, text: str) -> None:
    """Write the file atomically as UTF-8.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
