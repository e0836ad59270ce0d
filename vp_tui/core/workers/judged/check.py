"""Look at both sides before a run exists, so that bad input leaves nothing behind: what is each side, do they match."""

import argparse
from typing import Any

from vp_tui.core.config import RunConfig
from vp_tui.core.workers.judged import sides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Both sides, and the FASTA file."""
    parser.add_argument("--reference", required=True)
    parser.add_argument("--candidate", required=True)
    parser.add_argument("--input", default="")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return `judged` of the run's configuration and the precisions that the files say they have (None: unknown).

    Raises:
        InputError, ModelError, UsageError: as sides.recognized and sides.opened.
    """
    judged = sides.recognized(options.reference, options.candidate, has_sequences=bool(options.input))
    given = options.input or judged.candidate
    found = sides.opened(RunConfig(model=judged.reference, input=given, judged=judged))
    precisions = {side: table.precision for side, table in found.tables.items()}
    if judged.encoded is not None:
        precisions[judged.encoded] = "fp32"
    return {"judged": judged.model_dump(), "input": given, "precisions": precisions}
