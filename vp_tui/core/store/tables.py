"""All tables as SQLAlchemy Core metadata; migrations/ creates them.

Runs with their checkpoint, data, environment, group, tags and status changes; measurements; pinned baselines.
"""

from sqlalchemy import (
    INTEGER,
    REAL,
    TEXT,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    text,
)

from vp_tui.core.store.columns import (
    is_json,
    keyed_table,
    listed,
    may,
    metadata,
    need,
    one_of,
    owned_by_run,
    points_to,
    table,
    unique_text,
)

__all__ = ["metadata"]

APPLICATION_ID = 0x56505455
"""SQLite application_id of a store ("VPTU"), which identifies foreign and empty files."""

REVISION = "0011"
"""Schema revision that this version reads and writes."""

STATUSES = ("queued", "starting", "running", "completed", "failed", "cancelled", "interrupted")
TERMINAL = ("completed", "failed", "cancelled", "interrupted")
GROUP_KINDS = ("validate", "aa_calibration")
KEY_KINDS = ("accuracy", "perf")
_FACTS = (
    "accuracy_facts", "perf_facts", "dataset", "model", "environment", "findings", "arms", "speedup", "measures",
)  # fmt: skip
"""JSON columns of a run that are known only once it is planned or finished."""

environment = table(
    "environment",
    unique_text("perf_fingerprint"),
    # in addition to the facts of the fingerprint: values when it was first seen
    *may(TEXT, "gpu_name", "compute_capability"),
    *may(REAL, "power_limit_w"),
    *may(TEXT, "driver", "cuda", "cudnn"),
    *need(TEXT, "torch"),
    *may(TEXT, "transformers", "flash_attn", "python", "sqlite", "cpu_model"),
    *may(INTEGER, "cores"),
    *may(TEXT, "os"),
    *need(TEXT, "facts_json"),
    *need(INTEGER, "created_at_us"),
    is_json("facts_json"),
)

dataset = table(
    "dataset",
    *need(TEXT, "sha256", "name"),
    *need(INTEGER, "n_total", "n_short", "n_medium", "n_long"),
    *need(TEXT, "cuts_json"),
    *may(INTEGER, "sampler_seed"),
    *may(TEXT, "source_uri"),
    *need(TEXT, "manifest_json"),
    UniqueConstraint("sha256", "cuts_json"),
    CheckConstraint("n_total = n_short + n_medium + n_long", name="strata_add_up"),
    is_json("cuts_json"),
    is_json("manifest_json"),
)

model_artifact = table(
    "model_artifact",
    *need(TEXT, "repo_id"),
    # '' for a local checkpoint: UNIQUE treats two NULLs as different
    Column("revision", TEXT, nullable=False, server_default=text("''")),
    *need(TEXT, "weights_sha256"),
    *may(TEXT, "tokenizer"),
    *need(TEXT, "arch"),
    *may(INTEGER, "n_params"),
    UniqueConstraint("repo_id", "revision", "weights_sha256"),
)

run_group = table(
    "run_group",
    unique_text("uuid"),
    *need(TEXT, "kind"),
    *may(TEXT, "label"),
    *need(INTEGER, "repeats"),
    *need(TEXT, "order_json"),
    *may(TEXT, "note"),
    *need(INTEGER, "created_at_us"),
    one_of("kind", GROUP_KINDS),
    CheckConstraint("repeats > 0", name="repeats"),
    is_json("order_json"),
)

run = table(
    "run",
    unique_text("uuid"),
    *may(TEXT, "name", "note"),
    *need(TEXT, "status"),
    *may(TEXT, "status_reason"),
    *may(INTEGER, "exit_code"),
    Column("phase", TEXT, nullable=False, server_default=text("''")),
    # requested
    *need(TEXT, "model", "input", "precision"),
    *may(TEXT, "precision_reason"),
    *need(TEXT, "reference"),
    points_to("group_id", "run_group"),
    *may(INTEGER, "repeat_idx"),
    # resolved
    points_to("model_id", "model_artifact"),
    points_to("dataset_id", "dataset"),
    points_to("environment_id", "environment"),
    *may(TEXT, "accuracy_key", "perf_key", "device"),
    # progress
    Column("done", INTEGER, nullable=False, server_default=text("0")),
    Column("total", INTEGER, nullable=False, server_default=text("0")),
    *may(REAL, "eta_s"),
    # results
    *may(TEXT, "verdict", "sentence", "speed_verdict"),
    *may(REAL, "speedup", "end_to_end_speedup"),
    *may(INTEGER, "perf_valid"),
    *may(TEXT, "perf_invalid_reason"),
    *may(INTEGER, "clock_suspect"),
    # worker process, to distinguish a dead worker from a slow one
    *need(TEXT, "host", "boot_id"),
    *may(INTEGER, "worker_pid", "worker_start_ticks"),
    *need(INTEGER, "created_at_us"),
    *may(INTEGER, "started_at_us", "heartbeat_at_us", "ended_at_us", "archived_at_us"),
    # last: columns after a long text are reached only through all of its pages
    *need(TEXT, "config_json"),
    *may(TEXT, *(f"{name}_json" for name in _FACTS)),
    UniqueConstraint("group_id", "precision", "model", "repeat_idx"),
    one_of("status", STATUSES),
    CheckConstraint(f"(status IN ({listed(TERMINAL)})) = (ended_at_us IS NOT NULL)", name="ended_when_terminal"),
    CheckConstraint("done <= total", name="done_within_total"),
    one_of("verdict", ("PASS", "WARN", "FAIL", "INVALID")),
    CheckConstraint("perf_valid IN (0, 1)", name="perf_valid"),
    CheckConstraint("clock_suspect IN (0, 1)", name="clock_suspect"),
    *(is_json(f"{name}_json") for name in ("config", *_FACTS)),
    Index("ix_run_status", "status"),
    Index("ix_run_name", "name"),
    Index("ix_run_group_id", "group_id"),
    Index("ix_run_perf_key_status_started_at_us", "perf_key", "status", "started_at_us"),
    Index("ix_run_accuracy_key_status_started_at_us", "accuracy_key", "status", "started_at_us"),
)

run_event = table(
    "run_event",
    owned_by_run(),
    *need(INTEGER, "at_us"),
    *may(TEXT, "from_status"),
    *need(TEXT, "to_status", "actor"),
    *may(TEXT, "reason"),
    Index("ix_run_event_run_id_id", "run_id", "id"),
)

run_tag = keyed_table(
    "run_tag",
    owned_by_run(),
    *need(TEXT, "key", "value"),
    PrimaryKeyConstraint("run_id", "key"),
    Index("ix_run_tag_key_value", "key", "value"),
)

run_progress = keyed_table(
    "run_progress",
    owned_by_run(),
    *need(INTEGER, "step", "steps"),
    *need(TEXT, "name"),
    *need(INTEGER, "done", "total"),
    *need(REAL, "fraction"),
    *may(TEXT, "seconds_json"),
    PrimaryKeyConstraint("run_id"),
    is_json("seconds_json"),
)

stratum = keyed_table(
    "stratum",
    owned_by_run(),
    *need(TEXT, "scope"),
    *need(INTEGER, "planned", "n", "tokens"),
    *may(REAL, "cosine_min", "cosine_p01", "cosine_mean"),
    *need(INTEGER, "below", "nan", "inf"),
    *may(REAL, "relative_l2_p99", "norm_ratio_worst", "reference_tokens_per_s", "candidate_tokens_per_s", "speedup"),
    PrimaryKeyConstraint("run_id", "scope"),
    one_of("scope", ("short", "medium", "long", "all")),
    CheckConstraint("n <= planned", name="n_within_planned"),
)

sequence_result = keyed_table(
    "sequence_result",
    owned_by_run(),
    *need(INTEGER, "seq_idx"),
    *need(TEXT, "sequence_id", "stratum"),
    *need(INTEGER, "num_tokens"),
    *may(REAL, "cosine", "relative_l2", "norm_ratio"),
    *need(INTEGER, "nan_count", "inf_count"),
    # no index: pairing reads both runs by the primary key
    *need(INTEGER, "seq_hash"),
    PrimaryKeyConstraint("run_id", "seq_idx"),
    CheckConstraint("cosine BETWEEN -1.0001 AND 1.0001", name="cosine"),
)

metric = keyed_table(
    "metric",
    owned_by_run(),
    *need(TEXT, "name", "scope"),
    *may(REAL, "value"),
    *need(INTEGER, "n", "nonfinite"),
    *may(REAL, "ci_lo", "ci_hi"),
    PrimaryKeyConstraint("run_id", "name", "scope"),
    CheckConstraint("value IS NOT NULL OR nonfinite > 0 OR n = 0", name="missing_has_a_reason"),
    Index("ix_metric_name_scope_run_id", "name", "scope", "run_id"),
)

block_sample = table(
    "block_sample",
    owned_by_run(),
    *need(INTEGER, "at_us", "block"),
    *need(TEXT, "arm", "stratum"),
    *need(INTEGER, "sequences", "tokens"),
    *need(REAL, "encode_s", "wall_s"),
    *need(INTEGER, "is_warmup"),
    one_of("arm", ("reference", "candidate")),
    Index("ix_block_sample_run_id_id", "run_id", "id"),
)

similarity_sample = table(
    "similarity_sample",
    owned_by_run(),
    *need(INTEGER, "at_us", "block"),
    *need(TEXT, "stratum"),
    *need(INTEGER, "sequences"),
    *may(REAL, "cosine_min"),
    Index("ix_similarity_sample_run_id_id", "run_id", "id"),
)

gpu_sample = table(
    "gpu_sample",
    owned_by_run(),
    *need(INTEGER, "at_us"),
    *may(REAL, "utilization", "memory_used_mib", "memory_total_mib", "power_w", "power_limit_w", "sm_clock_mhz"),
    *may(REAL, "temperature_c"),
    *need(INTEGER, "throttle_reasons"),
    # NULL on GPUs without GPM
    *may(REAL, "sm_active", "tensor_active", "dram_active"),
    *may(INTEGER, "other_processes"),
    Index("ix_gpu_sample_run_id_id", "run_id", "id"),
)

alert = table(
    "alert",
    owned_by_run(),
    *need(INTEGER, "at_us"),
    *need(TEXT, "kind", "severity", "message"),
    *may(TEXT, "stratum"),
    *may(INTEGER, "seq_idx"),
    *may(TEXT, "sequence_id"),
    *may(INTEGER, "block", "pack"),
    *may(TEXT, "layer"),
    one_of("severity", ("info", "warn", "fail")),
    Index("ix_alert_run_id_id", "run_id", "id"),
)

baseline = table(
    "baseline",
    *need(TEXT, "name", "key_kind", "key", "reason"),
    # uuids: keep the members of a retired baseline known after a run is deleted
    *need(TEXT, "run_uuids_json"),
    *need(INTEGER, "created_at_us"),
    *need(TEXT, "created_by"),
    *may(INTEGER, "retired_at_us"),
    *may(TEXT, "retired_reason"),
    one_of("key_kind", KEY_KINDS),
    CheckConstraint("(retired_at_us IS NULL) = (retired_reason IS NULL)", name="retired_with_a_reason"),
    is_json("run_uuids_json"),
    Index("uq_baseline_active", "name", "key_kind", "key", unique=True, sqlite_where=text("retired_at_us IS NULL")),
)

baseline_member = keyed_table(
    "baseline_member",
    Column("baseline_id", INTEGER, ForeignKey("baseline.id", ondelete="CASCADE"), nullable=False),
    # RESTRICT: the database refuses to delete a run of a baseline
    points_to("run_id", "run", nullable=False),
    PrimaryKeyConstraint("baseline_id", "run_id"),
    Index("ix_baseline_member_run_id", "run_id"),
)
