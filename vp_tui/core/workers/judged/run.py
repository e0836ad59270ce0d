"""The worker process of a judged run: the same claim, queue, log and store as a run that encodes both sides."""

import argparse
from collections.abc import Generator

from vp_tui.core.events import Event
from vp_tui.core.workers.judged import judging, predictions
from vp_tui.core.workers.validate import run
from vp_tui.core.workers.validate.plan import Setting
from vp_tui.core.workers.validate.run import add_arguments

__all__ = ["add_arguments", "main"]


def main(options: argparse.Namespace) -> int:
    """Judge the two sides of one queued run; return the run's exit code."""
    return run.main(options, stream=_stream)


def _stream(setting: Setting) -> Generator[Event, None, None]:
    judged = setting.config.judged
    is_table = judged is not None and judged.kind == "predictions"
    return (predictions.judge if is_table else judging.judge)(setting)
