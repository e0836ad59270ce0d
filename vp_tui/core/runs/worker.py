"""Worker processes, seen from the process that starts one: the command, and the JSON a worker answers with."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from vp_tui.core import errors
from vp_tui.core.errors import RunFailedError, VpTuiError
from vp_tui.core.runs import bytecode
from vp_tui.core.store.home import HOME_VARIABLE, Home

PACKAGE: Final = "vp_tui.core.workers"


def worker_command(name: str, *arguments: str) -> list[str]:
    """Return the command of the worker `name` (a key of core.workers.__main__.WORKERS).

    -P keeps the working directory off the import path: a torch.py there would run in place of the real one.
    """
    return [sys.executable, "-P", "-m", PACKAGE, name, *arguments]


def worker_environment(home: Home) -> dict[str, str]:
    """Return the environment of a worker: this process's, its home, and where its compiled Python is kept."""
    return {**os.environ, HOME_VARIABLE: str(home.root), **bytecode.variables(os.environ)}


def start_detached(
    home: Home, command: Sequence[str], log: Path, mode: Literal["ab", "wb"], stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a worker in its own session, without a terminal: it goes on when this process has ended.

    Its output goes to `log`, which `mode` continues or begins anew; `stdin` is empty, or subprocess.PIPE.

    Raises RunFailedError: the process cannot be started.
    """
    environment = {**worker_environment(home), "PYTHONUNBUFFERED": "1"}
    try:
        with log.open(mode) as output:
            return subprocess.Popen(
                command,
                stdin=stdin,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
    except OSError as error:
        raise RunFailedError(f"cannot start {command}: {error}") from error


def answer_document(answer: Any) -> dict[str, Any]:
    return {"answer": answer}


def error_document(error: VpTuiError) -> dict[str, Any]:
    """Return what a worker writes on failure: the nearest type of core.errors, and the message."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__)
    return {"error": {"type": kind.__name__, "message": str(error)}}


def read_answer(text: str) -> Any:
    """Return the answer in a worker's stdout.

    Raises:
        VpTuiError: the worker failed; the same type with the same message.
        ValueError: `text` is neither an answer nor an error.
    """
    document = json.loads(text)
    if "answer" in document:
        return document["answer"]
    kind: type[VpTuiError] = getattr(errors, document["error"]["type"])
    raise kind(document["error"]["message"])
