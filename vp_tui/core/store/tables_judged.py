"""The tables of comparing runs: what a metric means, pinned baselines, comparisons that are never changed."""

from sqlalchemy import (
    DDL,
    INTEGER,
    REAL,
    TEXT,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    PrimaryKeyConstraint,
    Table,
    event,
    text,
)

from vp_tui.core.store.columns import (
    STRICT,
    STRICT_WITHOUT_ROWID,
    identity,
    is_json,
    may,
    metadata,
    need,
    one_of,
    points_to,
    unique_text,
)

KEY_KINDS = ("accuracy", "perf")

metric_def = Table(
    "metric_def",
    metadata,
    Column("name", TEXT, primary_key=True),
    need("unit", TEXT),
    need("direction", TEXT),
    need("family", TEXT),
    need("is_primary", INTEGER),
    may("min_effect", REAL),
    may("noise_floor", REAL),
    one_of("direction", ("lower", "higher", "target")),
    one_of("family", ("correctness", "perf", "resource", "distribution")),
    CheckConstraint("is_primary IN (0, 1)", name="is_primary"),
    **STRICT_WITHOUT_ROWID,
)

baseline = Table(
    "baseline",
    metadata,
    identity(),
    need("name", TEXT),
    need("key_kind", TEXT),
    need("key", TEXT),
    need("mode", TEXT),
    may("window_n", INTEGER),
    need("reason", TEXT),
    # uuids: what it was pinned to stays known when a run of a retired baseline is deleted
    need("run_uuids_json", TEXT),
    need("created_at_us", INTEGER),
    need("created_by", TEXT),
    may("retired_at_us", INTEGER),
    may("retired_reason", TEXT),
    one_of("key_kind", KEY_KINDS),
    one_of("mode", ("pinned", "rolling")),
    CheckConstraint("(mode = 'rolling') = (window_n IS NOT NULL)", name="window_when_rolling"),
    CheckConstraint("(retired_at_us IS NULL) = (retired_reason IS NULL)", name="retired_with_a_reason"),
    is_json("run_uuids_json"),
    Index("uq_baseline_active", "name", "key_kind", "key", unique=True, sqlite_where=text("retired_at_us IS NULL")),
    **STRICT,
)

baseline_member = Table(
    "baseline_member",
    metadata,
    Column("baseline_id", INTEGER, ForeignKey("baseline.id", ondelete="CASCADE"), nullable=False),
    # RESTRICT: the database itself refuses to delete a run that a baseline rests on
    points_to("run_id", "run", nullable=False),
    PrimaryKeyConstraint("baseline_id", "run_id"),
    Index("ix_baseline_member_run_id", "run_id"),
    **STRICT_WITHOUT_ROWID,
)

comparison = Table(
    "comparison",
    metadata,
    identity(),
    unique_text("uuid"),
    points_to("candidate_group_id", "run_group"),
    points_to("baseline_id", "baseline"),
    # uuids: a comparison outlives the runs it was made of
    need("candidate_runs_json", TEXT),
    need("base_runs_json", TEXT),
    need("rule_version", INTEGER),
    need("rule_json", TEXT),
    need("comparability", TEXT),
    need("differences_json", TEXT),
    need("verdict", TEXT),
    need("sentence", TEXT),
    need("exit_code", INTEGER),
    need("created_at_us", INTEGER),
    *(is_json(f"{name}_json") for name in ("candidate_runs", "base_runs", "rule", "differences")),
    Index("ix_comparison_candidate_group_id", "candidate_group_id"),
    **STRICT,
)

comparison_item = Table(
    "comparison_item",
    metadata,
    Column("comparison_id", INTEGER, ForeignKey("comparison.id", ondelete="RESTRICT"), nullable=False),
    need("name", TEXT),
    need("scope", TEXT),
    may("base_value", REAL),
    may("cand_value", REAL),
    need("n_base", INTEGER),
    need("n_cand", INTEGER),
    may("effect", REAL),
    may("ci_lo", REAL),
    may("ci_hi", REAL),
    may("p_raw", REAL),
    may("p_adj", REAL),
    may("min_effect", REAL),
    need("verdict", TEXT),
    need("reason", TEXT),
    PrimaryKeyConstraint("comparison_id", "name", "scope"),
    **STRICT_WITHOUT_ROWID,
)

for _table in (comparison, comparison_item):
    for _change in ("UPDATE", "DELETE"):
        _trigger = (
            f"CREATE TRIGGER {_table.name}_refuses_{_change.lower()} BEFORE {_change} ON {_table.name} "
            "BEGIN SELECT RAISE(ABORT, 'a comparison is never changed'); END"
        )
        event.listen(_table, "after_create", DDL(_trigger))  # type: ignore[no-untyped-call]
