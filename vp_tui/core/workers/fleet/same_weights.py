"""All devices encode with the checkpoint of the run's process: a path may hold another one on another machine.

Nothing else would show it: both precisions of a device would have the same wrong weights, and agree.
"""

import os
from pathlib import Path

from vp_tui.core.errors import ModelError
from vp_tui.core.models.weight_hash import weights_sha256
from vp_tui.core.store.home import Home


def hash_here(path: Path) -> str:
    """Return the SHA-256 of a checkpoint on this machine, read once and then known to its cache.

    Raises ModelError without weight files.
    """
    return weights_sha256(path, Home.from_environment(os.environ).cache)


def refuse_another(path: Path, expected: str) -> None:
    """Compare the checkpoint of this machine with that of the run's process.

    Raises ModelError: it is missing or another one.
    """
    node = os.uname().nodename
    advice = f"copy the same files to {path} on every machine, or use a folder that all of them share"
    try:
        found = hash_here(path)
    except (OSError, ModelError) as error:
        raise ModelError(f"{node} cannot read the checkpoint ({error}); {advice}") from error
    if found != expected:
        raise ModelError(
            f"{node} has another checkpoint at {path} (SHA-256 {found[:12]}, expected {expected[:12]}); {advice}"
        )
