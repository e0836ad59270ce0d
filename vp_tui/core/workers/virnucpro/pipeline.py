"""The last step of `vp-tui virnucpro`: two finished runs in, similarity per frame and contig and label agreement out.

Both arms are classified in FP32 on the CPU, so that a changed label can only come from the embeddings.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import InputError, UsageError
from vp_tui.core.events import ARMS, Arm
from vp_tui.core.inputs.predictions import chunk_of
from vp_tui.core.measures import summary
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.rows import as_json, as_row
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.judge import verdict
from vp_tui.core.workers.virnucpro import agreement
from vp_tui.core.workers.virnucpro.agreement import Consensus, Labels, Merge
from vp_tui.core.workers.virnucpro.classifier import Classifier, facts_of, load_classifier, require_width, scored
from vp_tui.core.workers.virnucpro.frames import FrameRow, read_table
from vp_tui.core.workers.virnucpro.results import RunResult, read_run, write_predictions
from vp_tui.core.workers.virnucpro.second_model import of_two_models, structure_of
from vp_tui.core.workers.virnucpro.translate import FRAMES

_DEFAULTS: Final = Thresholds()
_BATCH: Final = 4096
"""Frames classified at a time: 55 MB of merged vectors of 3,328 numbers."""


def classify(classifier: Classifier, merge: Merge, dnabert_SD: np.ndarray, esm_SD: np.ndarray) -> np.ndarray:
    """Return scores [S, 2] of the merged frames, float32; NaN for a frame whose embeddings are not finite."""
    scores = [np.empty((0, 2), np.float32)]
    for first in range(0, len(merge.ids), _BATCH):
        scores.append(scored(classifier, agreement.vectors(merge, dnabert_SD, esm_SD, slice(first, first + _BATCH))))
    return np.concatenate(scores, dtype=np.float32)


def examine(
    dnabert: RunResult,
    esm: RunResult,
    frames: Sequence[FrameRow],
    classifier: Classifier | None,
    limits: Thresholds = _DEFAULTS,
    *,
    candidate_classifier: Classifier | None = None,
    tables: Path | None = None,
) -> dict[str, Any]:
    """Return the document: similarity always, labels, judged by `limits`, where there is a classifier.

    The candidate has the same classifier unless `candidate_classifier` is given. The scores of both arms are written
    to the folder `tables`.

    Raises:
        ModelError: a classifier is for other widths.
    """
    classifiers = _of_arms(classifier, candidate_classifier)
    place = {frame.id: frame for frame in frames}
    merge = agreement.merge_rows(dnabert.ids, esm.ids)
    unknown = [name for name in merge.ids if name not in place]
    if unknown:
        raise InputError(f"sequences of the runs are not in the table of frames: {len(unknown)}, first {unknown[0]!r}")
    rows = [place[name] for name in merge.ids]
    cosines = {"esm": esm.cosine_S[merge.esm_rows_S], "dnabert": dnabert.cosine_S[merge.dnabert_rows_S]}
    scores = _scores(classifiers, merge, dnabert, esm) if classifiers else None
    if scores is not None and tables is not None:
        write_predictions(tables, merge.ids, scores)
    document: dict[str, Any] = {
        "merged": {"frames": len(rows), "only_esm": merge.only_esm, "only_dnabert": merge.only_dnabert},
        "missing": len(frames) - len(rows),
        "classifier": None if classifier is None else facts_of(classifier),
        "candidate_classifier": None if candidate_classifier is None else facts_of(candidate_classifier),
        "per_frame": _per_frame(rows, cosines, scores),
        "per_contig": _per_contig(rows, cosines),
    }
    return document | _labels(rows, scores, document["per_contig"], limits)


def _of_arms(classifier: Classifier | None, candidate: Classifier | None) -> dict[Arm, Classifier]:
    """Return the classifier of either arm; nothing without one."""
    return {} if classifier is None else {"reference": classifier, "candidate": candidate or classifier}


def _scores(
    classifiers: Mapping[Arm, Classifier], merge: Merge, dnabert: RunResult, esm: RunResult
) -> dict[Arm, np.ndarray]:
    """Return the scores of either arm, each by its own classifier."""
    for arm, one in classifiers.items():
        require_width(one, dnabert.width, esm.embeddings[arm].shape[1])
    return {arm: classify(one, merge, dnabert.embeddings[arm], esm.embeddings[arm]) for arm, one in classifiers.items()}


def _similarity(cosine_S: np.ndarray) -> dict[str, Any]:
    return {
        "cosine_min": summary.lowest(cosine_S),
        "cosine_mean": summary.mean(cosine_S),
        "without_cosine": int(np.isnan(cosine_S).sum()),
    }


def _per_frame(
    rows: Sequence[FrameRow], cosines: Mapping[str, np.ndarray], scores: Mapping[Arm, np.ndarray] | None
) -> dict[str, Any]:
    """F1 to R3: similarity per model and label agreement."""
    name_S = np.array([row.name for row in rows])
    table = {}
    for name in FRAMES:
        members_S = np.flatnonzero(name_S == name).tolist()
        entry: dict[str, Any] = {"n": len(members_S)}
        entry |= {model: _similarity(cosine_S[members_S]) for model, cosine_S in cosines.items()}
        labels = None
        if scores is not None:
            ids = [rows[row].id for row in members_S]
            labels = _of_labels(
                agreement.compare_labels(ids, *(scores[arm][members_S] for arm in ARMS)), with_flips=False
            )
        table[name] = entry | {"labels": labels}
    return table


def _per_contig(rows: Sequence[FrameRow], cosines: Mapping[str, np.ndarray]) -> dict[str, dict[str, Any]]:
    """Number of frames and the worst similarity per model; a frame without one makes it None."""
    table: dict[str, dict[str, Any]] = {}
    for index, row in enumerate(rows):
        entry = table.setdefault(row.contig, {"frames": 0, "esm": np.inf, "dnabert": np.inf})
        entry["frames"] += 1
        for model, cosine_S in cosines.items():
            # np.minimum, unlike min, propagates NaN
            entry[model] = float(np.minimum(entry[model], cosine_S[index]))
    return table


def _labels(
    rows: Sequence[FrameRow],
    scores: Mapping[Arm, np.ndarray] | None,
    per_contig: dict[str, dict[str, Any]],
    limits: Thresholds,
) -> dict[str, Any]:
    """Return D1 to D3; add the consensus to the table of contigs."""
    if scores is None:
        return {"labels": None, "consensus": None, "findings": [], "verdict": None}
    arms = [scores[arm] for arm in ARMS]
    labels = agreement.compare_labels([row.id for row in rows], *arms)
    chunks = agreement.compare_consensus([chunk_of(row.id) for row in rows], *arms)
    contigs = agreement.compare_consensus([row.contig for row in rows], *arms)
    for name, reference, candidate in zip(contigs.names, contigs.reference, contigs.candidate, strict=True):
        per_contig[name] |= {"virus_reference": reference, "virus_candidate": candidate}
    found = agreement.findings(labels, chunks, contigs, limits)
    return {
        "labels": _of_labels(labels, with_flips=True),
        "consensus": {"chunks": _of_consensus(chunks), "contigs": _of_consensus(contigs)},
        "findings": [as_row(finding) for finding in found],
        "verdict": verdict(found),
    }


def _of_labels(labels: Labels, *, with_flips: bool) -> dict[str, Any]:
    row = as_row(labels) | {"agreement": labels.agreed / labels.n if labels.n else None}
    return row | {"flips": [as_row(flip) for flip in labels.flips] if with_flips else len(labels.flips)}


def _of_consensus(consensus: Consensus) -> dict[str, Any]:
    return {
        "n": consensus.n,
        "agreed": consensus.agreed,
        "agreement": consensus.agreed / consensus.n if consensus.n else None,
        "virus_reference": sum(answer is True for answer in consensus.reference),
        "virus_candidate": sum(answer is True for answer in consensus.candidate),
        "changed": list(consensus.changed),
    }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Either --check with a classifier, or the frames and both runs."""
    parser.add_argument("--check", action="store_true", help="only read the classifier and print its facts")
    parser.add_argument("--classifier", type=Path)
    parser.add_argument("--frames", type=Path)
    parser.add_argument("--esm-run", type=int)
    parser.add_argument("--dnabert-run", type=int)
    parser.add_argument("--candidate-esm-run", type=int, help="the run of a second protein model, the candidate")
    parser.add_argument("--candidate-classifier", type=Path)
    parser.add_argument("--tables", type=Path, help="folder for the predictions of both precisions")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return the document, or with --check the facts of the classifier."""
    classifier = None if options.classifier is None else load_classifier(options.classifier)
    if options.check:
        return {"classifier": None if classifier is None else facts_of(classifier)}
    if None in (options.frames, options.esm_run, options.dnabert_run):
        raise UsageError("--frames, --esm-run and --dnabert-run are needed; `vp-tui virnucpro` gives them")
    home = Home.from_environment(os.environ)
    frames = read_table(options.frames)
    with Reader(home) as reader:
        limits = reader.snapshot(options.esm_run).limits
    dnabert, esm = read_run(home, options.dnabert_run), read_run(home, options.esm_run)
    other = None if options.candidate_classifier is None else load_classifier(options.candidate_classifier)
    structure = None
    if options.candidate_esm_run is not None:
        esm = of_two_models(esm, read_run(home, options.candidate_esm_run))
        structure = structure_of(esm)
    document = examine(dnabert, esm, frames, classifier, limits, candidate_classifier=other, tables=options.tables) | {
        "structure": structure
    }
    # a NaN becomes null
    found: dict[str, Any] = json.loads(as_json(document))
    return found
