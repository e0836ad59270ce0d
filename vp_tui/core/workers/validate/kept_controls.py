"""Negative controls that an earlier run of the same reference has made: they do not depend on the candidate.

What decides them is in the name of the file: the rows that are corrupted, their strata, all limits, the code of the
measures, the versions below it and the device that multiplies. Whatever differs is computed.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core import gates, measures, verdict
from vp_tui.core.engine import device_arrays
from vp_tui.core.files import DAMAGED, replacing
from vp_tui.core.fingerprint import hash_of
from vp_tui.core.measurements import Measured, as_document, from_document
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.validate import controls

_log = logging.getLogger("vp_tui.run")
_PACKAGES: Final = (gates, measures, verdict)
"""Their code decides which gate detects which control."""


def obtain(
    cache: Path,
    facts: Mapping[str, Any],
    x_SD: np.ndarray,
    stratum_S: np.ndarray,
    limits: Thresholds,
    compute: Callable[[], Measured],
) -> Measured:
    """Return the stored controls of the reference `x_SD`, or those of `compute`, which are stored.

    `facts` (JSON types) are the versions and the device.
    """
    path = path_of(cache, facts, x_SD, stratum_S, limits)
    found = _stored(path)
    if found is not None:
        return found
    made = compute()
    _keep(path, made)
    return made


def path_of(cache: Path, facts: Mapping[str, Any], x_SD: np.ndarray, stratum_S: np.ndarray, limits: Thresholds) -> Path:
    """Return where the controls of these embeddings are, or would be."""
    rows_R = controls.chosen_rows(x_SD, stratum_S)
    key = {
        "rows": _hash(x_SD[rows_R].astype("<f4")),
        "width": x_SD.shape[1],
        "strata": _hash(stratum_S[rows_R].astype("<i8")),
        "limits": limits.model_dump(),
        "code": code_hash(),
        "facts": {**facts, "numpy": np.__version__},
    }
    return cache / "controls" / f"{hash_of(key)}.json"


@lru_cache(maxsize=1)
def code_hash() -> str:
    """Return the SHA-256 of the source of measures, gates and verdict, of the controls, and of products on a device."""
    folders = [Path(folder) for package in _PACKAGES for folder in package.__path__]
    paths = [path for folder in folders for path in sorted(folder.glob("*.py"))]
    digest = hashlib.sha256()
    for path in (*paths, Path(controls.__file__), Path(device_arrays.__file__)):
        digest.update(f"{path.parent.name}/{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _hash(numbers: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(numbers).tobytes()).hexdigest()


def _stored(path: Path) -> Measured | None:
    """Return what an earlier run has stored; None where nothing is, or where it is corrupt."""
    if not path.exists():
        return None
    try:
        digest, _, text = path.read_text().partition("\n")
        if hashlib.sha256(text.encode()).hexdigest() != digest:
            raise ValueError("its checksum does not fit")
        return from_document(json.loads(text))
    except DAMAGED as error:
        _log.warning("the stored negative controls %s are corrupt (%s) and are computed again", path, error)
        return None


def _keep(path: Path, made: Measured) -> None:
    text = json.dumps(as_document(made), allow_nan=False)
    try:
        with replacing(path) as temporary:
            temporary.write_text(f"{hashlib.sha256(text.encode()).hexdigest()}\n{text}")
    except OSError as error:
        _log.warning("the negative controls could not be kept (%s); the next run computes them again", error)
