"""All tables as SQLAlchemy Core metadata; migrations/ creates them."""

from vp_tui.core.store.columns import metadata
from vp_tui.core.store.tables_judged import KEY_KINDS, baseline, baseline_member
from vp_tui.core.store.tables_rows import (
    alert,
    block_sample,
    gpu_sample,
    metric,
    sequence_result,
    similarity_sample,
    stratum,
)
from vp_tui.core.store.tables_run import (
    GROUP_KINDS,
    STATUSES,
    TERMINAL,
    dataset,
    environment,
    model_artifact,
    run,
    run_event,
    run_group,
    run_tag,
)

APPLICATION_ID = 0x56505455
"""SQLite application_id of a store ("VPTU"), which identifies foreign and empty files."""

REVISION = "0010"
"""Schema revision that this version reads and writes."""

__all__ = [
    "APPLICATION_ID",
    "GROUP_KINDS",
    "KEY_KINDS",
    "REVISION",
    "STATUSES",
    "TERMINAL",
    "alert",
    "baseline",
    "baseline_member",
    "block_sample",
    "dataset",
    "environment",
    "gpu_sample",
    "metadata",
    "metric",
    "model_artifact",
    "run",
    "run_event",
    "run_group",
    "run_tag",
    "sequence_result",
    "similarity_sample",
    "stratum",
]
