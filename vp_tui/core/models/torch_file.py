"""Files written by torch.save, read as data: no code in them runs, and a class that weights do not need is refused.

torch's weights-only loader does both. This module adds the names of what was refused and leaves out torch's advice to
load the file without protection.
"""

import pickle
import struct
import zipfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import torch
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

_UNREADABLE: Final = (
    AssertionError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    struct.error,
    zipfile.BadZipFile,
)
"""Errors of torch for a file that is truncated, corrupt or not its own."""


def read(file: Path | BytesIO, *, allowed: Sequence[Any] = ()) -> Any:
    """Return the content of a file of torch.save, its tensors on the CPU; those of a path are memory-mapped.

    `allowed` extends torch's list of safe classes: classes, or pairs of a stand-in and the name it is used for.

    Raises ValueError with the reason: not a file of torch.save, or it asks for a class that is not allowed.
    """
    try:
        # torch < 1.6 wrote no zip archive: it cannot be mapped, and only loading finds the names in it
        is_zip = zipfile.is_zipfile(file)
        if is_zip:
            _require_stored(_rewound(file))
        with safe_globals(list(allowed)):
            refused = sorted(get_unsafe_globals_in_checkpoint(_rewound(file))) if is_zip else []
            if not refused:
                is_mapped = is_zip and isinstance(file, Path)
                return torch.load(_rewound(file), map_location="cpu", weights_only=True, mmap=is_mapped)
    except _UNREADABLE as error:
        raise ValueError(_reason(error)) from error
    raise ValueError(
        f"it asks for {', '.join(refused)} when unpickled, which weights do not need and which could run any program; "
        "nothing was loaded"
    )


def _require_stored(file: Path | BytesIO) -> None:
    """Refuse compressed parts, which torch never writes: a file of megabytes could take all memory."""
    with zipfile.ZipFile(file) as archive:
        if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()):
            raise ValueError("it has compressed parts, which torch.save does not write")


def _rewound(file: Path | BytesIO) -> Path | BytesIO:
    if isinstance(file, BytesIO):
        file.seek(0)
    return file


def _reason(error: Exception) -> str:
    """Return torch's reason in one line, without its advice to allow the class or to load without protection."""
    if isinstance(error, EOFError | KeyError | IndexError):
        return f"the pickle in it is corrupt ({type(error).__name__})"
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "weights_only" not in line]
    inner = [line for line in lines if line.startswith("WeightsUnpickler error")]
    line = (inner or lines or [type(error).__name__])[0].removeprefix("WeightsUnpickler error: ")
    return line.partition(" Please use ")[0].partition(". This is an internal")[0]
