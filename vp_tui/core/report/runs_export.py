"""One or several runs for elsewhere, with all measures and their rows per sequence.

JSON holds everything, CSV one table of it; Markdown, HTML and the table as much as a page has room for; JUnit has one
test case per gate.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.measurements import from_document
from vp_tui.core.report import junit
from vp_tui.core.report.document import run_document
from vp_tui.core.report.inputs import label_of
from vp_tui.core.report.junit import Case, State, Suite
from vp_tui.core.report.neutral import without_home
from vp_tui.core.report.page import Page, as_markdown, as_text
from vp_tui.core.report.render import FORMATS
from vp_tui.core.report.run_page import run_page
from vp_tui.core.report.runs_csv import TABLES, Run, table_csv
from vp_tui.core.store.rows import as_row
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.verdict.results import GateResult, gate_results

SCHEMA_VERSION: Final = 1
_STATES: Final[dict[str, State]] = {"pass": "passed", "warn": "passed", "fail": "failure"}


def exported(snapshots_and_results: Sequence[Run], format: str, *, table: str = TABLES[0]) -> str:
    """Return the runs in the order given, with ~ for the user's home folder; the text ends with a newline.

    `table` is that of CSV, which has one kind of row per file.

    Raises:
        UsageError: no such format or table.
    """
    runs = [(without_home(snapshot), results) for snapshot, results in snapshots_and_results]
    match format:
        case "table":
            return "\n".join(as_text(page) for page in _pages(runs))
        case "md":
            return "\n".join(as_markdown(page) for page in _pages(runs))
        case "csv":
            return table_csv(runs, table)
        case "json":
            return json.dumps(_document(runs), indent=2, allow_nan=False) + "\n"
        case "html":
            # importing jinja2 and matplotlib takes a second
            from vp_tui.core.report.html import runs_html

            return runs_html(runs)
        case "junit":
            return junit.text("vp-tui export", [_suite(snapshot) for snapshot, _ in runs])
        case _:
            raise UsageError(f"no such format: {format!r}; the formats are {', '.join(FORMATS)}")


def _pages(runs: Sequence[Run]) -> list[Page]:
    return [run_page(snapshot, results) for snapshot, results in runs]


def _document(runs: Sequence[Run]) -> dict[str, Any]:
    documents = [
        run_document(snapshot) | {"sequences": [as_row(result) for result in results]} for snapshot, results in runs
    ]
    return {"schema_version": SCHEMA_VERSION, "kind": "runs", "runs": documents}


def _suite(snapshot: RunSnapshot) -> Suite:
    """Return the verdict and every gate; a gate that was not measured, not judged or is insensitive is skipped."""
    run = snapshot.run
    rows = (
        gate_results(from_document(snapshot.measures), snapshot.strata, snapshot.findings, snapshot.limits)
        if run.verdict
        else ()
    )
    return Suite(
        name=label_of(run),
        cases=(_verdict(snapshot), *(_gate(row, snapshot) for row in rows)),
        properties={"uuid": run.uuid, "model": run.model, "input": run.input, "precision": run.precision},
        said="\n".join(finding.text for finding in snapshot.findings),
    )


def _verdict(snapshot: RunSnapshot) -> Case:
    run = snapshot.run
    if run.verdict is None:
        words = run.status_reason or run.phase
        return Case(group="run", name="verdict", state="error", kind=run.status, words=words)
    failed = run.verdict in {"FAIL", "INVALID"}
    return Case(
        group="run", name="verdict", state="failure" if failed else "passed", kind=run.verdict, words=run.sentence or ""
    )


def _gate(row: GateResult, snapshot: RunSnapshot) -> Case:
    texts = [finding.text for finding in snapshot.findings if finding.gate == row.id]
    return Case(
        group="gate",
        name=f"{row.id} {row.title}",
        state=_STATES.get(row.state, "skipped"),
        kind=row.state,
        words="; ".join(texts) or f"limit {row.limit}",
    )
