"""Output of commands: results on stdout, messages on stderr, with --json the report too."""

import json
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.report.document import run_document
from vp_tui.core.report.page import WIDTH, aligned
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.tui.text import summary

_STEERING_IN_JSON: Final = re.compile(
    "[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


def dumped(value: Any) -> str:
    """Return indented JSON without characters that steer a terminal; NaN is an error."""
    return json_safe(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def json_safe(text: str) -> str:
    """JSON text of the same value, in which characters that could steer a terminal or turn its lines are escaped."""
    return _STEERING_IN_JSON.sub(_escaped, text)


def _escaped(found: "re.Match[str]") -> str:
    units = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def page_width() -> int:
    """Return the columns of the terminal, or those that COLUMNS says, at most WIDTH, which a file or a pipe gets."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def width() -> int | None:
    """Return the columns of the terminal that results go to; None where they go elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(rows: Sequence[Sequence[str]]) -> None:
    """Print rows in columns; on a terminal text is cut, so that no line is broken."""
    result("\n".join(map(safe, aligned(rows, width=width()))))


def result(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """Write a message to stderr, without control characters."""
    sys.stderr.write(f"{safe(text)}\n")


def aside(text: str) -> None:
    """Write lines to stderr whose stored text is safe already."""
    sys.stderr.write(f"{text}\n")


def print_run(snapshot: RunSnapshot, *, as_json: bool) -> None:
    """Print the report; with --json the document on stdout and the report on stderr."""
    print_report(snapshot, as_json=as_json)
    if as_json:
        print_documents([snapshot], as_list=False)


def print_documents(snapshots: Sequence[RunSnapshot], *, as_list: bool) -> None:
    """Print one JSON document per run on stdout, as a list or the only one."""
    documents = [run_document(snapshot) for snapshot in snapshots]
    result(dumped(documents if as_list else documents[0]))


def print_report(snapshot: RunSnapshot, *, as_json: bool) -> None:
    """Print the report on stdout; on stderr with --json or when the run did not complete."""
    broke_off = not snapshot.run.is_active and snapshot.run.verdict is None
    (sys.stderr if as_json or broke_off else sys.stdout).write(f"{summary(snapshot)}\n")


def confirmed(question: str, action: str) -> bool:
    """Ask on the terminal whether to do `action`; only y or yes confirms.

    Raises:
        UsageError: there is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"no terminal to confirm on: add --yes to {action} without confirmation")
    sys.stderr.write(question)
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
