"""The worker process of a run with an injected fault; `vp-tui demo --fault NAME` starts one, and a re-run of it."""

import argparse

from vp_tui.core.config import RunConfig
from vp_tui.core.engine.faults.inject import FaultyEncoders
from vp_tui.core.workers.validate import run
from vp_tui.core.workers.validate.arms import EncoderFactory
from vp_tui.core.workers.validate.run import add_arguments

__all__ = ["add_arguments", "main"]


def main(options: argparse.Namespace) -> int:
    """Run one queued run to its end with the fault of its configuration; return the run's exit code."""
    return run.main(options, encoders_of)


def encoders_of(config: RunConfig) -> EncoderFactory:
    """Return encoders of which one arm's has the fault.

    Raises:
        UsageError: there is no such fault.
    """
    return FaultyEncoders(config.fault or "")
