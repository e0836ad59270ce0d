"""`vp-tui bench`: a worker process measures; the document is printed as JSON or as tables."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vp_tui.core.errors import UsageError
from vp_tui.core.report import bench
from vp_tui.core.report.page import as_text
from vp_tui.core.store.home import Home
from vp_tui.tui.commands import output
from vp_tui.tui.commands.children import run_stoppable


def run_bench(home: Home, values: Mapping[str, Any], *, as_json: bool) -> int:
    """Measure in a worker process, whose progress goes to stderr, and print the result.

    Raises:
        UsageError: a token budget that is neither a number nor auto.
    """
    options = json.dumps(_fields(values))
    with tempfile.TemporaryDirectory(prefix="vp-tui-bench-") as folder:
        place = Path(folder) / "bench.json"
        code = run_stoppable(home, "bench", ["--options", options, "--output", str(place)])
        if not place.exists():
            return code
        document = json.loads(place.read_text(encoding="utf-8"))
    if as_json:
        output.result(output.dumped(document))
    else:
        tables = "\n".join(as_text(page) for page in bench.pages(document)).rstrip()
        output.result(tables or f"stopped early by {document['stopped']}: nothing was measured")
    return code


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given options; core.bench has the defaults of the others."""
    budget = values["token_budget"]
    if budget != "auto" and not budget.isdigit():
        raise UsageError(f"--token-budget {budget!r}: use a number or auto")
    names = (name.strip() for given in values.get("precisions") or () for name in given.split(","))
    given = {
        **values,
        "precisions": list(dict.fromkeys(names)),
        "token_budget": None if budget == "auto" else int(budget),
    }
    return {name: value for name, value in given.items() if value}
