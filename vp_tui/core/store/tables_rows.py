"""Tables of measurements: strata, sequences, metrics, samples over time, alerts."""

from sqlalchemy import INTEGER, REAL, TEXT, CheckConstraint, Index, PrimaryKeyConstraint, Table

from vp_tui.core.store.columns import STRICT, STRICT_WITHOUT_ROWID, identity, may, metadata, need, one_of, owned_by_run

stratum = Table(
    "stratum",
    metadata,
    owned_by_run(),
    need("scope", TEXT),
    need("planned", INTEGER),
    need("n", INTEGER),
    need("tokens", INTEGER),
    may("cosine_min", REAL),
    may("cosine_p01", REAL),
    may("cosine_mean", REAL),
    need("below", INTEGER),
    need("nan", INTEGER),
    need("inf", INTEGER),
    may("relative_l2_p99", REAL),
    may("norm_ratio_worst", REAL),
    may("reference_tokens_per_s", REAL),
    may("candidate_tokens_per_s", REAL),
    may("speedup", REAL),
    PrimaryKeyConstraint("run_id", "scope"),
    one_of("scope", ("short", "medium", "long", "all")),
    CheckConstraint("n <= planned", name="n_within_planned"),
    **STRICT_WITHOUT_ROWID,
)

sequence_result = Table(
    "sequence_result",
    metadata,
    owned_by_run(),
    need("seq_idx", INTEGER),
    need("sequence_id", TEXT),
    need("stratum", TEXT),
    need("num_tokens", INTEGER),
    may("cosine", REAL),
    may("relative_l2", REAL),
    may("norm_ratio", REAL),
    need("nan_count", INTEGER),
    need("inf_count", INTEGER),
    # no index: pairing reads both runs by the primary key
    need("seq_hash", INTEGER),
    PrimaryKeyConstraint("run_id", "seq_idx"),
    CheckConstraint("cosine BETWEEN -1.0001 AND 1.0001", name="cosine"),
    **STRICT_WITHOUT_ROWID,
)

metric = Table(
    "metric",
    metadata,
    owned_by_run(),
    need("name", TEXT),
    need("scope", TEXT),
    may("value", REAL),
    need("n", INTEGER),
    need("nonfinite", INTEGER),
    may("ci_lo", REAL),
    may("ci_hi", REAL),
    PrimaryKeyConstraint("run_id", "name", "scope"),
    CheckConstraint("value IS NOT NULL OR nonfinite > 0 OR n = 0", name="missing_has_a_reason"),
    Index("ix_metric_name_scope_run_id", "name", "scope", "run_id"),
    **STRICT_WITHOUT_ROWID,
)

block_sample = Table(
    "block_sample",
    metadata,
    identity(),
    owned_by_run(),
    need("at_us", INTEGER),
    need("block", INTEGER),
    need("arm", TEXT),
    need("stratum", TEXT),
    need("sequences", INTEGER),
    need("tokens", INTEGER),
    need("encode_s", REAL),
    need("wall_s", REAL),
    need("is_warmup", INTEGER),
    one_of("arm", ("reference", "candidate")),
    Index("ix_block_sample_run_id_id", "run_id", "id"),
    **STRICT,
)

similarity_sample = Table(
    "similarity_sample",
    metadata,
    identity(),
    owned_by_run(),
    need("at_us", INTEGER),
    need("block", INTEGER),
    need("stratum", TEXT),
    need("sequences", INTEGER),
    may("cosine_min", REAL),
    Index("ix_similarity_sample_run_id_id", "run_id", "id"),
    **STRICT,
)

gpu_sample = Table(
    "gpu_sample",
    metadata,
    identity(),
    owned_by_run(),
    need("at_us", INTEGER),
    may("utilization", REAL),
    may("memory_used_mib", REAL),
    may("memory_total_mib", REAL),
    may("power_w", REAL),
    may("power_limit_w", REAL),
    may("sm_clock_mhz", REAL),
    may("temperature_c", REAL),
    need("throttle_reasons", INTEGER),
    # NULL on GPUs without GPM
    may("sm_active", REAL),
    may("tensor_active", REAL),
    may("dram_active", REAL),
    may("other_processes", INTEGER),
    Index("ix_gpu_sample_run_id_id", "run_id", "id"),
    **STRICT,
)

alert = Table(
    "alert",
    metadata,
    identity(),
    owned_by_run(),
    need("at_us", INTEGER),
    need("kind", TEXT),
    need("severity", TEXT),
    need("message", TEXT),
    may("stratum", TEXT),
    may("seq_idx", INTEGER),
    may("sequence_id", TEXT),
    may("block", INTEGER),
    may("pack", INTEGER),
    may("layer", TEXT),
    one_of("severity", ("info", "warn", "fail")),
    Index("ix_alert_run_id_id", "run_id", "id"),
    **STRICT,
)
