"""What a run tells when it has ended: a command with the run's fields in its environment, or a request to an address.

It is asked for by two variables, not by the run's configuration: a rerun by somebody else must not start the command of
the first one. A command is started without a shell, so that no name of a file or a run is ever read as one. Whatever
becomes of it, the result of the run stays.
"""

import json
import logging
import os
import shlex
import signal
import subprocess
import urllib.request
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Final, Literal, get_args

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError, VpTuiError
from vp_tui.core.store.home import Home

if TYPE_CHECKING:
    from vp_tui.core.store.snapshot import RunRow

VARIABLE: Final = "VP_TUI_NOTIFY"
LEVEL_VARIABLE: Final = "VP_TUI_NOTIFY_ON"
Level = Literal["fail", "warn", "always"]
PATIENCE_SECONDS: Final = 30.0
"""Time for the command or the request; a command is then killed with its children."""
_ADDRESSES: Final = ("http://", "https://")
_GOOD: Final = "PASS"
_log = logging.getLogger("vp_tui.run")


def request(environment: MutableMapping[str, str], command: str, level: str) -> None:
    """Ask the runs that are started with `environment` to tell their end.

    Raises:
        UsageError: the command has a quote that is not closed, or there is no such level.
    """
    if level not in get_args(Level):
        raise UsageError(f"--notify-on {level!r}: use one of {', '.join(get_args(Level))}")
    try:
        if not shlex.split(command):
            return
    except ValueError as error:
        raise UsageError(f"--notify {command!r}: {error}") from error
    environment[VARIABLE], environment[LEVEL_VARIABLE] = command, level


def is_wanted(run: "RunRow", level: str) -> bool:
    """Return True if the end of `run` is told at `level`; a run without a verdict counts as failed."""
    if level == "always":
        return True
    return run.verdict != _GOOD if level == "warn" else run.verdict not in {_GOOD, "WARN"}


def fields_of(run: "RunRow", folder: str) -> dict[str, str]:
    """Return the fields of a run by name; a missing one is empty."""
    values = {
        "id": run.id,
        "uuid": run.uuid,
        "name": run.name,
        "status": run.status,
        "status_reason": run.status_reason,
        "verdict": run.verdict,
        "sentence": run.sentence,
        "model": run.model,
        "input": run.input,
        "precision": run.precision,
        "reference": run.reference,
        "device": run.device,
        "sequences": run.done,
        "bad": run.num_bad,
        "worst_cosine": fmt.similarity(run.cosine_min, nonfinite=run.num_nonfinite),
        "speedup": run.speedup,
        "exit_code": run.exit_code,
        "folder": folder,
    }
    return {name: "" if value is None else fmt.safe(value) for name, value in values.items()}


def tell(home: Home, run_id: int, environment: Mapping[str, str]) -> None:
    """Tell the end of a run as `environment` asks; a failure is a warning in the log and nothing else."""
    command = environment.get(VARIABLE, "").strip()
    if not command:
        return
    # imported here: the command line asks for a notification before it reads the store
    from vp_tui.core.store.reader import Reader

    try:
        with Reader(home) as reader:
            run = reader.run(run_id)
        if not is_wanted(run, environment.get(LEVEL_VARIABLE, "always")):
            return
        fields = fields_of(run, str(home.run_folder(run.uuid)))
        if command.startswith(_ADDRESSES):
            _post(command, fields)
        else:
            _call(shlex.split(command), fields, environment)
    except (OSError, ValueError, HTTPException, VpTuiError, subprocess.SubprocessError) as error:
        _log.warning("--notify failed, the result of the run stays: %s", error)


def _post(address: str, fields: Mapping[str, str]) -> None:
    body = json.dumps(fields).encode()
    asked = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=PATIENCE_SECONDS) as answer:
        _log.info("--notify: %s", answer.status)


def _call(command: list[str], fields: Mapping[str, str], environment: Mapping[str, str]) -> None:
    """Run the command in a session of its own, its output in the log of the run."""
    own = {f"VP_TUI_RUN_{name.upper()}": value for name, value in fields.items()}
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, env={**environment, **own}, start_new_session=True)
    try:
        code = child.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        raise
    if code:
        _log.warning("--notify ended with exit code %d, the result of the run stays", code)
