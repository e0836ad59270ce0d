"""Output of commands: results on stdout, messages on stderr, with --json the report too."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from vp_tui.core.report.document import run_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import json_safe, safe
from vp_tui.tui.text import summary


def dumped(value: Any) -> str:
    """Return indented JSON without characters that steer a terminal; NaN is an error."""
    return json_safe(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


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
