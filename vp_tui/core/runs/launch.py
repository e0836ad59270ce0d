"""Start and stop runs from a screen or a shell; loads no torch.

A run is its own process in its own session (start_new_session), without a terminal: closing the screen, losing the SSH
connection or killing the shell does not affect it.
"""

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from vp_tui.core import text as fmt
from vp_tui.core.config import RunConfig, choose_precision
from vp_tui.core.errors import RunFailedError, StoreError
from vp_tui.core.files import user_path
from vp_tui.core.inputs import compatibility, sequences, units
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.runs import devices
from vp_tui.core.runs.device import require_device
from vp_tui.core.runs.early import EarlyWorker
from vp_tui.core.runs.worker import start_detached, worker_command
from vp_tui.core.store import kept_blocks, lifecycle
from vp_tui.core.store.endings import LOCK_NAME, LOG_NAME, ask_to_stop
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import Worker, is_held, is_running, start_ticks, this_host
from vp_tui.core.store.reader import Reader

_started: set[int] = set()
"""Processes started here and not reaped yet."""
PATIENCE_SECONDS = 10.0
"""Time for a run to stop by itself before it is killed."""
KILL_SECONDS = 10.0
"""Time for a killed process to end; in uninterruptible sleep it may never."""


def preflight(config: RunConfig) -> None:
    """Refuse what cannot work before a run exists: device, sequence file, checkpoint folder, alphabet.

    Reads the whole sequence file, the checkpoint's config.json and its tokenizer. Of a hub id only the form is checked;
    the run fetches its files. The files of a judged run are read by a worker, `judge-check`.

    Raises:
        InputError, ModelError, UsageError: with what to do next.
    """
    if config.judged is not None:
        return
    require_device(config.device)
    devices.require(config)
    source = resolve(config.model)
    spec = read_spec(source.path) if source.is_here else None
    data = sequences.read(config.input)
    if spec is not None:
        compatibility.check(spec, source.path)
        if config.plan is not None:
            units.require(config.plan.kept, spec, config.plan.name)
        compatibility.require(spec, data)


def absolute_input(config: RunConfig) -> str:
    """Return the path of the sequences as it is stored with a run."""
    return str(user_path(config.input).absolute())


def as_requested(config: RunConfig) -> RunConfig:
    """Return the configuration as requested, before the rollback switch was applied; a re-run uses it."""
    precision = config.precision_requested or config.precision
    return config.model_copy(update={"precision": precision, "precision_requested": None, "precision_reason": None})


def create_and_start(
    home: Home,
    config: RunConfig,
    *,
    group_id: int | None = None,
    repeat_idx: int | None = None,
    resumed: str | None = None,
    early: EarlyWorker | None = None,
) -> int:
    """Check, create the run's row, start its process or give it to `early`; return the run's id.

    `resumed` is the uuid of an interrupted run whose finished blocks the new one takes over. `group_id` and
    `repeat_idx` make it one of a group's repeats. VIRNUCPRO_DISABLE_FP16 is read here, once, and stored with the run
    together with its reason.

    Raises:
        InputError, ModelError: as preflight.
        StoreError: the store cannot be written.
    """
    preflight(config)
    # what another program computed is not ours to change
    environment = os.environ if config.judged is None else {}
    choice = choose_precision(config.precision, environment)
    config = config.model_copy(
        update={
            "precision": choice.precision,
            "precision_requested": config.precision if choice.reason else None,
            "precision_reason": choice.reason,
            "input": absolute_input(config),
            "model": from_anywhere(config.model),
        }
    )
    run_id = lifecycle.create_run(home, config, group_id=group_id, repeat_idx=repeat_idx)
    if resumed is not None:
        uuid, _ = lifecycle.run_config(home, run_id)
        kept_blocks.move(home.run_folder(resumed), home.run_folder(uuid))
    _start(home, run_id, early)
    return run_id


def from_anywhere(model: str) -> str:
    """Return a local checkpoint by its absolute path, as a rerun in another folder needs it; a hub id as it is."""
    path = user_path(model)
    return str(path.absolute()) if path.exists() else model


def _start(home: Home, run_id: int, early: EarlyWorker | None) -> None:
    uuid, config = lifecycle.run_config(home, run_id)
    log = home.run_folder(uuid) / LOG_NAME
    if early is None or not early.is_alive:
        process = start_detached(home, worker_command(_worker_name(config), "--run", str(run_id)), log, "ab")
    else:
        process = early.become(run_id, log)
    _forget(process)
    # The child registers itself too; this closes the gap in which it might die before it can.
    ticks = start_ticks(process.pid)
    if ticks is not None:
        lifecycle.register_worker(home, run_id, lifecycle.worker_of(process.pid, ticks))


def _worker_name(config: RunConfig) -> str:
    if config.judged is not None:
        return "judged-run"
    return "run" if config.fault is None else "faulty-run"


def _forget(process: subprocess.Popen[bytes]) -> None:
    """Detach the process, which may outlive this one, from its Popen; reap those that ended."""
    process.returncode = 0
    _started.add(process.pid)
    for pid in tuple(_started):
        with contextlib.suppress(ChildProcessError):
            if os.waitpid(pid, os.WNOHANG) == (0, 0):
                continue
        _started.discard(pid)


def stop(home: Home, run_id: int, *, force: bool = False) -> None:
    """Ask the run to stop (SIGTERM), kill it after PATIENCE_SECONDS; return when it has ended.

    With `force` a run whose machine or container is gone is ended too, if it was not heard of for some time.

    Raises:
        RunNotFoundError: no such run.
        StoreError: the run is on another machine, or the store cannot be read.
        RunFailedError: not even SIGKILL ended it within KILL_SECONDS.
    """
    with Reader(home) as reader:
        found = reader.run(run_id)
    if not found.is_active:
        lifecycle.reconcile(home)
        return
    folder = home.run_folder(found.uuid)
    worker = lifecycle.registered_worker(home, run_id)
    lock = folder / LOCK_NAME
    if worker is not None and not is_running(worker) and (worker.host != this_host() or is_held(lock)):
        _end_elsewhere(home, run_id, worker, force=force)
        return
    with contextlib.suppress(OSError):
        # without the mark the run says that a signal ended it
        ask_to_stop(folder)
    if worker is None:
        lifecycle.reconcile(home)
        return
    is_stopped = _ended(worker, lock, signal.SIGTERM, PATIENCE_SECONDS)
    if not is_stopped and not _ended(worker, lock, signal.SIGKILL, KILL_SECONDS):
        raise RunFailedError(
            f"run {run_id}: process {worker.pid} ({_state(worker.pid)}) did not end within "
            f"{fmt.limit(KILL_SECONDS)} s of SIGKILL. A process waits like this for a hung driver or disk: "
            "it ends when that answers, or at a reboot. "
            f"Check `dmesg` and `ps -o pid,stat,wchan {worker.pid}`; the run stays active until then"
        )
    lifecycle.reconcile(home)


def _end_elsewhere(home: Home, run_id: int, worker: Worker, *, force: bool) -> None:
    """End a run whose process cannot be seen from here; refuse without `force`."""
    if not force:
        raise StoreError(
            f"run {run_id} is running on {worker.host}; stop it there. If that machine or container is gone, "
            f"`vp-tui stop --force {run_id}` ends it"
        )
    lifecycle.end_lost(home, run_id)


def _ended(worker: Worker, lock: Path, number: signal.Signals, seconds: float) -> bool:
    """Signal the worker and wait; return True when it has ended within `seconds`.

    Its other threads hold the lock for a moment after its main thread has ended.
    """
    _signal(worker, number)
    give_up = time.monotonic() + seconds
    while (is_running(worker) or is_held(lock)) and time.monotonic() < give_up:
        time.sleep(0.05)
    return not is_running(worker) and not is_held(lock)


def _state(pid: int) -> str:
    try:
        return f"state: {psutil.Process(pid).status()}"
    except psutil.Error:
        return "state unknown"


def _signal(worker: Worker, number: signal.Signals) -> None:
    """Signal exactly this process, not a later one with the same pid."""
    if is_running(worker):
        try:
            os.kill(worker.pid, number)
        except ProcessLookupError:
            return
