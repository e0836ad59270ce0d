"""R4, R5: a candidate's error over that of its twin, which rounds and makes no other mistake.

Both per sequence, then averaged as logarithms: in one trained ESM-2 a single sequence of 12 held 60 to 94 % of the
squared error, so that a ratio of root mean squares was that of two lucky draws (3 of 12 ideal engines above 1.75; per
sequence the same twelve are 1.20 to 1.29).

Shape suffixes: P sequences of the sample.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.point import rms, rms_error, sequence_errors, shared_error
from vp_tui.core.engine.probe.trace import Trace, without_nonfinite

_TWIN_NOISE: Final = 1e-6
"""The twin computes in FP32: a relative error below this is not one of rounding to the candidate's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceRatio:
    """Errors of a candidate over those of its twin, sequence by sequence."""

    mean: float
    """Geometric."""
    sequences: int
    worst: float
    worst_place: int
    """Of the sequence with the largest ratio, in indices_P."""


def sequence_ratio(error_P: NDArray[np.float64], floor_P: NDArray[np.float64], least: float) -> SequenceRatio | None:
    """Return the ratios of the sequences that have both errors, the twin's above `least`; None without any."""
    with np.errstate(invalid="ignore"):
        place_P = np.flatnonzero(np.isfinite(error_P) & (error_P > 0) & (floor_P > least))
    if not place_P.size:
        return None
    log_P = np.log(error_P[place_P] / floor_P[place_P])
    worst = int(log_P.argmax())
    return SequenceRatio(
        mean=float(np.exp(log_P.mean())),
        sequences=len(place_P),
        worst=float(np.exp(log_P[worst])),
        worst_place=int(place_P[worst]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Error of the candidate over error of the twin at one point."""

    name: str
    rms: float
    """Of the RMS errors over all tokens."""
    shared: float | None
    """Of the parts that all rows share; None where the twin has none."""
    by_sequence: SequenceRatio | None
    """None where the point has no rows of single sequences."""


def ratios(candidate: Trace, oracle: OracleTrace) -> list[Ratio]:
    """In the order of execution; without points that are not finite, and those at which the twin is exact."""
    found = []
    for name, point in without_nonfinite(candidate).items():
        exact, floor = oracle.exact.points.get(name), oracle.floors.get(name)
        if exact is None or floor is None or floor.rms <= _TWIN_NOISE * rms(exact):
            continue
        error_P = sequence_errors(point, exact, candidate.sketched, candidate.sequences)
        found.append(
            Ratio(
                name=name,
                rms=rms_error(point, exact, candidate.sketched) / floor.rms,
                shared=shared_error(point, exact) / floor.shared if floor.shared > 0 else None,
                by_sequence=sequence_ratio(error_P, floor.error_P, _TWIN_NOISE * rms(exact)),
            )
        )
    return found


def growth(candidate: Trace, oracle: OracleTrace) -> list[dict[str, Any]]:
    """Per block the relative RMS error of the residual stream, the candidate's and the twin's (None: no twin)."""
    rows = []
    finite = without_nonfinite(candidate)
    for name in oracle.exact.blocks:
        exact = oracle.exact.points.get(name)
        if exact is None or name not in finite or rms(exact) == 0:
            continue
        floor = oracle.floors.get(name)
        rows.append(
            {
                "module": name,
                "error": rms_error(finite[name], exact, candidate.sketched) / rms(exact),
                "floor": None if floor is None else floor.rms / rms(exact),
            }
        )
    return rows
