"""How much of the GPU was at work: GPM's shares and other processes per sample, MFU per arm.

Revision: 0003, after 0002

Columns are added at the end, which touches no row. The MFU of an arm stands in run.arms_json and as a metric.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_ADDED = (
    "ALTER TABLE gpu_sample ADD COLUMN sm_active REAL",
    "ALTER TABLE gpu_sample ADD COLUMN tensor_active REAL",
    "ALTER TABLE gpu_sample ADD COLUMN dram_active REAL",
    "ALTER TABLE gpu_sample ADD COLUMN other_processes INTEGER",
)

# As in 0002. No smallest effect: it is tokens/s in another unit, and those decide.
_METRICS = (
    "('candidate.mfu', 'ratio', 'higher', 'perf', 0, NULL)",
    "('reference.mfu', 'ratio', 'higher', 'perf', 0, NULL)",
)


def upgrade() -> None:
    """Add, and say what the metrics mean."""
    for statement in _ADDED:
        op.execute(statement)
    columns = "name, unit, direction, family, is_primary, min_effect"
    op.execute(f"INSERT INTO metric_def ({columns}) VALUES {', '.join(_METRICS)}")
