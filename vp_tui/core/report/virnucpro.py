"""Document of `vp-tui virnucpro --json`: counts of the front end, one run document per model, agreement, notes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from vp_tui.core.errors import ExitCode
from vp_tui.core.report.document import run_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import plural

SCHEMA_VERSION: Final = 1
Model = Literal["esm", "dnabert", "candidate_esm"]
SECOND: Final[Model] = "candidate_esm"
"""A second protein model, where one is the candidate."""

_TOLD: Final = {
    "too_short": "contigs are shorter than one codon and have no frame",
    "without_frame": "contigs have no frame without a stop codon; VirNucPro makes no prediction for them",
    "rna_letters": "bases U were read as T",
    "lower_case": "lower-case characters were read as upper case",
    "ambiguous": "bases are not A, C, G, T or U; codons with one of them were dropped, as VirNucPro does",
    "renamed": "records with a duplicate id were renamed (x.2, x.3, ...)",
}
"""Count -> note when it is not 0."""


def virnucpro_document(
    *,
    source: str,
    chunk: int,
    counts: Mapping[str, int],
    runs: Mapping[Model, RunSnapshot],
    agreement: Mapping[str, Any] | None,
    labels_run: RunSnapshot | None,
    notes: Sequence[str],
    exit_code: int,
) -> dict[str, Any]:
    """Return the document; `agreement` is None where a run has no result, `labels_run` without labels."""
    return {
        "schema_version": SCHEMA_VERSION,
        "input": source,
        "chunk": chunk,
        "contigs": counts["contigs"],
        "chunks": counts["chunks"],
        "frames": counts["frames"],
        "counts": dict(counts),
        "verdict": agreement["verdict"] if agreement is not None else None,
        "exit_code": exit_code,
        "runs": {model: run_document(run) for model, run in runs.items()},
        "labels_run": None if labels_run is None else run_document(labels_run),
        "agreement": None if agreement is None else dict(agreement),
        "notes": list(notes),
    }


def notes_of(
    counts: Mapping[str, int], runs: Mapping[Model, RunSnapshot], agreement: Mapping[str, Any] | None
) -> list[str]:
    """Return notes, one sentence each."""
    notes = [f"{counts[name]} {text}" for name, text in _TOLD.items() if counts.get(name)]
    if agreement is None:
        states = ", ".join(f"{model} is {found.run.status}" for model, found in runs.items())
        return [*notes, f"agreement not computed, all runs must be completed: {states}"]
    if agreement["labels"] is None:
        notes.append("no classifier (--classifier): similarity only, no labels, gates D1 to D3 not judged")
    if agreement.get("structure") is not None:
        notes.append(
            "two protein models (reference: --esm in fp32, candidate: --candidate-esm in --precision) have no cosine "
            "with each other: structure (S1, S2) is reported without limits, labels (D1 to D3) are judged by the "
            "limits for two precisions of one model, which --thresholds changes"
        )
    dropped = agreement["merged"]["only_esm"] + agreement["merged"]["only_dnabert"] + agreement["missing"]
    if dropped:
        notes.append(f"{plural(dropped, 'frame')} left out: missing in one of the runs")
    return notes


def worst_exit_code(runs: Mapping[str, int], agreement: Mapping[str, Any] | None) -> int:
    """Return the exit code of an incomplete run, else of a failed validation, else success."""
    broken = [code for code in runs.values() if code not in {ExitCode.GOOD, ExitCode.VALIDATION_FAILED}]
    if broken:
        return broken[0]
    is_failure = agreement is not None and agreement["verdict"] in {"FAIL", "INVALID"}
    return max(ExitCode.VALIDATION_FAILED if is_failure else ExitCode.GOOD, *runs.values())
