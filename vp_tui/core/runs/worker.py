"""Worker processes, seen from the process that starts one: the command, and the JSON a worker answers with."""

import json
import sys
from typing import Any, Final

from vp_tui.core import errors
from vp_tui.core.errors import VpTuiError

PACKAGE: Final = "vp_tui.core.workers"


def worker_command(name: str, *arguments: str) -> list[str]:
    """Return the command of the worker `name` (a key of core.workers.__main__.WORKERS).

    -P keeps the working directory off the import path: a torch.py there would run in place of the real one.
    """
    return [sys.executable, "-P", "-m", PACKAGE, name, *arguments]


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
