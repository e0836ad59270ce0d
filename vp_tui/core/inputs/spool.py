"""Standard input and pipes as files: a run is another process, which could not read them.

The stream is copied once into a folder, under a name by its content, so that the run's record and a repetition of the
run find it again. Run it where the command was given, before anything else reads the path.
"""

import contextlib
import hashlib
import stat
import sys
from pathlib import Path
from typing import BinaryIO, Final

from vp_tui.core.errors import InputError
from vp_tui.core.files import part_of, user_path

FOLDER: Final = "piped"
"""Name of the folder below Home.cache."""
STANDARD_INPUT: Final = "-"
_DESCRIPTORS: Final = ("/dev/stdin", "/dev/fd/", "/proc/self/fd/")
_CHUNK: Final = 1 << 20


def as_file(given: str, cache: Path) -> str:
    """Return `given`, or the path of a copy in `cache` if it is - or a pipe.

    Raises InputError: nothing arrives, standard input is a terminal, or the copy cannot be written.
    """
    if given == STANDARD_INPUT:
        if sys.stdin is None or sys.stdin.isatty():
            raise InputError("- reads standard input, which is a terminal; pipe a FASTA or FASTQ file into it")
        return str(_copied(sys.stdin.buffer, given, cache / FOLDER))
    if not _is_pipe(given):
        return given
    try:
        with Path(given).open("rb") as stream:
            return str(_copied(stream, given, cache / FOLDER))
    except OSError as error:
        raise InputError(f"cannot read {given}: {error.strerror or error}") from error


def note_of(path: Path) -> str | None:
    """Return a sentence for the run record if `path` is a copy of a pipe."""
    if path.parent.name != FOLDER:
        return None
    return f"the sequences came through a pipe; they were copied to {path}"


def _is_pipe(given: str) -> bool:
    # the descriptors of this process are others in the run's process, even those of files
    if given.startswith(_DESCRIPTORS):
        return True
    try:
        return stat.S_ISFIFO(user_path(given).stat().st_mode)
    except OSError:
        return False


def _copied(stream: BinaryIO, given: str, folder: Path) -> Path:
    digest = hashlib.sha256()
    temporary = part_of(folder / "stream")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if not temporary.stat().st_size:
            raise InputError(f"nothing arrived through {given}; check the command that writes into the pipe")
        return temporary.replace(folder / f"{digest.hexdigest()[:16]}.fasta")
    except OSError as error:
        raise InputError(f"cannot copy {given} to {folder}: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
