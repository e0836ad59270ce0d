"""The lines that `vp-tui policy --env` gives to a shell, printed whatever happens: without them, eval leaves FP16 on.

Original VirNucPro always computes in FP32 and reads none of them; `virnucpro` is for wrappers that read the first. In
the fork the packed forward raises TypeError with VIRNUCPRO_DISABLE_FP16=1 alone: FP32 works there with its former
attention only (VIRNUCPRO_V1_ATTENTION=true; only the word true counts in all of its versions). Its
VIRNUCPRO_DISABLE_PACKING is no way out: it gives NaN of the wrong shape.

Arguments are looked at before they are parsed: `-m $MODEL --env` with an empty MODEL, or a misspelt option, is a usage
error long before the command runs. Light, as every command loads it.
"""

import json
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from vp_tui.core.config import ATTENTION_VARIABLE, DISABLE_VARIABLE

TARGETS: Final = ("fork", "virnucpro", "json")
"""The programs that the lines may be for, and one JSON object of the fork's."""
_state: Final[dict[str, Any]] = {"is_due": False, "target": TARGETS[0]}


def is_asked_for(arguments: Sequence[str]) -> bool:
    """Return True if these are arguments of `policy` that want the line, also if they are misspelt."""
    command = next((one for one in arguments if not one.startswith("-")), None)
    return command == "policy" and any(_is_env(one) for one in arguments)


def _is_env(argument: str) -> bool:
    word = argument.partition("=")[0].lower()
    return word.startswith(("--e", "--fo")) or (word.startswith("-") and sorted(word.strip("-")) == sorted("env"))


@contextmanager
def promised(arguments: Sequence[str]) -> Iterator[None]:
    """Make sure that the line is printed, also if the process is told to end (`timeout`) or an error passes through."""
    _state["is_due"] = is_asked_for(arguments)
    _state["target"] = _target(arguments)
    before = signal.signal(signal.SIGTERM, _terminated) if _state["is_due"] else None
    try:
        yield
    except BaseException:
        keep()
        raise
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _target(arguments: Sequence[str]) -> str:
    """Return what --for says; the lines that work everywhere if it says nothing known."""
    words = [part for one in arguments for part in (one.split("=", 1) if one.startswith("--for=") else [one])]
    asked = words[words.index("--for") + 1 : words.index("--for") + 2] if "--for" in words else []
    return asked[0] if asked and asked[0] in TARGETS else TARGETS[0]


def values(target: str, *, disable: bool) -> dict[str, str]:
    """Return the variables of a program, by name."""
    found = {DISABLE_VARIABLE: str(int(disable))}
    return found if target == "virnucpro" else {**found, ATTENTION_VARIABLE: "true" if disable else "false"}


def emit(*, disable: bool) -> None:
    """Print the lines, once."""
    _state["is_due"] = False
    found = values(_state["target"], disable=disable)
    lines = [f"export {name}={shlex.quote(value)}" for name, value in found.items()]
    sys.stdout.write("\n".join([json.dumps(found)] if _state["target"] == "json" else lines) + "\n")
    sys.stdout.flush()


def keep() -> None:
    """Print the lines that switch FP16 off unless some were printed; at the end of a command that went wrong."""
    if _state["is_due"]:
        emit(disable=True)


def _terminated(number: int, _frame: FrameType | None) -> None:
    keep()
    raise SystemExit(128 + number)
