"""The SLURM job that a run was started in, kept in its folder: a later start of that job proves that the run is over.

SLURM requeues a job (preemption, a node that failed) only after it has ended it, under the same job id and with a
higher SLURM_RESTART_COUNT. Nothing else on another node can prove the death of a process.
"""

import os
from pathlib import Path
from typing import Final

from vp_tui.core.files import read_text
from vp_tui.core.thresholds import Frozen

NAME: Final = "slurm.json"


class BatchJob(Frozen):
    """One start of a job."""

    cluster: str
    """Job ids are unique within one cluster; empty where SLURM does not name it."""
    job: str
    restarts: int
    """Earlier starts of the job."""


def this_job() -> BatchJob | None:
    """Return the job that this process runs in; None outside of SLURM."""
    job, restarts = os.environ.get("SLURM_JOB_ID"), os.environ.get("SLURM_RESTART_COUNT", "0")
    if not job or not (restarts.isascii() and restarts.isdigit()):
        return None
    return BatchJob(cluster=os.environ.get("SLURM_CLUSTER_NAME", ""), job=job, restarts=int(restarts))


def keep(folder: Path) -> None:
    """Note the job in the folder of a new run.

    Raises:
        OSError: the folder cannot be written.
    """
    job = this_job()
    if job is not None:
        (folder / NAME).write_text(job.model_dump_json(), encoding="utf-8")


def was_requeued(folder: Path) -> BatchJob | None:
    """Return the job of a run if this process belongs to a later start of the same one."""
    now = this_job()
    if now is None:
        return None
    try:
        found = BatchJob.model_validate_json(read_text(folder / NAME), strict=True)
    except (OSError, ValueError):
        return None
    is_same = (found.cluster, found.job) == (now.cluster, now.job)
    return found if is_same and found.restarts < now.restarts else None
