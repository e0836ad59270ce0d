"""A comparison in six formats, and writing it to a file.

JSON and CSV (long form) hold every result. NaN and Infinity never appear: a missing number is null or an empty cell.
Equal facts and the data of the charts are included only with `everything`.
"""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.files import output
from vp_tui.core.report import junit
from vp_tui.core.report.comparison import ComparisonReport, Fact
from vp_tui.core.report.comparison_page import comparison_page
from vp_tui.core.report.evidence import EDGES
from vp_tui.core.report.neutral import without_home
from vp_tui.core.report.page import WIDTH, as_markdown, as_text
from vp_tui.core.store.rows import as_row
from vp_tui.core.text import safe

Value = str | int | float | bool | None
_FORMULA: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""First characters of a formula; the last four are wide forms."""


def csv_text(head: Iterable[str], rows: Iterable[Iterable[Value]]) -> str:
    """Return head and rows; a missing number is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([cell(value) for value in row] for row in rows)
    return written.getvalue()


def cell(value: Value) -> Value:
    """Return a number (not finite: empty), or csv_text on one line, quoted if it would be a formula."""
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
    """Return a scalar as it is, a list or a mapping as JSON csv_text."""
    if value is None or isinstance(value, str | int | float):
        return value
    return json.dumps(value, sort_keys=True, allow_nan=False)


SCHEMA_VERSION: Final = 2
CSV_HEAD: Final = ("section", "name", "scope", "field", "value")
_ITEM: Final = (
    "part", "name", "title", "scope", "base", "cand", "n_base", "n_cand", "change", "controlled", "low", "high", "unit",
    "p", "p_raw", "limit", "outcome", "reason", "repeats",
)  # fmt: skip


def document(report: ComparisonReport, *, everything: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "kind": "comparison",
        "verdicts": dict(report.comparison.verdicts),
        "sentences": dict(report.comparison.sentences),
        "exit_code": int(report.exit_code()),
        "exit_code_strict": int(report.exit_code(strict=True)),
        "base": [as_row(run) for run in report.base],
        "cand": [as_row(run) for run in report.cand],
        "comparable": {name: _part(report, name) for name in ("accuracy", "performance")},
        "differences": {
            "accuracy_facts": _facts(report.accuracy_facts, everything),
            "perf_facts": _facts(report.perf_facts, everything),
            "config": _facts(report.config, everything),
            "environment": _facts(report.environment, everything),
        },
        "items": [{name: getattr(item, name) for name in _ITEM} for item in report.items],
        "sequences": {"paired": report.paired, "only_base": report.only_base, "only_cand": report.only_cand},
        "worst": [as_row(pair) for pair in report.worst],
        "history": [as_row(run) for run in report.history],
        "limits": dict(report.limits),
        "rule": asdict(report.comparison.rule),
        "notes": [*report.comparison.notes, *report.notes],
    }
    return found | _charts(report) if everything else found


def as_json(report: ComparisonReport, *, everything: bool = False) -> str:
    """Return strict ASCII JSON, so that no text in it controls a terminal."""
    return json.dumps(document(report, everything=everything), indent=2, allow_nan=False) + "\n"


def as_csv(report: ComparisonReport, *, everything: bool = False) -> str:
    """Return the long form: section, name, scope, field, value."""
    return csv_text(CSV_HEAD, _rows(report, everything))


def _part(report: ComparisonReport, name: str) -> dict[str, Any]:
    part = getattr(report.comparison, name)
    return {"comparable": part.comparable, "outcome": part.outcome, "sentence": part.sentence}


def _facts(found: Sequence[Fact], everything: bool) -> dict[str, Any]:
    return {one.name: [one.base, one.cand] for one in found if everything or one.differs}


def _charts(report: ComparisonReport) -> dict[str, Any]:
    return {
        "edges": list(EDGES),
        "distributions": [as_row(one) for one in report.distributions],
        "throughput": [as_row(one) for one in report.throughput],
        "utilization": [as_row(one) for one in report.utilization],
    }


def _rows(report: ComparisonReport, everything: bool) -> Iterable[tuple[Value, ...]]:
    found = document(report, everything=everything)
    for field in ("verdicts", "sentences"):
        yield from (("comparison", name, "", field.removesuffix("s"), value) for name, value in found[field].items())
    yield "comparison", "exit_code", "", "value", found["exit_code"]
    for name, part in found["comparable"].items():
        yield from _records("comparable", name, "", part)
    yield from _differences(found["differences"])
    for side, what in (("base", "baseline"), ("cand", "candidate")):
        for run in found[side]:
            yield from _records("run", run["uuid"], what, run)
    for one in found["items"]:
        yield from _records("item", one["name"], one["scope"], one)
    yield from (("sequences", name, "", "n", value) for name, value in found["sequences"].items())
    for pair in found["worst"]:
        yield from _records("worst", pair["sequence_id"], pair["stratum"], pair)
    for run in found["history"]:
        yield from _records("history", run["uuid"], "", run)
    yield from (("note", number, "", "text", words) for number, words in enumerate(found["notes"], start=1))
    yield from _chart_rows(report) if everything else ()


def _differences(groups: Mapping[str, Mapping[str, Sequence[Any]]]) -> Iterable[tuple[Value, ...]]:
    for group, facts in groups.items():
        for name, (base, cand) in facts.items():
            yield "difference", name, group, "baseline", scalar(base)
            yield "difference", name, group, "candidate", scalar(cand)


def _records(section: str, name: str, scope: str, record: Mapping[str, Any]) -> Iterable[tuple[Value, ...]]:
    """One row per field, without identifying fields."""
    about = {"uuid", "sequence_id", "stratum"} if section in {"run", "worst", "history"} else {"name", "scope"}
    yield from ((section, name, scope, field, scalar(v)) for field, v in record.items() if field not in about)


def _chart_rows(report: ComparisonReport) -> Iterable[tuple[Value, ...]]:
    for one in report.distributions:
        pairs = zip(EDGES, one.counts, strict=False)
        yield from (("distribution", edge, one.stratum, one.side, count) for edge, count in pairs if count)
    for line in (*report.throughput, *report.utilization):
        yield from (("series", line.name, line.side, round(second, 3), value) for second, value in line.points)


FORMATS: Final = ("table", "md", "csv", "json", "html", "junit")


def rendered(report: ComparisonReport, format: str, *, everything: bool = False, width: int = WIDTH) -> str:
    """Return the report; differences only, unless `everything`. It ends with a newline; the home folder is ~.

    `width` is that of the format `table`.

    Raises:
        UsageError: no such format.
    """
    report = without_home(report)
    match format:
        case "table":
            return as_text(comparison_page(report, everything=everything), width)
        case "md":
            return as_markdown(comparison_page(report, everything=everything))
        case "csv":
            return as_csv(report, everything=everything)
        case "json":
            return as_json(report, everything=everything)
        case "html":
            # importing jinja2 and matplotlib takes half a second
            from vp_tui.core.report.html import comparison_html

            return comparison_html(report, everything=everything)
        case "junit":
            return junit.text("vp-tui compare", [junit.comparison_suite(report)])
        case _:
            raise UsageError(f"no such format: {format!r}; the formats are {', '.join(FORMATS)}")


def write(path: Path, text: str) -> None:
    """Write the file as UTF-8: a regular file whole or not at all, a device or a pipe directly.

    Raises:
        UsageError: the file cannot be written, or is an SQLite database.
    """
    try:
        with output(path) as temporary:
            temporary.write_bytes(text.encode())
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
