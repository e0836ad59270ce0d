"""Work that needs torch, done in a child process, because the screen and the command line never load it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from vp_tui.core.bench.stopping import give_back, take_over
from vp_tui.core.errors import ExitCode, ResourceError, UsageError
from vp_tui.core.runs.worker import worker_command
from vp_tui.core.store.home import HOME_VARIABLE, Home


def _child(home: Home, module: str, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the worker `module`."""
    return worker_command(module, *arguments), {**os.environ, HOME_VARIABLE: str(home.root)}


def run_module(home: Home, module: str, arguments: list[str]) -> int:
    """Run a core module in the foreground on our stdout and stderr; returns its exit code."""
    command, environment = _child(home, module, arguments)
    code = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False).returncode
    return code if code >= 0 else ExitCode.RUN_FAILED


def run_stoppable(home: Home, module: str, arguments: list[str]) -> int:
    """As run_module, but the module decides what SIGINT, SIGTERM and SIGHUP mean: they are passed on to it."""
    command, environment = _child(home, module, arguments)
    # in a group of its own, or Ctrl+C would reach it twice
    with (
        subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, process_group=0) as child,
        _passed_on_to(child),
    ):
        code = child.wait()
    return code if code >= 0 else ExitCode.RUN_FAILED


@contextmanager
def _passed_on_to(child: "subprocess.Popen[bytes]") -> Iterator[None]:
    before = take_over(lambda number, _: child.send_signal(number))
    try:
        yield
    finally:
        give_back(before)


def module_output(home: Home, module: str, arguments: Sequence[str] = ()) -> Any:
    """The JSON a core module writes to stdout.

    Raises:
        UsageError: the module refused its input; with its own words.
        ResourceError: it ended otherwise; its stderr has gone to ours.
    """
    command, environment = _child(home, module, [*arguments])
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    told, is_error, refusal = done.stderr.rpartition("error: ")
    if done.returncode == ExitCode.USAGE and is_error:
        sys.stderr.write(told)
        raise UsageError(refusal.strip())
    sys.stderr.write(done.stderr)
    if done.returncode != 0:
        raise ResourceError(f"{' '.join(command)} ended with {done.returncode}; its message is above")
    return json.loads(done.stdout)
