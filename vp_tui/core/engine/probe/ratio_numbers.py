"""The numbers of R4, R5 and R6, and what the run document says about them.

Shape suffixes: P sequences of the sample, Q those of R6, D width.
"""

from typing import Any, Final, TypeGuard

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.config import STRATA
from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.ratios import Ratio, SequenceRatio, sequence_ratio
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.semantics import Semantics
from vp_tui.core.errors import Unavailable
from vp_tui.core.measures.pairs import pair_measures

NOT_FINITE: Final = "the candidate's token outputs are not finite"

MODULE_SEQUENCES: Final = 8
"""R4 is not measured on fewer: the worst module of a sound engine is below 1.26 in 300 subsets of 8 proteins of 24
(trained ESM-2 8M, FP16), and was 1.3005 with 2 proteins of the demo."""
POOLED_SEQUENCES: Final = 24
"""R5 is not measured on fewer in all. A sound engine's ratio scatters from sequence to sequence (standard deviation of
the logarithm 0.20 to 0.25, trained ESM-2 8M): with 24, the largest of three strata is below 1.24 in 99 of 100 draws,
with 12 below 1.41."""
_STRATUM_SEQUENCES: Final = POOLED_SEQUENCES // len(STRATA)
"""A stratum with fewer has no R5 of its own."""

Numbers = dict[str, float | None]


def quotient(above: float | None, below: float | None) -> float | None:
    """Return above / below; None where one is missing or there is nothing below."""
    return above / below if above is not None and below else None


def module_ratios(
    output_error: float | None, oracle: OracleTrace, found: list[Ratio], plan: str, reasons: dict[str, str]
) -> Numbers:
    """R4 of all points; `reasons` gets why a number is missing."""
    output = quotient(output_error, oracle.output_floor)
    if not oracle.floors:
        reasons["R4"] = f"{plan} has no rounding emulation: its own arithmetic is what R1 measures"
    elif output is None:
        reasons["R4"] = f"at the outputs: {NOT_FINITE}"
    by_sequence = [ratio.by_sequence for ratio in found if ratio.by_sequence is not None]
    most = max((ratio.sequences for ratio in by_sequence), default=0)
    if 0 < most < MODULE_SEQUENCES:
        reasons["R4"] = f"only {most} in FP64, {MODULE_SEQUENCES} sequences are needed"
    by_sequence = [ratio for ratio in by_sequence if ratio.sequences >= MODULE_SEQUENCES]
    return {
        "rounding_ratio": max((ratio.mean for ratio in by_sequence), default=None),
        "output_ratio": output,
        "rounding_ratio_max": max((ratio.rms for ratio in found), default=None),
        "systematic_ratio_max": max((ratio.shared for ratio in found if ratio.shared is not None), default=None),
    }


def pooled_ratios(
    sample: Sample,
    exact_PD: NDArray[np.float64],
    rows_PD: NDArray[np.float32],
    floor_P: NDArray[np.float64] | None,
    reasons: dict[str, str],
) -> tuple[dict[str, Numbers], list[dict[str, Any]]]:
    """R5 by stratum and, as the largest of them, of all; and which sequence of the run has the largest ratio."""
    if floor_P is None:
        reasons["R5"] = "the candidate's format has no rounding emulation"
    elif len(floor_P) < POOLED_SEQUENCES:
        reasons["R5"] = f"only {len(floor_P)} in FP64, {POOLED_SEQUENCES} sequences are needed: give a larger --oracle"
    if not _is_enough(floor_P):
        return {"all": {"pooled_ratio": None}}, []
    error_P = pair_measures(exact_PD, rows_PD).relative_l2_S
    found: dict[str, SequenceRatio | None] = {}
    for index, scope in enumerate(STRATA):
        mine_P = np.where(sample.stratum_P == index, error_P, np.nan)
        if np.isfinite(mine_P).any():
            found[scope] = sequence_ratio(mine_P, floor_P, 0.0)
    judged = {scope: one for scope, one in found.items() if one is not None and one.sequences >= _STRATUM_SEQUENCES}
    numbers: dict[str, Numbers] = {
        scope: {"pooled_ratio": judged[scope].mean if scope in judged else None} for scope in found
    }
    numbers["all"] = {"pooled_ratio": max((one.mean for one in judged.values()), default=None)}
    details = [
        {
            "stratum": scope,
            "sequences": one.sequences,
            "ratio": one.mean,
            "sequence": int(sample.indices_P[one.worst_place]),
            "sequence_ratio": one.worst,
        }
        for scope, one in judged.items()
    ]
    return numbers, details


def noise_ratio(noise_P: NDArray[np.float64], floor_P: NDArray[np.float64] | None) -> float | None:
    """R3: the median over sequences of the candidate's noise over the error of rounding; None as for R5."""
    if not _is_enough(floor_P):
        return None
    there_P = np.isfinite(noise_P) & (floor_P > 0)
    return float(np.median(noise_P[there_P] / floor_P[there_P])) if there_P.any() else None


def _is_enough(floor_P: NDArray[np.float64] | None) -> TypeGuard[NDArray[np.float64]]:
    """Whether there is a floor, of enough sequences."""
    return floor_P is not None and len(floor_P) >= POOLED_SEQUENCES


def semantics(
    found: Semantics | Unavailable,
    exact_PD: NDArray[np.float64],
    reference_PD: NDArray[np.float32],
    reasons: dict[str, str],
) -> tuple[dict[str, Numbers], dict[str, Any]]:
    """R6, and what it reached."""
    if isinstance(found, Unavailable):
        reasons["R6"] = found.reason
        return {"all": {"semantics_ratio": None}}, {}
    exact_QD = exact_PD[found.places_Q]
    own, reference = (
        _median(pair_measures(exact_QD, rows_QD).relative_l2_S)
        for rows_QD in (found.rows_QD, reference_PD[found.places_Q])
    )
    ratio = quotient(own, reference)
    if ratio is None:
        reasons["R6"] = "embeddings in FP32 are not finite"
    details = {
        "sequences": len(found.places_Q),
        "error_p50": own,
        "reference_error_p50": reference,
        "attention": found.kernel,
        "unreached": found.unreached,
    }
    return {"all": {"semantics_ratio": ratio}}, details


def _median(error_Q: NDArray[np.float64]) -> float | None:
    return float(np.median(error_Q)) if np.isfinite(error_Q).all() else None
