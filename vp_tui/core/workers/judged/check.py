"""Look at both sides before a run exists, so that bad input leaves nothing behind: what is each side, do they match."""

import argparse
from typing import Any

from vp_tui.core.config import Judged, PredictionColumns, RunConfig
from vp_tui.core.errors import UsageError
from vp_tui.core.files import user_path
from vp_tui.core.workers.judged import prediction_sides, sides


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Both sides, and the FASTA file."""
    parser.add_argument("--reference", required=True)
    parser.add_argument("--candidate", required=True)
    for name in ("input", "truth", "id-column", "label-column", "score-column"):
        parser.add_argument(f"--{name}", default="")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return `judged` of the run's configuration and the precisions that the files say they have (None: unknown).

    Raises:
        InputError, ModelError, UsageError: as sides.recognized and sides.opened.
    """
    judged = sides.recognized(options.reference, options.candidate, has_sequences=bool(options.input))
    given = options.input or judged.candidate
    if judged.kind == "predictions":
        return _of_predictions(judged, options, given)
    if options.truth:
        raise UsageError("--truth is for predictions: embeddings have no labels")
    found = sides.opened(RunConfig(model=judged.reference, input=given, judged=judged))
    precisions = {side: table.precision for side, table in found.tables.items()}
    if judged.encoded is not None:
        precisions[judged.encoded] = "fp32"
    return {"judged": judged.model_dump(), "input": given, "precisions": precisions}


def _of_predictions(judged: Judged, options: argparse.Namespace, given: str) -> dict[str, Any]:
    columns = PredictionColumns(id=options.id_column, label=options.label_column, score=options.score_column)
    truth = str(user_path(options.truth).absolute()) if options.truth else None
    judged = judged.model_copy(update={"columns": columns, "truth": truth})
    prediction_sides.opened(RunConfig(model=judged.reference, input=given, judged=judged))
    return {"judged": judged.model_dump(), "input": given, "precisions": {}}
