"""Reference embeddings kept by content: a later run compares against them instead of encoding anew.

The key is a hash of everything that can move the numbers or the speed: weights, letters, pooling and engine
version, precision and flags, device and torch. A stored reference is embeddings plus the arm's summary.
"""

import hashlib
import json
import mmap
import os
import shutil
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError, safe_open

from vp_tui.core import text as fmt
from vp_tui.core.errors import ResourceError
from vp_tui.core.files import part_of, replacing
from vp_tui.core.store.rows import as_json

EMBEDDINGS = "embeddings"
HEADER_BYTES: Final = 1 << 16
"""Before the numbers: the facts are known when the numbers are there, and those do not move any more."""
_LENGTH: Final = struct.Struct("<Q")
"""What a safetensors file begins with: the bytes of its JSON, which blanks may follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A stored reference arm."""

    embeddings_SD: np.ndarray
    """float32, in the order of the sampled sequences; mapped, not to be written."""
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
    facts, embeddings_SD = _mapped(path)
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
    """The embeddings [S, D] of a finished EmbeddingsFile, mapped: what is looked at is read, no more.

    Raises:
        UNREADABLE: it is not such a file.
    """
    return _mapped(path)[1]


def _mapped(path: Path) -> tuple[Mapping[str, Any], np.ndarray]:
    with safe_open(path, framework="numpy") as file:
        facts = json.loads((file.metadata() or {})["vp_tui"])
        shape = tuple(file.get_slice(EMBEDDINGS).get_shape())
    with path.open("rb") as opened:
        (size,) = _LENGTH.unpack(opened.read(_LENGTH.size))
        about = json.loads(opened.read(size))[EMBEDDINGS]
    if about["dtype"] != "F32":
        raise ValueError(f"its numbers are {about['dtype']}")
    start = _LENGTH.size + size + about["data_offsets"][0]
    return facts, np.asarray(np.memmap(path, np.float32, "r", start, shape))


class EmbeddingsFile:
    """Embeddings of an arm that are a file from the beginning: written through a mapping, no second copy in memory.

    Until `finish` the file has a hidden name, so that nobody takes it for whole.
    """

    def __init__(self, path: Path, num_sequences: int, width: int) -> None:
        """Take the room for float32 [num_sequences, width], all zero.

        Raises:
            ResourceError: it is not there.
        """
        self._path, self._temporary = path, part_of(path)
        self._shape = num_sequences, width
        size = HEADER_BYTES + num_sequences * width * np.dtype(np.float32).itemsize
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with self._temporary.open("w+b") as file:
                # a mapping of blocks that are not there yet would end the process when the disk is full
                os.posix_fallocate(file.fileno(), 0, size)
                mapping = mmap.mmap(file.fileno(), size)
        except OSError as error:
            self.discard()
            raise ResourceError(
                f"no room for the embeddings of {num_sequences} sequences: {path} takes {fmt.size(size)} and "
                f"{error.strerror}; free space there or set VP_TUI_HOME to another folder"
            ) from error
        self.embeddings_SD = np.frombuffer(mapping, np.float32, offset=HEADER_BYTES).reshape(self._shape)
        self._mapping = mapping

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Add the facts (JSON types) and give the file its name."""
        tensor = {"dtype": "F32", "shape": self._shape, "data_offsets": [0, self.embeddings_SD.nbytes]}
        header = json.dumps({"__metadata__": {"vp_tui": as_json(facts)}, EMBEDDINGS: tensor}).encode()
        room = HEADER_BYTES - _LENGTH.size
        if len(header) > room:
            raise ValueError(f"the facts of {self._path} take {len(header)} bytes, there are {room}")
        self._mapping[:HEADER_BYTES] = _LENGTH.pack(room) + header.ljust(room)
        with self._temporary.open("rb") as file:
            os.fsync(file.fileno())
        self._temporary.replace(self._path)

    def discard(self) -> None:
        """Remove what is not finished; nothing otherwise."""
        self._temporary.unlink(missing_ok=True)


def share(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, by hard link where the file system has them."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)
