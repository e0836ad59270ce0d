"""One or several runs for elsewhere, with all measures and their rows per sequence.

CSV (long form) and JSON hold everything; Markdown, HTML and the table as much as a page has room for; JUnit has one
test case per gate.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.events import SequenceResult
from vp_tui.core.measurements import from_document
from vp_tui.core.report import junit, render
from vp_tui.core.report.document import flattened, run_document
from vp_tui.core.report.inputs import label_of
from vp_tui.core.report.junit import Case, State, Suite
from vp_tui.core.report.neutral import without_home
from vp_tui.core.report.page import Page, as_markdown, as_text
from vp_tui.core.report.render import FORMATS, Value, scalar
from vp_tui.core.report.run_page import run_page
from vp_tui.core.store.rows import as_row
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.verdict.results import GateResult, gate_results

Run = tuple[RunSnapshot, Sequence[SequenceResult]]
SCHEMA_VERSION: Final = 1
CSV_HEAD: Final = ("run_id", "run_uuid", "section", "name", "scope", "field", "value")
_SECTIONS: Final = ("model", "dataset", "config", "environment", "arms", "speedup", "gpu")
_STATES: Final[dict[str, State]] = {"pass": "passed", "warn": "passed", "fail": "failure"}


def exported(snapshots_and_results: Sequence[Run], format: str) -> str:
    """Return the runs in the order given, with ~ for the user's home folder; the text ends with a newline.

    Raises:
        UsageError: no such format.
    """
    runs = [(without_home(snapshot), results) for snapshot, results in snapshots_and_results]
    match format:
        case "table":
            return "\n".join(as_text(page) for page in _pages(runs))
        case "md":
            return "\n".join(as_markdown(page) for page in _pages(runs))
        case "csv":
            return render.csv_text(CSV_HEAD, _rows(runs))
        case "json":
            return json.dumps(_document(runs), indent=2, allow_nan=False) + "\n"
        case "html":
            # jinja2 is only needed here
            from vp_tui.core.report.html import maps, pages_html

            # with several runs the maps would not say whose they are
            return pages_html("Runs", _pages(runs), maps(runs[0][0]) if len(runs) == 1 else ())
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


def _rows(runs: Sequence[Run]) -> Iterable[tuple[Value, ...]]:
    for snapshot, results in runs:
        about = (snapshot.run.id, snapshot.run.uuid)
        yield from ((*about, *row) for row in _of_document(snapshot))
        for one in results:
            name, scope = one.sequence_id, one.stratum
            numbers = as_row(one, without={"sequence_id", "stratum"})
            yield from ((*about, "sequence", name, scope, field, value) for field, value in numbers.items())


def _of_document(snapshot: RunSnapshot) -> Iterable[tuple[Value, ...]]:
    """Yield section, name, scope, field and value of everything except sequences."""
    found = run_document(snapshot)
    for name, value in found.items():
        if not isinstance(value, dict | list):
            yield "run", name, "", "value", value
    yield from (("tag", key, "", "value", value) for key, value in found["tags"].items())
    for section in _SECTIONS:
        yield from ((section, name, "", "value", scalar(value)) for name, value in flattened(found[section]))
    for scope, numbers in found["strata"].items():
        yield from (("stratum", name, scope, "value", value) for name, value in numbers.items())
    yield from _measures(snapshot)
    for section, records in (("finding", found["findings"]), ("alert", found["alerts"])):
        for number, record in enumerate(records, start=1):
            yield from ((section, number, "", field, value) for field, value in record.items())


def _measures(snapshot: RunSnapshot) -> Iterable[tuple[Value, ...]]:
    measured = from_document(snapshot.measures)
    for measure, scopes in measured.values.items():
        for scope, numbers in scopes.items():
            yield from (("measure", measure, scope, name, value) for name, value in numbers.items())
    yield from (("detail", name, "", "value", scalar(value)) for name, value in measured.details.items())


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
