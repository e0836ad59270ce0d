"""Standard streams and arguments as people have them: closed, full, of any encoding, or of bytes that are no text."""

import errno
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.text import safe

_NO_ROOM: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def prepare() -> None:
    """Open streams that are closed, and let none fail for a character that its encoding lacks.

    Without it the next file to be opened, such as the store, would become the standard output of child processes.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w", encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def require_text(arguments: Sequence[str]) -> None:
    """Refuse an argument that is not UTF-8: it could be neither stored nor shown.

    Raises:
        UsageError: with the bytes.
    """
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            given = os.fsencode(argument)
            raise UsageError(f"argument {given!r} is not UTF-8; rename the file, or set a UTF-8 locale") from None


def is_closed_pipe() -> bool:
    """Return True if typer has met a stdout that nobody reads any more; it ends the command as if it had failed."""
    return type(sys.stdout).__name__ == "PacifyFlushWrapper"


def finished(call: Callable[[], int]) -> int:
    """Return the exit code of a command once its output is written.

    A reader that has gone is no error; a full disk under stdout is one line and USAGE.
    """
    try:
        code = call()
        sys.stdout.flush()
    except BrokenPipeError:
        _drop()
        return ExitCode.GOOD
    except OSError as error:
        if error.errno not in _NO_ROOM or error.filename is not None:
            raise
        _drop()
        sys.stderr.write(f"error: cannot write the output: {safe(error.strerror)}\n")
        return ExitCode.USAGE
    return code


def _drop() -> None:
    """Send what is left in the buffer nowhere, or Python would report it a second time when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
