"""The line that `vp-tui policy --env` gives to a shell, printed whatever happens: without one, eval leaves FP16 on.

Arguments are looked at before they are parsed: `-m $MODEL --env` with an empty MODEL, or a misspelt option, is a usage
error long before the command runs. Light, as every command loads it.
"""

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Final

from vp_tui.core.config import DISABLE_VARIABLE

_state: Final = {"is_due": False}


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Return True if these are arguments of `policy` that want the line, also if they are misspelt."""
    command = next((one for one in arguments if not one.startswith("-")), None)
    return command == "policy" and any(_is_env(one) for one in arguments)


def _is_env(argument: str) -> bool:
    word = argument.partition("=")[0].lower()
    return word.startswith("--e") or (word.startswith("-") and sorted(word.strip("-")) == sorted("env"))


@contextmanager
def promised(arguments: Sequence[str]) -> Iterator[None]:
    """Make sure that the line is printed, also if the process is told to end (`timeout`) or an error passes through."""
    _state["is_due"] = is_asked_for(arguments)
    before = signal.signal(signal.SIGTERM, _terminated) if _state["is_due"] else None
    try:
        yield
    except BaseException:
        keep()
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def emit(*, disable: bool) -> None:
    """Print the line, once."""
    _state["is_due"] = False
    sys.stdout.write(f"export {DISABLE_VARIABLE}={int(disable)}\n")
    sys.stdout.flush()


def keep() -> None:
    """Print the line that switches FP16 off unless a line was printed; at the end of a command that went wrong."""
    if _state["is_due"]:
        emit(disable=True)


def _terminated(number: int, _frame: FrameType | None) -> None:
    keep()
    raise SystemExit(128 + number)
