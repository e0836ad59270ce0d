"""A second protein model as the candidate: its width differs, so only structure (S1, S2) and decisions are compared."""

from typing import Any

import numpy as np

from vp_tui.core.inputs.embeddings.matching import match
from vp_tui.core.measures.neighbours import neighbour_measures
from vp_tui.core.measures.selection import finite_rows
from vp_tui.core.measures.statistics import reference_statistics
from vp_tui.core.measures.structure import structure_measures
from vp_tui.core.store.rows import as_row
from vp_tui.core.workers.virnucpro.results import RunResult


def of_two_models(first: RunResult, second: RunResult) -> RunResult:
    """Return the reference arm of one model and the candidate arm of another as one result, matched by id.

    Embeddings of two models have no cosine with each other.

    Raises:
        InputError: no id in common.
    """
    found = match(first.ids, second.ids)
    return RunResult(
        ids=tuple(first.ids[row] for row in found.reference_S),
        cosine_S=np.full(len(found.reference_S), np.nan),
        embeddings={
            "reference": first.embeddings["reference"][found.reference_S],
            "candidate": second.embeddings["candidate"][found.candidate_S],
        },
    )


def structure_of(result: RunResult) -> dict[str, Any]:
    """Return S1 and S2 of two sets of any widths, each standardized by its own mean and spread."""
    x_SD, y_SD = (result.embeddings[arm] for arm in ("reference", "candidate"))
    rows_S = np.flatnonzero(finite_rows(x_SD, y_SD))
    statistics, y_statistics = reference_statistics(x_SD), reference_statistics(y_SD)
    near = neighbour_measures(x_SD, y_SD, statistics, y_statistics=y_statistics, rows_S=rows_S)
    whole = structure_measures(x_SD, y_SD, statistics, y_statistics=y_statistics, rows_S=rows_S)
    return {"widths": [x_SD.shape[1], y_SD.shape[1]], "S1": as_row(near), "S2": as_row(whole)}
