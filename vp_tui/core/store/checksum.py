"""Checksum of the embeddings of a reference file; light enough for the command line, which loads no safetensors.

A flipped bit in a reference that is believed shows as a failure of the candidate, or hides one.
"""

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

CHECKSUM: Final = "blake2b"
"""Fact of a finished file: the checksum of its embeddings."""
EMBEDDINGS: Final = "embeddings"
LENGTH: Final = struct.Struct("<Q")
"""First field of a safetensors file: the length of its JSON header, which may be padded with blanks."""
_MOST_HEADER: Final = 1 << 20


def checksum(embeddings_SD: np.ndarray) -> str:
    """Return the BLAKE2b of shape and numbers (0.1 s for 10,000 x 2,560)."""
    found = hashlib.blake2b(str(tuple(embeddings_SD.shape)).encode(), digest_size=32)
    found.update(np.ascontiguousarray(embeddings_SD).data.cast("B"))
    return found.hexdigest()


def require_intact(facts: Mapping[str, Any], embeddings_SD: np.ndarray) -> None:
    """Check the embeddings of a file against the checksum among its facts.

    Raises:
        ValueError: no checksum (from an older version), or numbers that do not fit it.
    """
    stored = facts.get(CHECKSUM)
    if stored is None:
        raise ValueError("it has no checksum")
    if checksum(embeddings_SD) != stored:
        raise ValueError("its numbers do not fit its checksum")


def verify(path: Path) -> None:
    """Check a reference file.

    Raises:
        ValueError: missing, unreadable, no such file, or not what was stored; with the reason.
    """
    try:
        facts, embeddings_SD = read(path)
    except (OSError, KeyError, TypeError, struct.error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    require_intact(facts, embeddings_SD)


def read(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    """Return the facts and the embeddings [S, D] of a finished file, memory-mapped and not checked."""
    with path.open("rb") as opened:
        (size,) = LENGTH.unpack(opened.read(LENGTH.size))
        if size > _MOST_HEADER:
            raise ValueError(f"its header would take {size} bytes")
        header = json.loads(opened.read(size))
    about = header[EMBEDDINGS]
    start = LENGTH.size + size + about["data_offsets"][0]
    if about["dtype"] != "F32":
        raise ValueError(f"dtype {about['dtype']} instead of F32")
    facts = json.loads(header["__metadata__"]["vp_tui"])
    return facts, np.asarray(np.memmap(path, np.float32, "r", start, tuple(about["shape"])))
