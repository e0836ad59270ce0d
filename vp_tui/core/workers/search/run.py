"""`vp-tui search`: find the smallest set of units that a failed run must keep in a higher precision.

Progress goes to stderr, a line per trial; records and result go into the folder of the run (core.runs.search.records).
A search that was killed goes on where it was: trials of the same question are taken over.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch

from vp_tui.core import text as fmt
from vp_tui.core.config import Precision, PrecisionPlan
from vp_tui.core.engine import environment
from vp_tui.core.engine.faults.inject import FaultyEncoders
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.formats import UnitFormat
from vp_tui.core.inputs import units
from vp_tui.core.models import precision
from vp_tui.core.runs.search import records
from vp_tui.core.runs.search.algorithm import Trials
from vp_tui.core.runs.search.formats import formats
from vp_tui.core.runs.search.records import Question, Status, Trial
from vp_tui.core.store import lifecycle, plans
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import hold
from vp_tui.core.store.reader import Reader
from vp_tui.core.workers.device_queue import wait_for
from vp_tui.core.workers.search.attempts import Attempts
from vp_tui.core.workers.search.data import SearchData, read
from vp_tui.core.workers.search.models import Models
from vp_tui.core.workers.search.steps import Search
from vp_tui.core.workers.validate.arms import EncoderFactory, PlainEncoders

EXIT_CODES: Final = MappingProxyType[Status, ExitCode](
    {
        "confirmed": ExitCode.GOOD,
        "unconfirmed": ExitCode.INCONCLUSIVE,
        "budget": ExitCode.INCONCLUSIVE,
        "not-reproduced": ExitCode.INCONCLUSIVE,
        "not-precision": ExitCode.VALIDATION_FAILED,
        "none": ExitCode.VALIDATION_FAILED,
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=int, required=True)
    parser.add_argument("--budget", type=int, default=records.DEFAULT_BUDGET)
    parser.add_argument("--faster", action="store_true")
    parser.add_argument("--pin", action="append", default=[])
    parser.add_argument("--forbid", action="append", default=[])


def main(options: argparse.Namespace) -> int:
    """Search, write the result and return the exit code: 0 confirmed, 4 no plan passes, 6 not confirmed."""
    home = Home.from_environment(os.environ)
    with Reader(home) as reader:
        row = reader.run(options.run)
    _, config = lifecycle.run_config(home, options.run)
    device, _ = environment.resolve_device(config.device)
    base, keep = formats(
        row,
        config.precision,
        is_planned=config.plan is not None,
        faster=options.faster,
        has_fp8=precision.multiplies_fp8(device),
    )
    _require_device(base, keep, device)
    _hold_alone(home.run_folder(row.uuid), row.id, options.budget)
    wait_for(home, [device], lambda: _say(f"another run uses {device}; waiting for it"))
    data = read(home, options.run, device)
    result = search_of(data, device, base, keep, options).result()
    if result.plan is not None and result.status == "confirmed":
        plans.save(home, result.plan, plans.Origin(run_uuid=result.run_uuid, is_confirmed=True))
    records.write_result(data.folder, result)
    _say(result.sentence)
    return EXIT_CODES[result.status]


def _require_device(base: UnitFormat, keep: Precision, device: torch.device) -> None:
    precision.check(PrecisionPlan(name=base, precision=base, kept={"any": keep}), device)


def _hold_alone(folder: Path, run_id: int, budget: int) -> None:
    """Raise UsageError while another process searches the same run; the lock ends with the process."""
    lock = hold(folder / records.LOCK, blocking=False)
    if lock is None:
        raise UsageError(f"run #{run_id} is being searched by another process; its trials are in {folder}")
    records.note_budget(lock, budget)


def search_of(
    data: SearchData, device: torch.device, base: UnitFormat, keep: Precision, options: argparse.Namespace
) -> Search:
    """Load the checkpoint, and take over the trials of an interrupted search. Raises UsageError: unknown units."""
    names = units.units_of(data.spec)
    question = Question(
        run_uuid=data.run_uuid,
        base=base,
        keep=keep,
        faster=options.faster,
        pinned=units.expand(options.pin, names),
        forbidden=units.expand(options.forbid, names),
        sequences=data.digest,
    )
    before, old = records.read_trials(data.folder)
    if before != question:
        records.begin(data.folder, question)
        old = ()
    config = data.config
    encoders: EncoderFactory = FaultyEncoders(config.fault) if config.fault else PlainEncoders()
    progress = _Progress(options.budget)
    attempts = Attempts(
        data=data,
        device=device,
        question=question,
        models=Models.of(data.source, PrecisionPlan(name=base, precision=base), device, config.attention),
        encoders=encoders,
        report=progress.show,
        old={trial.kept: trial for trial in old},
    )
    return Search(attempts=attempts, trials=Trials(attempt=attempts.attempt, budget=options.budget), say=_say)


class _Progress:
    """A line per trial, with what is left."""

    def __init__(self, budget: int) -> None:
        self._budget, self._done = budget, 0
        self._began_s = time.monotonic()

    def show(self, trial: Trial) -> None:
        self._done += 1
        spent_s, left = time.monotonic() - self._began_s, self._budget - self._done
        not_finite = f", {trial.nonfinite} not finite" if trial.nonfinite else ""
        outcome = "passes" if trial.passed else f"fails ({trial.failing}{not_finite})"
        eta = f"{fmt.seconds(left * spent_s / self._done)} for at most {left} more" if left else "the last one"
        replayed = ", from an earlier search" if trial.is_replayed else ""
        kept = fmt.plural(len(trial.kept), "unit")
        _say(f"trial {self._done}, {trial.stage}: {kept} kept, {outcome}{replayed}; {eta}")


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
