"""`python -m vp_tui.core.bench`: the child of `vp-tui bench`, because the command line never loads torch.

Progress and errors go to stderr, the document to the file --output. SIGINT, SIGTERM or SIGHUP ends it early with what
was measured so far; a second one at once and without a document.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vp_tui.core.bench.document import document
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.session import bench
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.errors import ExitCode, VpTuiError


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; the exit code is that of the error whose text goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--options", required=True, help="the fields of Options as a JSON object")
    given = parser.parse_args(arguments)
    fields = {name: _hashable(value) for name, value in json.loads(given.options).items()}
    try:
        with Stopping(_say) as stopping:
            found = bench(Options(**fields), _say, stopping)
    except KeyboardInterrupt:
        return int(ExitCode.INTERRUPTED)
    except VpTuiError as error:
        _say(f"error: {error}")
        return int(error.exit_code)
    created_at = datetime.now(UTC).isoformat(timespec="seconds")
    given.output.write_text(json.dumps(document(found, created_at), allow_nan=False), encoding="utf-8")
    return int(ExitCode.INTERRUPTED if found.stopped else ExitCode.GOOD)


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
