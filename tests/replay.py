"""Runs without a model: event scripts played into the real store by a process that is the run's worker.

`VP_TUI_HOME=.. python tests/replay.py good --speed 4` creates a run, claims it and writes the script's events through
the real writer, four times as fast as a workstation would; `--speed 0` writes them as fast as the store takes them.
Run the dashboard beside it.
"""

import argparse
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from event_scripts import SCRIPTS, Script, Step, events

from vp_tui.core.config import RunConfig
from vp_tui.core.errors import ExitCode, StoreError
from vp_tui.core.events import AlertRaised, Event, PhaseChanged, RunFinished, RunStopped, now_us
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.writer import RunWriter

log = logging.getLogger("replay")


class Cancelled(BaseException):
    """SIGTERM or SIGINT; not an Exception, so that nothing on the way swallows it."""


def play(home: Home, script: Script, *, speed: float = 1.0, seed: int = 7, device: str = "cuda:0") -> int:
    """Create the run, be its worker, write its events; returns its exit code. `speed` 0: no waiting at all.

    SIGTERM and SIGINT cancel it like a real run. Killed and stalled scripts do not come back.
    """
    values = {"model": "facebook/esm2_t6_8M_UR50D", "input": "/data/reads.faa", "name": "replay", "device": device}
    run_id = lifecycle.create_run(home, RunConfig(**(values | script.config)))
    uuid, _ = lifecycle.run_config(home, run_id)
    lifecycle.claim(home, run_id, uuid)
    lifecycle.start(home, run_id, device)
    logging.basicConfig(
        filename=home.run_folder(uuid) / "run.log", level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    with RunWriter(home, run_id) as writer:
        try:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _cancel)
            return _write(writer, events(script, seed, device), speed, script.ends)
        except Cancelled:
            writer.put(_stopped("cancelled", "stopped on request", int(ExitCode.INTERRUPTED)))
            return int(ExitCode.INTERRUPTED)


def _cancel(*_: object) -> None:
    raise Cancelled


def _stopped(status: Any, reason: str, exit_code: int) -> RunStopped:
    return RunStopped(at_us=now_us(), status=status, reason=reason, exit_code=exit_code)


def _write(writer: RunWriter, steps: Iterator[Step], speed: float, ends: str) -> int:
    begin_s, begin_us, said_s = time.monotonic(), now_us(), 0.0
    exit_code = 0
    for seconds, event in steps:
        said_s += seconds / (speed or 1.0)
        time.sleep(max(0.0, begin_s + said_s - time.monotonic()) if speed else 0.0)
        # at speed 0 the script's own clock, so that points do not lie on each other
        at_us = begin_us + round(1e6 * said_s)
        writer.put(replace(event, at_us=at_us) if hasattr(event, "at_us") else event)
        exit_code = _log(event)
    if ends != "finished":
        _break_off(writer, ends)
    return exit_code


def _break_off(writer: RunWriter, ends: str) -> None:
    """Die, or hang, without a last word, once everything is written that was said."""
    writer.close()
    os.kill(os.getpid(), signal.SIGKILL if ends == "killed" else signal.SIGSTOP)


def _log(event: Event) -> int:
    """Into run.log what a run writes there; the exit code so far."""
    match event:
        case PhaseChanged():
            log.info("%s %s", event.phase, event.detail)
        case AlertRaised():
            log.warning("%s: %s", event.kind, event.message)
        case RunFinished():
            log.info("%s: %s", event.verdict, event.sentence)
            return event.exit_code
        case _:
            pass
    return 0


def main(arguments: list[str] | None = None) -> int:
    """One script by one process; two_gpus are two of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script", choices=[*SCRIPTS, "two_gpus"])
    parser.add_argument("--speed", type=float, default=1.0, help="times real speed; 0: as fast as possible")
    parser.add_argument("--device", default="cuda:0")
    options = parser.parse_args(arguments)
    if options.script == "two_gpus":
        command = [sys.executable, str(Path(__file__)), "good", "--speed", str(options.speed), "--device"]
        return max(child.wait() for child in [subprocess.Popen([*command, f"cuda:{number}"]) for number in range(2)])
    home = Home.from_environment(os.environ)
    seed = 7 + sum(map(ord, options.device))
    try:
        return play(home, SCRIPTS[options.script], speed=options.speed, seed=seed, device=options.device)
    except StoreError as error:
        log.error("%s", error)
        return int(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
