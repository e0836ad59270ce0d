"""Runs as CSV: one table per kind of thing, one row per thing, one column per variable.

Numbers are written with all their digits; a missing or not finite one is an empty cell. Every row begins with the id
and the uuid of its run, so that tables can be joined and files of several exports put below each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from vp_tui.core.errors import UsageError
from vp_tui.core.events import Finding, SequenceResult, StratumStats
from vp_tui.core.measurements import from_document
from vp_tui.core.report.document import flattened, run_document
from vp_tui.core.report.render import Value, csv_text, scalar
from vp_tui.core.store.rows import as_row
from vp_tui.core.store.snapshot import RunSnapshot

Run = tuple[RunSnapshot, Sequence[SequenceResult]]
TABLES: Final = ("sequences", "strata", "runs", "measures", "findings")
"""The first is the default."""
_FACTS: Final = ("model", "dataset", "config", "environment", "arms", "speedup", "gpu")
"""Parts of the run document that become columns of `runs`: arms.candidate.tokens_per_s."""
_KEYS: Final = ("run_id", "run_uuid")


def table_csv(runs: Sequence[Run], table: str) -> str:
    """Return one table of the runs in the order given.

    Raises:
        UsageError: no such table.
    """
    match table:
        case "sequences":
            return _written(runs, _names(SequenceResult), _sequences)
        case "strata":
            return _written(runs, ("stratum", *(name for name in _names(StratumStats) if name != "scope")), _strata)
        case "runs":
            return _runs(runs)
        case "measures":
            return _written(runs, ("measure", "stratum", "name", "value"), _measures)
        case "findings":
            return _written(runs, _names(Finding), lambda run: map(as_row, run[0].findings))
        case _:
            raise UsageError(f"no such table: {table!r}; the tables are {', '.join(TABLES)}")


def _names(record: type[Any]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def _written(runs: Sequence[Run], head: Sequence[str], rows: Any) -> str:
    """The rows of each run (mappings by column name) below each other."""
    lines = (
        (run[0].run.id, run[0].run.uuid, *(scalar(row.get(name)) for name in head)) for run in runs for row in rows(run)
    )
    return csv_text((*_KEYS, *head), lines)


def _sequences(run: Run) -> Iterable[Mapping[str, Any]]:
    return map(as_row, run[1])


def _strata(run: Run) -> Iterable[Mapping[str, Any]]:
    return ({"stratum": scope, **numbers} for scope, numbers in run_document(run[0])["strata"].items())


def _measures(run: Run) -> Iterable[Mapping[str, Value]]:
    for measure, scopes in from_document(run[0].measures).values.items():
        for scope, numbers in scopes.items():
            for name, value in numbers.items():
                yield {"measure": measure, "stratum": scope, "name": name, "value": value}


def _runs(runs: Sequence[Run]) -> str:
    """One row per run; the columns are those of all runs, and a fact that a run lacks is an empty cell."""
    rows = {run[0].run.id: dict(_facts(run[0])) for run in runs}
    head = tuple(dict.fromkeys(name for row in rows.values() for name in row))
    return _written(runs, head, lambda run: [rows[run[0].run.id]])


def _facts(snapshot: RunSnapshot) -> Iterable[tuple[str, Any]]:
    found = run_document(snapshot)
    left_out = {"id", "uuid", "schema_version"}
    yield from (
        (name, value)
        for name, value in found.items()
        if not isinstance(value, dict | list | tuple) and name not in left_out
    )
    yield "tags", found["tags"] or None
    for part in _FACTS:
        yield from flattened(found[part], f"{part}.")
