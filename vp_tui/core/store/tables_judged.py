"""Tables of pinned baselines and their member runs."""

from sqlalchemy import INTEGER, TEXT, CheckConstraint, Column, ForeignKey, Index, PrimaryKeyConstraint, Table, text

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
)

KEY_KINDS = ("accuracy", "perf")

baseline = Table(
    "baseline",
    metadata,
    identity(),
    need("name", TEXT),
    need("key_kind", TEXT),
    need("key", TEXT),
    need("reason", TEXT),
    # uuids: keep the members of a retired baseline known after a run is deleted
    need("run_uuids_json", TEXT),
    need("created_at_us", INTEGER),
    need("created_by", TEXT),
    may("retired_at_us", INTEGER),
    may("retired_reason", TEXT),
    one_of("key_kind", KEY_KINDS),
    CheckConstraint("(retired_at_us IS NULL) = (retired_reason IS NULL)", name="retired_with_a_reason"),
    is_json("run_uuids_json"),
    Index("uq_baseline_active", "name", "key_kind", "key", unique=True, sqlite_where=text("retired_at_us IS NULL")),
    **STRICT,
)

baseline_member = Table(
    "baseline_member",
    metadata,
    Column("baseline_id", INTEGER, ForeignKey("baseline.id", ondelete="CASCADE"), nullable=False),
    # RESTRICT: the database refuses to delete a run of a baseline
    points_to("run_id", "run", nullable=False),
    PrimaryKeyConstraint("baseline_id", "run_id"),
    Index("ix_baseline_member_run_id", "run_id"),
    **STRICT_WITHOUT_ROWID,
)
