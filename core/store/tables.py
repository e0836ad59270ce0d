"""The tables, as SQLAlchemy Core metadata: STRICT, named constraints, INTEGER microseconds UTC, JSON as checked TEXT.

NaN is never stored: a number that does not exist is NULL, and a counter column says how many.
The schema is created by migrations/; a test compares the two.
"""

from typing import Any

from sqlalchemy import (
    INTEGER,
    REAL,
    TEXT,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    text,
)
from sqlalchemy.types import TypeEngine

APPLICATION_ID = 0x56505455
"""SQLite application_id of our files ("VPTU"), so that a foreign or empty file is told apart."""

REVISION = "0001"
"""The newest schema revision this version reads and writes."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

STATUSES = ("queued", "starting", "running", "completed", "failed", "cancelled", "interrupted")
TERMINAL = ("completed", "failed", "cancelled", "interrupted")


def _need(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _may(name: str, kind: type[TypeEngine[Any]]) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _run_id() -> Column[Any]:
    return Column("run_id", INTEGER, ForeignKey("run.id", ondelete="CASCADE"), nullable=False)


def _json(name: str) -> CheckConstraint:
    return CheckConstraint(f"{name} IS NULL OR json_valid({name})", name=f"{name}_is_json")


run = Table(
    "run",
    metadata,
    Column("id", INTEGER, primary_key=True),
    Column("uuid", TEXT, nullable=False, unique=True),
    _may("name", TEXT),
    _need("status", TEXT),
    _may("status_reason", TEXT),
    _may("error_type", TEXT),
    _may("exit_code", INTEGER),
    Column("phase", TEXT, nullable=False, server_default=text("''")),
    # what was asked for
    _need("model", TEXT),
    _need("input", TEXT),
    _need("precision", TEXT),
    _may("precision_reason", TEXT),
    _need("reference", TEXT),
    _need("config_json", TEXT),
    # what was found
    _may("dataset_json", TEXT),
    _may("model_json", TEXT),
    _may("environment_json", TEXT),
    _may("device", TEXT),
    # how far it is
    Column("done", INTEGER, nullable=False, server_default=text("0")),
    Column("total", INTEGER, nullable=False, server_default=text("0")),
    _may("eta_s", REAL),
    # what came out
    _may("verdict", TEXT),
    _may("sentence", TEXT),
    _may("speed_verdict", TEXT),
    _may("speedup", REAL),
    _may("end_to_end_speedup", REAL),
    _may("findings_json", TEXT),
    _may("arms_json", TEXT),
    _may("speedup_json", TEXT),
    _may("measures_json", TEXT),
    # who runs it, so that a dead worker is told from a slow one
    _need("host", TEXT),
    _need("boot_id", TEXT),
    _may("worker_pid", INTEGER),
    _may("worker_start_ticks", INTEGER),
    _need("created_at_us", INTEGER),
    _may("started_at_us", INTEGER),
    _may("heartbeat_at_us", INTEGER),
    _may("ended_at_us", INTEGER),
    CheckConstraint(f"status IN ({_listed(STATUSES)})", name="status"),
    CheckConstraint(f"(status IN ({_listed(TERMINAL)})) = (ended_at_us IS NOT NULL)", name="ended_when_terminal"),
    CheckConstraint("done <= total", name="done_within_total"),
    CheckConstraint("verdict IN ('PASS', 'WARN', 'FAIL', 'INVALID')", name="verdict"),
    *(
        _json(f"{name}_json")
        for name in ("config", "dataset", "model", "environment", "findings", "arms", "speedup", "measures")
    ),
    Index("ix_run_status", "status"),
    Index("ix_run_name", "name"),
    sqlite_strict=True,
)

run_event = Table(
    "run_event",
    metadata,
    Column("id", INTEGER, primary_key=True),
    _run_id(),
    _need("at_us", INTEGER),
    _may("from_status", TEXT),
    _need("to_status", TEXT),
    _need("actor", TEXT),
    _may("reason", TEXT),
    Index("ix_run_event_run_id_id", "run_id", "id"),
    sqlite_strict=True,
)

run_tag = Table(
    "run_tag",
    metadata,
    _run_id(),
    _need("key", TEXT),
    _need("value", TEXT),
    PrimaryKeyConstraint("run_id", "key"),
    Index("ix_run_tag_key_value", "key", "value"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

stratum = Table(
    "stratum",
    metadata,
    _run_id(),
    _need("scope", TEXT),
    _need("planned", INTEGER),
    _need("n", INTEGER),
    _need("tokens", INTEGER),
    _may("cosine_min", REAL),
    _may("cosine_p01", REAL),
    _may("cosine_mean", REAL),
    _need("below", INTEGER),
    _need("nan", INTEGER),
    _need("inf", INTEGER),
    _may("relative_l2_p99", REAL),
    _may("norm_ratio_worst", REAL),
    _may("reference_tokens_per_s", REAL),
    _may("candidate_tokens_per_s", REAL),
    _may("speedup", REAL),
    PrimaryKeyConstraint("run_id", "scope"),
    CheckConstraint("scope IN ('short', 'medium', 'long', 'all')", name="scope"),
    CheckConstraint("n <= planned", name="n_within_planned"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

sequence_result = Table(
    "sequence_result",
    metadata,
    _run_id(),
    _need("seq_idx", INTEGER),
    _need("sequence_id", TEXT),
    _need("stratum", TEXT),
    _need("num_tokens", INTEGER),
    _may("cosine", REAL),
    _may("relative_l2", REAL),
    _may("norm_ratio", REAL),
    _need("nan_count", INTEGER),
    _need("inf_count", INTEGER),
    PrimaryKeyConstraint("run_id", "seq_idx"),
    CheckConstraint("cosine BETWEEN -1.0001 AND 1.0001", name="cosine"),
    sqlite_strict=True,
    sqlite_with_rowid=False,
)

block_sample = Table(
    "block_sample",
    metadata,
    Column("id", INTEGER, primary_key=True),
    _run_id(),
    _need("at_us", INTEGER),
    _need("block", INTEGER),
    _need("arm", TEXT),
    _need("stratum", TEXT),
    _need("sequences", INTEGER),
    _need("tokens", INTEGER),
    _need("encode_s", REAL),
    _need("wall_s", REAL),
    _need("is_warmup", INTEGER),
    CheckConstraint("arm IN ('reference', 'candidate')", name="arm"),
    Index("ix_block_sample_run_id_id", "run_id", "id"),
    sqlite_strict=True,
)

similarity_sample = Table(
    "similarity_sample",
    metadata,
    Column("id", INTEGER, primary_key=True),
    _run_id(),
    _need("at_us", INTEGER),
    _need("block", INTEGER),
    _need("stratum", TEXT),
    _need("sequences", INTEGER),
    _may("cosine_min", REAL),
    _may("cosine_median", REAL),
    Index("ix_similarity_sample_run_id_id", "run_id", "id"),
    sqlite_strict=True,
)

gpu_sample = Table(
    "gpu_sample",
    metadata,
    Column("id", INTEGER, primary_key=True),
    _run_id(),
    _need("at_us", INTEGER),
    _may("utilization", REAL),
    _may("memory_used_mib", REAL),
    _may("memory_total_mib", REAL),
    _may("power_w", REAL),
    _may("power_limit_w", REAL),
    _may("sm_clock_mhz", REAL),
    _may("temperature_c", REAL),
    _need("throttle_reasons", INTEGER),
    Index("ix_gpu_sample_run_id_id", "run_id", "id"),
    sqlite_strict=True,
)

alert = Table(
    "alert",
    metadata,
    Column("id", INTEGER, primary_key=True),
    _run_id(),
    _need("at_us", INTEGER),
    _need("kind", TEXT),
    _need("severity", TEXT),
    _need("message", TEXT),
    _may("stratum", TEXT),
    _may("seq_idx", INTEGER),
    _may("sequence_id", TEXT),
    _may("block", INTEGER),
    _may("pack", INTEGER),
    CheckConstraint("severity IN ('info', 'warn', 'fail')", name="severity"),
    Index("ix_alert_run_id_id", "run_id", "id"),
    sqlite_strict=True,
)
