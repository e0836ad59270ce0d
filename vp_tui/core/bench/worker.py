"""The worker process of `vp-tui bench`.

Progress goes to stderr, the document to the file --output. SIGINT, SIGTERM or SIGHUP ends it early with what
was measured so far; a second one at once and without a document.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vp_tui.core.bench.document import document
from vp_tui.core.bench.model import bench
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.errors import ExitCode


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--options", required=True, help="the fields of Options as a JSON object")


def main(given: argparse.Namespace) -> int:
    fields = {name: _hashable(value) for name, value in json.loads(given.options).items()}
    with Stopping(_log) as stopping:
        found = bench(Options(**fields), _log, stopping)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    given.output.write_text(json.dumps(document(found, created_at), allow_nan=False), encoding="utf-8")
    return int(ExitCode.INTERRUPTED if found.stopped else ExitCode.GOOD)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _log(text: str) -> None:
    sys.stderr.write(f"{text}\n")
