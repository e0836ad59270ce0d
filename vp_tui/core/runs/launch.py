"""Starting and stopping runs from a screen or a shell; loads no torch.

A run is its own process in its own session (start_new_session), with no terminal: closing the screen,
losing the SSH connection or killing the shell does not touch it.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from vp_tui.core.config import RunConfig, choose_precision
from vp_tui.core.errors import RunFailedError, StoreError
from vp_tui.core.inputs import compatibility, sequences
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.runs.worker import worker_command
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import HOME_VARIABLE, Home
from vp_tui.core.store.liveness import Worker, is_running, start_ticks, this_host
from vp_tui.core.store.reader import Reader

LOG_NAME = "run.log"
_started: set[int] = set()
"""Processes this one has started and not reaped yet."""
PATIENCE_SECONDS = 10.0
"""How long a run gets to stop by itself before it is killed."""


def preflight(config: RunConfig) -> None:
    """Refuse what cannot work before a run exists: bad sequence file, bad checkpoint folder, the wrong alphabet.

    Reads the sequence file whole, the checkpoint's config.json and its tokenizer. A hub id is only checked by its
    form: what it is, its files say, and the run fetches them.

    Raises:
        InputError, ModelError: with what to do next.
    """
    source = resolve(config.model)
    spec = read_spec(source.path) if source.is_here else None
    data = sequences.read(config.input)
    if spec is not None:
        compatibility.check(spec, source.path)
        compatibility.require(spec, data)


def as_requested(config: RunConfig) -> RunConfig:
    """The configuration as it was asked for, before the rollback switch of that day was heard: what a re-run asks."""
    precision = config.precision_requested or config.precision
    return config.model_copy(update={"precision": precision, "precision_requested": None, "precision_reason": None})


def create_and_start(
    home: Home, config: RunConfig, *, group_id: int | None = None, repeat_idx: int | None = None
) -> int:
    """Check, create the run's row, start its process; returns the run's id.

    `group_id` and `repeat_idx` make it one of a group's repeats. VIRNUCPRO_DISABLE_FP16 is heard here, once, and kept
    with the run together with its reason.

    Raises:
        InputError, ModelError: as preflight.
        StoreError: the store cannot be written.
    """
    preflight(config)
    choice = choose_precision(config.precision, os.environ)
    config = config.model_copy(
        update={
            "precision": choice.precision,
            "precision_requested": config.precision if choice.reason else None,
            "precision_reason": choice.reason,
            "input": str(Path(config.input).expanduser().absolute()),
        }
    )
    run_id = lifecycle.create_run(home, config, group_id=group_id, repeat_idx=repeat_idx)
    _start(home, run_id)
    return run_id


def _start(home: Home, run_id: int) -> None:
    uuid, config = lifecycle.run_config(home, run_id)
    command = worker_command("run" if config.fault is None else "faulty-run", "--run", str(run_id))
    environment = {**os.environ, HOME_VARIABLE: str(home.root), "PYTHONUNBUFFERED": "1"}
    with (home.run_folder(uuid) / LOG_NAME).open("ab") as log:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment,
            )
        except OSError as error:
            raise RunFailedError(f"cannot start {command}: {error}") from error
    _forget(process)
    # The child registers itself too; this closes the gap in which it might die before it can.
    ticks = start_ticks(process.pid)
    if ticks is not None:
        lifecycle.register_worker(home, run_id, lifecycle.worker_of(process.pid, ticks))


def _forget(process: subprocess.Popen[bytes]) -> None:
    """Leave the process to itself: it may outlive this one, so Popen must not mourn it; those that ended are reaped."""
    process.returncode = 0
    _started.add(process.pid)
    for pid in tuple(_started):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        _started.discard(pid)


def stop(home: Home, run_id: int) -> None:
    """Ask the run to stop (SIGTERM), kill it after PATIENCE_SECONDS; returns when it has ended.

    Raises:
        RunNotFoundError: no such run.
        StoreError: the run is on another machine, or the store cannot be read.
    """
    worker = _worker(home, run_id)
    if worker is None:
        lifecycle.reconcile(home)
        return
    _signal(worker, signal.SIGTERM)
    give_up = time.monotonic() + PATIENCE_SECONDS
    while is_running(worker) and time.monotonic() < give_up:
        time.sleep(0.05)
    _signal(worker, signal.SIGKILL)
    while is_running(worker):
        time.sleep(0.05)
    lifecycle.reconcile(home)


def _worker(home: Home, run_id: int) -> Worker | None:
    """The process of an active run, None when the run is over or has no process."""
    with Reader(home) as reader:
        if not reader.run(run_id).is_active:
            return None
    worker = lifecycle.registered_worker(home, run_id)
    if worker is not None and worker.host != this_host():
        raise StoreError(f"run {run_id} is going on {worker.host!r}; stop it there")
    return worker


def _signal(worker: Worker, number: signal.Signals) -> None:
    """Signal exactly this process: a pid that was reused meanwhile is left alone."""
    if is_running(worker):
        try:
            os.kill(worker.pid, number)
        except ProcessLookupError:
            return
