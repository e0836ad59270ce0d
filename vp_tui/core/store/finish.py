"""Metrics of a finished run, computed from its rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from vp_tui.core.events import StratumStats
from vp_tui.core.store import tables
from vp_tui.core.store.metric_rows import metric_rows

_GPU = ("utilization", "memory_used_mib", "power_w")


def write_metrics(
    connection: Connection,
    run_id: int,
    *,
    strata: Sequence[StratumStats],
    arms: Mapping[str, Mapping[str, Any]],
    speedup: Mapping[str, Any],
    measures: Mapping[str, Any],
) -> None:
    """Write the metric rows; rows of an earlier call are replaced."""
    rows = metric_rows(strata, arms, speedup, measures, _gpu_means(connection, run_id))
    if rows:
        statement = insert(tables.metric).prefix_with("OR REPLACE")
        connection.execute(statement, [{"run_id": run_id, **row} for row in rows])


def _gpu_means(connection: Connection, run_id: int) -> Mapping[str, float | None]:
    """Return the means of GPU samples between the first and the last timed block."""
    gpu, block = tables.gpu_sample, tables.block_sample
    timed = select(func.min(block.c.at_us), func.max(block.c.at_us)).where(
        block.c.run_id == run_id, block.c.is_warmup == 0
    )
    first, last = connection.execute(timed).one()
    if first is None:
        return {}
    means = select(*(func.avg(gpu.c[name]).label(name) for name in _GPU))
    inside = (gpu.c.run_id == run_id, gpu.c.at_us.between(first, last))
    return dict(connection.execute(means.where(*inside)).mappings().one())
