"""Recompute the measures and the verdict of a stored run.

Reads the run's rows and the embeddings of both arms from its folder and changes nothing. Measures that need the model
(V2 to V4, T1, R1 to R7) are kept as stored; everything else, and the verdict, is recomputed.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from vp_tui.core.config import STRATA
from vp_tui.core.errors import InputError
from vp_tui.core.events import SequenceResult, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.measurements import Measured, as_document, from_document, merged
from vp_tui.core.measures import run_measures
from vp_tui.core.measures.file_bound import with_bounds
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.references import read_embeddings
from vp_tui.core.store.rows import as_row
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict import judge
from vp_tui.core.verdict.certainty import bound_of, is_proved
from vp_tui.core.workers.validate import controls


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Run and limits."""
    parser.add_argument("--run", type=int, required=True)
    parser.add_argument("--thresholds", help="Thresholds as JSON; without it those of the run")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return the recomputed part of the run document."""
    with Reader(Home.from_environment(os.environ)) as reader:
        snapshot, results = reader.snapshot(options.run), reader.results(options.run)
    limits = Thresholds.model_validate_json(options.thresholds) if options.thresholds else snapshot.limits
    return recompute(snapshot, results, limits)


def recompute(snapshot: RunSnapshot, results: Sequence[SequenceResult], limits: Thresholds) -> dict[str, Any]:
    """Return measures, findings, verdict, sentence and thresholds of a finished run, as JSON types.

    Raises:
        InputError: the run has no verdict, or its embeddings are gone.
    """
    if snapshot.run.verdict is None:
        raise InputError(
            f"run #{snapshot.run.id} is {snapshot.run.status} and has no verdict; only finished runs can be"
        )
    folder = Path(snapshot.folder)
    x_SD, y_SD = (read_embeddings(folder / f"{arm}.safetensors") for arm in ("reference", "candidate"))
    stratum_S = np.array([_index(result.stratum) for result in results])
    if not len(x_SD) == len(y_SD) == len(stratum_S):
        raise InputError(
            f"run #{snapshot.run.id} has {len(stratum_S)} rows, but {len(x_SD)} and {len(y_SD)} embeddings in {folder}"
        )
    measured = merged(
        [
            from_document(snapshot.measures),
            run_measures.after_run(x_SD, y_SD, stratum_S, cosine_limit=limits.fail(M1), hash_S=_hashes(results)),
            controls.run(x_SD, np.maximum(stratum_S, 0), limits),
        ]
    )
    return _judged(snapshot, results, measured, limits, x_SD)


def _judged(
    snapshot: RunSnapshot,
    results: Sequence[SequenceResult],
    measured: Measured,
    limits: Thresholds,
    x_SD: np.ndarray,
) -> dict[str, Any]:
    run = snapshot.run
    strata = tuple(replace(stats, below=_below(stats, results, limits)) for stats in snapshot.strata)
    in_file = measured.details.get("in_file")
    if in_file:
        measured = with_bounds(measured, strata, in_file, [result.sequence_id for result in results])
    measured = controls.beyond_the_run(measured, limits)
    found = judge.findings(
        strata,
        measured,
        limits=limits,
        gates=snapshot.config["gates"],
        reference_precision=run.reference,
        reference_nonfinite=int((~np.isfinite(x_SD).all(axis=1)).sum()),
        names=lambda row: results[row].sequence_id,
    )
    outcome = judge.verdict(found)
    return {
        "measures": as_document(measured),
        "findings": [as_row(finding) for finding in found],
        "verdict": outcome,
        "sentence": judge.sentence(
            outcome,
            found,
            strata,
            candidate=run.precision,
            limits=limits,
            reference=run.reference,
            bound=bound_of(measured),
            is_proved=is_proved(measured),
            details=measured.details,
        ),
        "thresholds": limits.model_dump(),
    }


def _index(stratum: str) -> int:
    return STRATA.index(stratum) if stratum in STRATA else run_measures.NO_STRATUM


def _below(stats: StratumStats, results: Sequence[SequenceResult], limits: Thresholds) -> int:
    """Sequences of the scope that are not above the cosine limit, counted again: the limit may differ."""
    mine = [result for result in results if stats.scope in {"all", result.stratum}]
    return sum(result.cosine is None or result.cosine <= limits.fail(M1) for result in mine)


def _hashes(results: Sequence[SequenceResult]) -> np.ndarray:
    """Return the content hashes, by which duplicates are found."""
    return np.array([result.seq_hash for result in results], np.int64)
