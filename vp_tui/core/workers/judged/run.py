"""The worker process of a judged run: the same claim, queue, log and store as a run that encodes both sides."""

import argparse

from vp_tui.core.workers.judged.judging import judge
from vp_tui.core.workers.validate import run
from vp_tui.core.workers.validate.run import add_arguments

__all__ = ["add_arguments", "main"]


def main(options: argparse.Namespace) -> int:
    """Judge the two sides of one queued run; return the run's exit code."""
    return run.main(options, stream=judge)
