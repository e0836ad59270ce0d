"""Run workers (child processes with torch) from the command line, which never loads torch; the demo's files."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from vp_tui.core.bench.stopping import give_back, take_over
from vp_tui.core.errors import ExitCode, ResourceError
from vp_tui.core.runs.worker import read_answer, worker_command, worker_environment
from vp_tui.core.store.home import Home
from vp_tui.core.text import safe

CHECKPOINT = "checkpoint"
SEQUENCES = "sequences.fasta"


def run_module(home: Home, name: str, arguments: list[str]) -> int:
    """Run the worker `name` in the foreground on our stdout and stderr; return its exit code."""
    command = worker_command(name, *arguments)
    code = subprocess.run(command, env=worker_environment(home), stdin=subprocess.DEVNULL, check=False).returncode
    return code if code >= 0 else ExitCode.RUN_FAILED


def run_stoppable(home: Home, name: str, arguments: list[str]) -> int:
    """As run_module, but SIGINT, SIGTERM and SIGHUP are passed on to the worker, which decides what they mean."""
    command = worker_command(name, *arguments)
    # in a group of its own, or Ctrl+C would reach it twice
    with subprocess.Popen(command, env=worker_environment(home), stdin=subprocess.DEVNULL, process_group=0) as child:
        before = take_over(lambda number, _: child.send_signal(number))
        try:
            code = child.wait()
        finally:
            give_back(before)
    if code == -signal.SIGINT:
        # passed on while it was leaving: Python ends by the signal then
        return ExitCode.INTERRUPTED
    return code if code >= 0 else ExitCode.RUN_FAILED


def module_output(home: Home, name: str, arguments: Sequence[str] = ()) -> Any:
    """Return the answer of the worker `name`; its stderr goes to ours.

    Raises:
        VpTuiError: the error that the worker ended with.
        ResourceError: it ended without an answer.
    """
    command = worker_command(name, *arguments)
    done = subprocess.run(
        command, env=worker_environment(home), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    sys.stderr.write("".join(f"{safe(line)}\n" for line in done.stderr.splitlines()))
    try:
        return read_answer(done.stdout)
    except ValueError as error:
        raise ResourceError(
            f"{' '.join(command)} ended with exit code {done.returncode} and without an answer; see its output above"
        ) from error


def demo_places(home: Home, fault: str | None = None) -> dict[str, Path]:
    """Return the name of each demo run and the folder of its CHECKPOINT and SEQUENCES, made or not."""
    folder = home.cache / ("demo" if fault is None else f"demo-{fault}")
    return {folder.name: folder} | ({f"{folder.name}-dnabert": folder / "dnabert"} if fault is None else {})


def are_made(places: dict[str, Path]) -> bool:
    """Return True when all files exist; the sequences are written last."""
    return all((place / SEQUENCES).exists() for place in places.values())


def make_demo_files(home: Home, fault: str | None = None) -> dict[str, Path]:
    """Return the demo's places; files that are missing are made by a worker within seconds.

    Nothing of the worker's output reaches the terminal.

    Raises:
        ResourceError: they could not be made; with the last line of the worker's stderr.
    """
    places = demo_places(home, fault)
    if are_made(places):
        return places
    folder = next(iter(places.values()))
    done = subprocess.run(
        worker_command("demo-files", "--folder", str(folder), *(["--fault", fault] if fault else [])),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != ExitCode.GOOD:
        words = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        raise ResourceError(f"cannot make the demo's files in {folder}: {words[-1].removeprefix('error: ')}")
    return places
