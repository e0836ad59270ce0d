"""R4: a candidate's error at every point beside that of its twin, which rounds and makes no other mistake."""

from dataclasses import dataclass
from typing import Any, Final

from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.trace import Trace, rms, rms_error, shared_error, without_nonfinite

_TWIN_NOISE: Final = 1e-6
"""The twin computes in FP32: a relative error below this is not one of rounding to the candidate's format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Error of the candidate over error of the twin at one point."""

    name: str
    rms: float
    """Of the RMS errors."""
    shared: float | None
    """Of the parts that all rows share; None where the twin has none."""


def ratios(candidate: Trace, oracle: OracleTrace) -> list[Ratio]:
    """In the order of execution; without points that are not finite, and those at which the twin is exact."""
    found = []
    for name, point in without_nonfinite(candidate).items():
        exact, floor = oracle.exact.points.get(name), oracle.floors.get(name)
        if exact is None or floor is None or floor.rms <= _TWIN_NOISE * rms(exact):
            continue
        shared = shared_error(point, exact) / floor.shared if floor.shared > 0 else None
        found.append(Ratio(name=name, rms=rms_error(point, exact) / floor.rms, shared=shared))
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
                "error": rms_error(finite[name], exact) / rms(exact),
                "floor": None if floor is None else floor.rms / rms(exact),
            }
        )
    return rows
