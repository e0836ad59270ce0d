"""Reference embeddings kept by content: a later run compares against them instead of encoding anew.

The key is a hash of everything that can move the numbers or the speed: weights, letters, pooling and engine
version, precision and flags, device and torch. A stored reference is embeddings plus the arm's summary.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vp_tui.core.files import replacing
from vp_tui.core.store.rows import as_json

EMBEDDINGS = "embeddings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stored reference arm."""

    embeddings_SD: np.ndarray
    """float32, in the order of the sampled sequences."""
    summary: Mapping[str, Any]
    """An ArmSummary in JSON types."""
    strata: Mapping[str, Any]
    """tokens/s per stratum."""
    noise: float | None
    """Largest relative L2 of encoding a sample again (R3); None where that was not measured."""
    run_uuid: str


def key_of(facts: Mapping[str, Any]) -> str:
    """sha256 of the canonical JSON of `facts`."""
    return hashlib.sha256(as_json(facts).encode()).hexdigest()


def path_of(cache: Path, key: str) -> Path:
    """Where the reference with that key is, or would be."""
    return cache / "references" / f"{key}.safetensors"


def load(path: Path) -> Reference | None:
    """The stored reference, or None when there is none.

    Raises:
        OSError, SafetensorError: there is one and it cannot be read.
    """
    if not path.exists():
        return None
    with safe_open(path, framework="numpy") as file:
        facts = json.loads((file.metadata() or {})["vp_tui"])
        embeddings_SD = file.get_tensor(EMBEDDINGS)
    return Reference(
        embeddings_SD=embeddings_SD,
        summary=facts["summary"],
        strata=facts["strata"],
        noise=facts.get("noise"),
        run_uuid=facts["run_uuid"],
    )


UNREADABLE = (OSError, SafetensorError, KeyError, ValueError)
"""What `load` raises for a damaged file; the run says so and encodes anew."""


def read_embeddings(path: Path) -> np.ndarray:
    """The embeddings [S, D] of a file that write_embeddings made.

    Raises:
        OSError, SafetensorError: it cannot be read.
    """
    with safe_open(path, framework="numpy") as file:
        embeddings_SD: np.ndarray = file.get_tensor(EMBEDDINGS)
    return embeddings_SD


def write_embeddings(path: Path, embeddings_SD: np.ndarray, facts: Mapping[str, Any]) -> None:
    """Write embeddings and their facts as safetensors, whole or not at all."""
    with replacing(path) as temporary:
        save_file({EMBEDDINGS: np.ascontiguousarray(embeddings_SD)}, temporary, metadata={"vp_tui": as_json(facts)})


def share(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, by hard link where the file system has them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
