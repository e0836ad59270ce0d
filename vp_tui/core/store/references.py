"""Cache of reference embeddings, addressed by content: a later run uses them instead of encoding again.

The key is a hash of everything that can change the numbers or the speed: weights, sequences, pooling and engine
version, precision and flags, device and torch. A cached reference is embeddings plus the arm's summary.
"""

import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from vp_tui.core import text as fmt
from vp_tui.core.errors import InputError, ResourceError
from vp_tui.core.files import DAMAGED, part_of, replacing
from vp_tui.core.store.checksum import CHECKSUM, EMBEDDINGS, LENGTH, checksum, read, require_intact
from vp_tui.core.store.rows import as_json

HEADER_BYTES: Final = 1 << 16
"""Reserved before the numbers, as the facts are known only after the numbers are in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    embeddings_SD: np.ndarray
    """float32, in the order of the sampled sequences; memory-mapped, read-only."""
    summary: Mapping[str, Any]
    """An ArmSummary in JSON types."""
    strata: Mapping[str, Any]
    """tokens/s per stratum."""
    noise: float | None
    """Largest relative L2 between two encodings of a sample (R3); None if not measured."""
    run_uuid: str


def key_of(facts: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of `facts`."""
    return hashlib.sha256(as_json(facts).encode()).hexdigest()


def path_of(cache: Path, key: str) -> Path:
    return cache / "references" / f"{key}.safetensors"


def load(path: Path) -> Reference | None:
    """Return the cached reference, or None if there is none.

    Raises:
        UNREADABLE: the file is corrupt: not such a file, or its numbers are not those that were stored.
    """
    if not path.exists():
        return None
    facts, embeddings_SD = verified(path)
    return Reference(
        embeddings_SD=embeddings_SD,
        summary=facts["summary"],
        strata=facts["strata"],
        noise=facts.get("noise"),
        run_uuid=facts["run_uuid"],
    )


UNREADABLE: Final[tuple[type[Exception], ...]] = (SafetensorError, *DAMAGED)
"""Errors that `load` raises for a corrupt file; the run reports it and recomputes the reference."""


def read_embeddings(path: Path) -> np.ndarray:
    """Return the embeddings [S, D] of a finished EmbeddingsFile, memory-mapped.

    Raises:
        InputError: not such a file.
    """
    try:
        return _mapped(path)[1]
    except UNREADABLE as error:
        raise InputError(f"the embeddings {path} cannot be read ({error}); run it again") from error


def verified(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    """Return the facts and the embeddings [S, D] of a finished EmbeddingsFile whose checksum fits.

    A flipped bit in a reference that is believed shows as a failure of the candidate, or hides one.

    Raises:
        UNREADABLE: not such a file, no checksum (from an older version), or numbers that do not fit it.
    """
    facts, embeddings_SD = _mapped(path)
    require_intact(facts, embeddings_SD)
    return facts, embeddings_SD


def _mapped(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    # refuses a header whose numbers lie outside of the file
    with safe_open(path, framework="numpy"):
        return read(path)


class EmbeddingsFile:
    """Embeddings of an arm, written to a memory-mapped file without a second copy.

    Until `finish` the file has a hidden name, so that it is not taken for complete.
    """

    def __init__(self, path: Path, num_sequences: int, width: int) -> None:
        """Allocate space for float32 [num_sequences, width], all zero.

        Raises:
            ResourceError: not enough space.
        """
        self._path, self._temporary = path, part_of(path)
        self._shape = num_sequences, width
        size = HEADER_BYTES + num_sequences * width * np.dtype(np.float32).itemsize
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._temporary.open("w+b") as file:
                # without allocated blocks a full disk would kill the process (SIGBUS)
                os.posix_fallocate(file.fileno(), 0, size)
                mapping = mmap.mmap(file.fileno(), size)
        except OSError as error:
            self.discard()
            raise ResourceError(
                f"no space for the embeddings of {num_sequences} sequences: {path} needs {fmt.size(size)}: "
                f"{error.strerror}; free space there or set VP_TUI_HOME to another folder"
            ) from error
        self.embeddings_SD = np.frombuffer(mapping, np.float32, offset=HEADER_BYTES).reshape(self._shape)
        self._mapping = mapping

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Add the facts (JSON types) with a checksum, and rename the file to its final name."""
        tensor = {"dtype": "F32", "shape": self._shape, "data_offsets": [0, self.embeddings_SD.nbytes]}
        facts = {**facts, CHECKSUM: checksum(self.embeddings_SD)}
        header = json.dumps({"__metadata__": {"vp_tui": as_json(facts)}, EMBEDDINGS: tensor}).encode()
        room = HEADER_BYTES - LENGTH.size
        if len(header) > room:
            raise ValueError(f"the facts of {self._path} take {len(header)} bytes, available: {room}")
        self._mapping[:HEADER_BYTES] = LENGTH.pack(room) + header.ljust(room)
        with self._temporary.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self._path)

    def discard(self) -> None:
        self._temporary.unlink(missing_ok=True)


def share(source: Path, target: Path) -> None:
    """Hard-link `source` as `target`; copy it where links are not supported."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
