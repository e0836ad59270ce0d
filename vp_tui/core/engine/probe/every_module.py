"""Error, headroom and small values of every module: what a map of a model by module and block shows."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.probe.oracle_file import OracleTrace
from vp_tui.core.engine.probe.ratios import Ratio
from vp_tui.core.engine.probe.trace import Trace
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models.precision import range_of

_DIGITS: Final = 4
"""A large model has a thousand points, and nobody reads more."""


def headroom(name: str, max_abs: float, plan: PrecisionPlan, kind: Kind) -> float:
    """Return log2 of the largest number of the format at a point over its largest value."""
    largest = range_of(plan.at(unit_of(name, kind))).largest
    return float(np.log2(largest) - np.log2(max_abs))


def every_module(
    candidate: Trace, oracle: OracleTrace, found: Sequence[Ratio], plan: PrecisionPlan, kind: Kind
) -> list[dict[str, Any]]:
    """Return a row per point in the order of execution, in JSON types; a number that does not exist is None.

    `ratio` is R4, `bits` V3 and `subnormal_share` V4 of the point; `nonfinite` counts NaN and Inf of the candidate.
    """
    ratios = {one.name: one.by_sequence.mean for one in found if one.by_sequence is not None}
    rows = []
    for name, point in candidate.points.items():
        exact = oracle.exact.points.get(name)
        bits = share = None
        if exact is not None:
            bits = headroom(name, exact.max_abs, plan, kind) if exact.max_abs > 0 else None
            share = exact.subnormal / exact.values
        rows.append(
            {
                "module": name,
                "ratio": _short(ratios.get(name)),
                "bits": _short(bits),
                "subnormal_share": _short(share),
                "nonfinite": point.nonfinite,
            }
        )
    return rows


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{_DIGITS}g}")
