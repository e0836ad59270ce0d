"""Metric rows (name, scope, value) of a finished run: measures by id, speeds, times, memory.

Names are paths of the run document: M2.min, candidate.tokens_per_s, speedup.end_to_end, gpu.utilization.
A row without a value holds the number of non-finite values; unmeasured numbers have no row.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, insert, select

from vp_tui.core.events import StratumStats
from vp_tui.core.store import tables
from vp_tui.core.store.encoding_time import mean_of, while_encoding

ALL: Final = "all"
_SIMILARITY: Final = {
    "V1.nan": "nan",
    "V1.inf": "inf",
    "M1.min": "cosine_min",
    "M1.p01": "cosine_p01",
    "M1.mean": "cosine_mean",
    "M1.below": "below",
    "M4.relative_l2_p99": "relative_l2_p99",
    "M5.norm_ratio_worst": "norm_ratio_worst",
}
_SPEED: Final = {
    "reference.tokens_per_s": "reference_tokens_per_s",
    "candidate.tokens_per_s": "candidate_tokens_per_s",
    "speedup.tokens_per_s": "speedup",
}


class _Number(NamedTuple):
    name: str
    scope: str
    value: Any
    ci: tuple[float, float] | None = None
    of_sequences: bool = False
    """Computed over the scope's sequences, excluding those with NaN or Inf."""


def metric_rows(
    strata: Sequence[StratumStats],
    arms: Mapping[str, Mapping[str, Any]],
    speedup: Mapping[str, Any],
    measures: Mapping[str, Any],
    gpu: Mapping[str, float | None],
) -> list[dict[str, Any]]:
    """Return metric rows without run_id, one per name and scope; measures take precedence."""
    by_scope = {stats.scope: stats for stats in strata}
    numbers = [
        *_of_strata(strata),
        *_of_arms(arms, by_scope[ALL].tokens if ALL in by_scope else None),
        *_of_speedup(speedup),
        *(_Number(f"gpu.{name}", ALL, value) for name, value in gpu.items()),
        *_of_measures(measures),
    ]
    rows = (_row(number, by_scope.get(number.scope)) for number in numbers)  # type: ignore[call-overload]
    return list({(row["name"], row["scope"]): row for row in rows if row is not None}.values())


def _of_strata(strata: Sequence[StratumStats]) -> Iterator[_Number]:
    for stats in strata:
        if stats.n > 0:
            for name, column in _SIMILARITY.items():
                yield _Number(name, stats.scope, getattr(stats, column), of_sequences=True)
            for name, column in _SPEED.items():
                yield _Number(name, stats.scope, getattr(stats, column))


def _of_arms(arms: Mapping[str, Mapping[str, Any]], tokens: int | None) -> Iterator[_Number]:
    for arm, summary in arms.items():
        for name, value in summary.items():
            yield _Number(f"{arm}.{name}", ALL, value)
        seconds = summary.get("end_to_end_seconds")
        if tokens and seconds:
            yield _Number(f"{arm}.end_to_end_tokens_per_s", ALL, tokens / seconds)


def _of_speedup(speedup: Mapping[str, Any]) -> Iterator[_Number]:
    ci = speedup.get("ci95")
    yield _Number("speedup.tokens_per_s", ALL, speedup.get("tokens_per_s"), tuple(ci) if ci else None)
    yield _Number("speedup.end_to_end", ALL, speedup.get("end_to_end"))


def _of_measures(measures: Mapping[str, Any]) -> Iterator[_Number]:
    for measure, scopes in measures.items():
        if measure != "details":
            for scope, found in scopes.items():
                yield from (_Number(f"{measure}.{name}", scope, one, of_sequences=True) for name, one in found.items())


def _row(number: _Number, stats: StratumStats | None) -> dict[str, Any] | None:
    """Return a row; None for a value that is not a number or was not measured."""
    broken = stats.nan + stats.inf if stats is not None and number.of_sequences else 0
    value = number.value
    if isinstance(value, bool) or not (value is None or isinstance(value, int | float)):
        return None
    if value is None and broken == 0:
        return None
    stored = float(value) if value is not None and math.isfinite(value) else None
    low, high = number.ci if number.ci is not None else (None, None)
    return {
        "name": number.name,
        "scope": number.scope,
        "value": stored,
        "n": stats.n if stats is not None else 1,
        "nonfinite": broken if stored is not None else max(broken, 1),
        "ci_lo": low,
        "ci_hi": high,
    }


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
    """Return the means of the GPU samples that were taken while a timed block was encoded."""
    gpu, block = tables.gpu_sample, tables.block_sample
    timed = select(block.c.at_us, block.c.wall_s).where(block.c.run_id == run_id, block.c.is_warmup == 0)
    taken = select(gpu.c.at_us, *(gpu.c[name] for name in _GPU)).where(gpu.c.run_id == run_id)
    inside = while_encoding(connection.execute(taken).all(), connection.execute(timed).all())
    return {name: mean_of(getattr(sample, name) for sample in inside) for name in _GPU} if inside else {}
