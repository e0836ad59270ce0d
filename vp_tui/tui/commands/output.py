"""What commands write: results on stdout, everything for the reader beside JSON on stderr."""

import json
import sys
from typing import Any

from vp_tui.core.report.document import run_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.tui.text import summary


def dumped(value: Any) -> str:
    """JSON for people and programs; NaN is refused."""
    return json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False)


def result(text: str) -> None:
    """A result, on stdout."""
    sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """A line for the reader, on stderr; stored text in it cannot steer the terminal."""
    sys.stderr.write(f"{safe(text)}\n")


def aside(text: str) -> None:
    """Lines for the reader, on stderr, in which everything stored is safe already."""
    sys.stderr.write(f"{text}\n")


def print_run(snapshot: RunSnapshot, *, as_json: bool) -> None:
    """The result on stdout; with --json the document, and the text for the reader on stderr."""
    print_report(snapshot, as_json=as_json)
    if as_json:
        result(dumped(run_document(snapshot)))


def print_report(snapshot: RunSnapshot, *, as_json: bool) -> None:
    """The report: on stdout where it is the result, on stderr beside JSON or when the run broke off."""
    broke_off = not snapshot.run.is_active and snapshot.run.verdict is None
    (sys.stderr if as_json or broke_off else sys.stdout).write(f"{summary(snapshot)}\n")
