"""Old rows brought up to what the schema can say now: filled from the JSON columns, in the upgrade's transaction.

The revisions in migrations/ move rows and know no rules; what follows from a row by today's rules (its keys, its
metrics) is written here, by the code that writes it for a new run.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from vp_tui.core.events import StratumStats
from vp_tui.core.store import tables
from vp_tui.core.store.facts import link
from vp_tui.core.store.finish import write_metrics
from vp_tui.core.store.rows import from_json


def fill(connection: Connection) -> None:
    """Link every planned run that has no facts yet, and give every finished run without metrics its own."""
    run, metric = tables.run, tables.metric
    columns = [run.c[f"{name}_json"] for name in ("dataset", "model", "environment")]
    planned = select(run.c.id, *columns).where(run.c.accuracy_facts_json.is_(None), run.c.dataset_json.is_not(None))
    for run_id, *texts in connection.execute(planned).all():
        dataset, model, environment = (_mapping(text) for text in texts)
        link(connection, run_id, dataset=dataset, model=model, environment=environment)
    has_metrics = select(metric.c.run_id).where(metric.c.run_id == run.c.id).exists()
    finished = select(run.c.id, run.c.arms_json, run.c.speedup_json, run.c.measures_json).where(
        run.c.arms_json.is_not(None), ~has_metrics
    )
    for row in connection.execute(finished).all():
        _fill_metrics(connection, row)


def _fill_metrics(connection: Connection, row: Any) -> None:
    write_metrics(
        connection,
        row.id,
        strata=read_strata(connection, row.id),
        arms=_mapping(row.arms_json),
        speedup=_mapping(row.speedup_json),
        measures=_mapping(row.measures_json),
    )


def read_strata(connection: Connection, run_id: int) -> tuple[StratumStats, ...]:
    """The strata of a run, in the order short, medium, long, all."""
    table = tables.stratum
    columns = [table.c[name] for name in StratumStats.__dataclass_fields__]
    rows = connection.execute(select(*columns).where(table.c.run_id == run_id)).mappings()
    found = {row["scope"]: StratumStats(**row) for row in rows}
    return tuple(found[scope] for scope in ("short", "medium", "long", "all") if scope in found)


def _mapping(text: str | None) -> Mapping[str, Any]:
    value = from_json(text)
    return value if isinstance(value, Mapping) else {}
