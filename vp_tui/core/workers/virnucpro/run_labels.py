"""Labels of a classifier on the embeddings of finished runs of one model: for `vp-tui tiers --classifier`.

VirNucPro's own classifier takes two models at once, so its labels are those of `vp-tui virnucpro`; here the classifier
was trained on the embeddings of one model. A run whose files are gone has a reason in place of numbers.
"""

import argparse
import os
from pathlib import Path
from typing import Any

from vp_tui.core.errors import RunFailedError
from vp_tui.core.events import ARMS
from vp_tui.core.store.home import Home
from vp_tui.core.workers.virnucpro.agreement import compare_labels
from vp_tui.core.workers.virnucpro.classifier import Classifier, facts_of, load_classifier, scored
from vp_tui.core.workers.virnucpro.results import read_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--classifier", type=Path, required=True)
    parser.add_argument("runs", type=int, nargs="*", metavar="RUN", help="ids of completed runs")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return the facts of the classifier and, per id of a run, its labels."""
    classifier, home = load_classifier(options.classifier), Home.from_environment(os.environ)
    found = {str(run_id): _labels(home, run_id, classifier) for run_id in options.runs}
    return {"classifier": facts_of(classifier), "runs": found}


def _labels(home: Home, run_id: int, classifier: Classifier) -> dict[str, Any]:
    """Return how many of n labels flip, with a label that is missing on either side counted; or the reason."""
    try:
        run = read_run(home, run_id)
    except RunFailedError as error:
        return {"flips": None, "n": None, "reason": str(error)}
    if run.width != classifier.input_width:
        reason = f"the classifier takes {classifier.input_width} numbers per sequence, the model gives {run.width}"
        return {"flips": None, "n": None, "reason": reason}
    labels = compare_labels(run.ids, *(scored(classifier, run.embeddings[arm]) for arm in ARMS))
    return {"flips": labels.n - labels.agreed, "n": labels.n, "reason": None}
