"""The worker process of a run, in its own session.

It claims the run, waits for its device (a lock file per device is the queue), validates, and writes every event
through the store's writer thread. Losing the terminal does not affect it.
"""

import argparse
import faulthandler
import logging
import os
import signal
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from types import FrameType

import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.errors import ExitCode, StoreError, UsageError, VpTuiError
from vp_tui.core.events import AlertRaised, Event, PhaseChanged, RunFinished, RunStopped, now_us
from vp_tui.core.runs import notify
from vp_tui.core.runs.step_times import earlier_steps
from vp_tui.core.store import caches, lifecycle
from vp_tui.core.store.endings import ended
from vp_tui.core.store.home import Home
from vp_tui.core.store.writer import RunWriter
from vp_tui.core.text import safe
from vp_tui.core.workers.device_queue import wait_for
from vp_tui.core.workers.fleet.choice import choose, locked, several_of, shown
from vp_tui.core.workers.validate.arms import EncoderFactory, PlainEncoders
from vp_tui.core.workers.validate.course import Course
from vp_tui.core.workers.validate.validation import Place, Setting, validate

log = logging.getLogger("vp_tui.run")


ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGXCPU)
"""Sent by `vp-tui stop`, by kill, and by batch systems before a time limit or a preemption."""


class Cancelled(BaseException):
    """A signal of ENDING_SIGNALS arrived; not an Exception, so that nothing on the way swallows it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The run."""
    parser.add_argument(
        "--run", type=int, help="id of a queued run in the store under VP_TUI_HOME; default: from stdin"
    )


def plain_encoders(config: RunConfig) -> EncoderFactory:
    """Return the ordinary encoders.

    Raises:
        UsageError: the run is one with a fault, which this worker does not inject.
    """
    if config.fault is not None:
        raise UsageError(f"the fault {config.fault} is only injected by `vp-tui demo --fault`")
    return PlainEncoders()


Stream = Callable[[Setting], Generator[Event, None, None]]
"""What a run does, as events: validation.validate, or another kind of run."""


def main(
    options: argparse.Namespace,
    encoders_of: Callable[[RunConfig], EncoderFactory] = plain_encoders,
    stream: Stream = validate,
) -> int:
    """Run one queued run to its end; return the run's exit code."""
    run_id = _told() if options.run is None else options.run
    if run_id is None:
        return ExitCode.GOOD
    logging.basicConfig(level=logging.INFO, handlers=[_log_handler()])
    faulthandler.enable()
    home = Home.from_environment(os.environ)
    uuid, config = lifecycle.run_config(home, run_id)
    lifecycle.claim(home, run_id, uuid)
    code = _to_its_end(home, run_id, uuid, config, encoders_of, stream)
    for number in ENDING_SIGNALS:
        # the run is over: a signal ends what is left
        signal.signal(number, signal.SIG_DFL)
    notify.tell(home, run_id, os.environ)
    return code


def _told() -> int | None:
    """Return the run's id on standard input, None where it ends without one: the run was refused (core.runs.early)."""
    line = sys.stdin.readline()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return int(line) if line.endswith("\n") else None


def _to_its_end(
    home: Home,
    run_id: int,
    uuid: str,
    config: RunConfig,
    encoders_of: Callable[[RunConfig], EncoderFactory],
    stream: Stream,
) -> int:
    try:
        with RunWriter(home, run_id) as writer:
            code = _run(home, run_id, uuid, config, writer, encoders_of, stream)
        caches.trim(home)
        return code
    except StoreError as error:
        log.error("%s", error)
        lifecycle.give_up(home, run_id, error)
        return error.exit_code


class _SafeFormatter(logging.Formatter):
    """One line per message, without characters of file names or model names that could steer a terminal."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line of `record`."""
        record.message = safe(record.message)
        return super().formatMessage(record)


def _log_handler() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SafeFormatter("%(asctime)s %(levelname)s %(message)s"))
    return handler


def _run(
    home: Home,
    run_id: int,
    uuid: str,
    config: RunConfig,
    writer: RunWriter,
    encoders_of: Callable[[RunConfig], EncoderFactory],
    stream: Stream,
) -> int:
    """Wait for the device, then validate; every way to end leaves a RunStopped or a RunFinished."""
    try:
        encoders = encoders_of(config)
        with _signals_cancel():
            place = Place(run_uuid=uuid, folder=home.run_folder(uuid), cache=home.cache)
            return _on_its_devices(home, run_id, config, place, writer, encoders, stream)
    except Cancelled as cancelled:
        name = signal.Signals(cancelled.number).name
        why = f"signal {cancelled.number} ({name}) from outside vp-tui (a batch system, a logout, kill?)"
        ending = ended(home.run_folder(uuid), why)
        return _stop(writer, ending.status, ending.reason, ending.exit_code)
    except VpTuiError as error:
        log.error("%s", error)
        return _stop(writer, "failed", str(error), error.exit_code)
    except Exception as error:
        log.exception("the run failed")
        text = f"{type(error).__name__}: {error}; the traceback is in run.log"
        return _stop(writer, "failed", text, ExitCode.INTERNAL)


def _on_its_devices(
    home: Home,
    run_id: int,
    config: RunConfig,
    place: Place,
    writer: RunWriter,
    encoders: EncoderFactory,
    stream: Stream,
) -> int:
    """Wait for the devices, then validate on them."""
    device, why, asked = choose(config)
    wait_for(home, locked(device, asked), lambda: writer.put(_waiting(device)))
    lifecycle.start(home, run_id, shown(device, asked))
    earlier = earlier_steps(home, config, str(device))
    with (
        several_of(config, asked, place.folder, writer.put) as several,
        Sampler(environment.gpu_uuid(device), writer.put, own=0 if several is None else 1) as sampler,
    ):
        setting = Setting(
            config=config,
            place=place,
            device=device,
            device_reason=why,
            sampler=sampler,
            encoders=encoders,
            several=several,
            course=Course(has_oracle=config.oracle > 0, earlier=earlier, tell=writer.put),
        )
        return _written(stream(setting), writer)


def _written(events: Generator[Event, None, None], writer: RunWriter) -> int:
    exit_code = int(ExitCode.INTERNAL)
    with closing(events):
        for event in events:
            writer.put(event)
            _log(event)
            if isinstance(event, RunFinished):
                exit_code = event.exit_code
    return exit_code


def _stop(writer: RunWriter, status: str, reason: str, exit_code: int) -> int:
    writer.put(
        RunStopped(at_us=now_us(), status=status, reason=reason, exit_code=exit_code)  # type: ignore[arg-type]
    )
    return exit_code


def _waiting(device: torch.device) -> PhaseChanged:
    return PhaseChanged(at_us=now_us(), phase="waiting", detail=f"another run uses {device}")


@contextmanager
def _signals_cancel() -> Iterator[None]:
    """The first of ENDING_SIGNALS raises Cancelled in the main thread, later ones are ignored."""

    def cancel(number: int, _: FrameType | None) -> None:
        for name in ENDING_SIGNALS:
            signal.signal(name, signal.SIG_IGN)
        log.info("signal %d: stopping", number)
        raise Cancelled(number)

    for name in ENDING_SIGNALS:
        signal.signal(name, cancel)
    yield


def _log(event: Event) -> None:
    match event:
        case PhaseChanged():
            log.info("%s", event.detail or event.phase)
        case AlertRaised():
            level = logging.INFO if event.severity == "info" else logging.WARNING
            log.log(level, "%s: %s", event.kind, event.message)
        case RunFinished():
            log.info("%s: %s; %s", event.verdict, event.sentence, event.speedup.reason)
        case _:
            pass
