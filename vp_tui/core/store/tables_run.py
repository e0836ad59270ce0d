"""Tables of runs: checkpoint, data, environment, group, tags, status changes."""

from sqlalchemy import (
    INTEGER,
    REAL,
    TEXT,
    CheckConstraint,
    Column,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from vp_tui.core.store.columns import (
    STRICT,
    STRICT_WITHOUT_ROWID,
    identity,
    is_json,
    listed,
    may,
    metadata,
    need,
    one_of,
    owned_by_run,
    points_to,
    unique_text,
)

STATUSES = ("queued", "starting", "running", "completed", "failed", "cancelled", "interrupted")
TERMINAL = ("completed", "failed", "cancelled", "interrupted")
GROUP_KINDS = ("validate", "aa_calibration")

environment = Table(
    "environment",
    metadata,
    identity(),
    unique_text("perf_fingerprint"),
    # in addition to the facts of the fingerprint: values when it was first seen
    may("gpu_name", TEXT),
    may("compute_capability", TEXT),
    may("power_limit_w", REAL),
    may("driver", TEXT),
    may("cuda", TEXT),
    may("cudnn", TEXT),
    need("torch", TEXT),
    may("transformers", TEXT),
    may("flash_attn", TEXT),
    may("python", TEXT),
    may("sqlite", TEXT),
    may("cpu_model", TEXT),
    may("cores", INTEGER),
    may("os", TEXT),
    need("facts_json", TEXT),
    need("created_at_us", INTEGER),
    is_json("facts_json"),
    **STRICT,
)

dataset = Table(
    "dataset",
    metadata,
    identity(),
    need("sha256", TEXT),
    need("name", TEXT),
    need("n_total", INTEGER),
    need("n_short", INTEGER),
    need("n_medium", INTEGER),
    need("n_long", INTEGER),
    need("cuts_json", TEXT),
    may("sampler_seed", INTEGER),
    may("source_uri", TEXT),
    need("manifest_json", TEXT),
    UniqueConstraint("sha256", "cuts_json"),
    CheckConstraint("n_total = n_short + n_medium + n_long", name="strata_add_up"),
    is_json("cuts_json"),
    is_json("manifest_json"),
    **STRICT,
)

model_artifact = Table(
    "model_artifact",
    metadata,
    identity(),
    need("repo_id", TEXT),
    # '' for a local checkpoint: UNIQUE treats two NULLs as different
    Column("revision", TEXT, nullable=False, server_default=text("''")),
    need("weights_sha256", TEXT),
    may("tokenizer", TEXT),
    need("arch", TEXT),
    may("n_params", INTEGER),
    UniqueConstraint("repo_id", "revision", "weights_sha256"),
    **STRICT,
)

run_group = Table(
    "run_group",
    metadata,
    identity(),
    unique_text("uuid"),
    need("kind", TEXT),
    may("label", TEXT),
    need("repeats", INTEGER),
    need("order_json", TEXT),
    may("note", TEXT),
    need("created_at_us", INTEGER),
    one_of("kind", GROUP_KINDS),
    CheckConstraint("repeats > 0", name="repeats"),
    is_json("order_json"),
    **STRICT,
)

run = Table(
    "run",
    metadata,
    identity(),
    unique_text("uuid"),
    may("name", TEXT),
    may("note", TEXT),
    need("status", TEXT),
    may("status_reason", TEXT),
    may("exit_code", INTEGER),
    Column("phase", TEXT, nullable=False, server_default=text("''")),
    # requested
    need("model", TEXT),
    need("input", TEXT),
    need("precision", TEXT),
    may("precision_reason", TEXT),
    need("reference", TEXT),
    points_to("group_id", "run_group"),
    may("repeat_idx", INTEGER),
    # resolved
    points_to("model_id", "model_artifact"),
    points_to("dataset_id", "dataset"),
    points_to("environment_id", "environment"),
    may("accuracy_key", TEXT),
    may("perf_key", TEXT),
    may("device", TEXT),
    # progress
    Column("done", INTEGER, nullable=False, server_default=text("0")),
    Column("total", INTEGER, nullable=False, server_default=text("0")),
    may("eta_s", REAL),
    # results
    may("verdict", TEXT),
    may("sentence", TEXT),
    may("speed_verdict", TEXT),
    may("speedup", REAL),
    may("end_to_end_speedup", REAL),
    may("perf_valid", INTEGER),
    may("perf_invalid_reason", TEXT),
    may("clock_suspect", INTEGER),
    # worker process, to distinguish a dead worker from a slow one
    need("host", TEXT),
    need("boot_id", TEXT),
    may("worker_pid", INTEGER),
    may("worker_start_ticks", INTEGER),
    need("created_at_us", INTEGER),
    may("started_at_us", INTEGER),
    may("heartbeat_at_us", INTEGER),
    may("ended_at_us", INTEGER),
    may("archived_at_us", INTEGER),
    # last: columns after a long text are reached only through all of its pages
    need("config_json", TEXT),
    *(
        may(f"{name}_json", TEXT)
        for name in (
            "accuracy_facts",
            "perf_facts",
            "dataset",
            "model",
            "environment",
            "findings",
            "arms",
            "speedup",
            "measures",
        )
    ),
    UniqueConstraint("group_id", "precision", "model", "repeat_idx"),
    one_of("status", STATUSES),
    CheckConstraint(f"(status IN ({listed(TERMINAL)})) = (ended_at_us IS NOT NULL)", name="ended_when_terminal"),
    CheckConstraint("done <= total", name="done_within_total"),
    one_of("verdict", ("PASS", "WARN", "FAIL", "INVALID")),
    CheckConstraint("perf_valid IN (0, 1)", name="perf_valid"),
    CheckConstraint("clock_suspect IN (0, 1)", name="clock_suspect"),
    *(
        is_json(f"{name}_json")
        for name in (
            "config",
            "accuracy_facts",
            "perf_facts",
            "dataset",
            "model",
            "environment",
            "findings",
            "arms",
            "speedup",
            "measures",
        )
    ),
    Index("ix_run_status", "status"),
    Index("ix_run_name", "name"),
    Index("ix_run_group_id", "group_id"),
    Index("ix_run_perf_key_status_started_at_us", "perf_key", "status", "started_at_us"),
    Index("ix_run_accuracy_key_status_started_at_us", "accuracy_key", "status", "started_at_us"),
    **STRICT,
)

run_event = Table(
    "run_event",
    metadata,
    identity(),
    owned_by_run(),
    need("at_us", INTEGER),
    may("from_status", TEXT),
    need("to_status", TEXT),
    need("actor", TEXT),
    may("reason", TEXT),
    Index("ix_run_event_run_id_id", "run_id", "id"),
    **STRICT,
)

run_tag = Table(
    "run_tag",
    metadata,
    owned_by_run(),
    need("key", TEXT),
    need("value", TEXT),
    PrimaryKeyConstraint("run_id", "key"),
    Index("ix_run_tag_key_value", "key", "value"),
    **STRICT_WITHOUT_ROWID,
)
