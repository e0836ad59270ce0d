"""M1: bounds on the share of the file, and of other sequences of its kind, that could still fail.

A sample is even over the strata, a file is not; so the bound for the file weighs each stratum by its share of the file.
Reads of one genome are not independent: for other genomes the accessions are counted, not the reads.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core.config import STRATA
from vp_tui.core.events import StratumStats
from vp_tui.core.measurements import Measured, merged
from vp_tui.core.measures.summary import CONFIDENCE, failure_bound

MIN_RELATED: Final = 2
"""Sequences per accession from which on they are counted as related."""
_ACCESSION = re.compile(r"([A-Z]{1,6}_?\d{4,}(?:\.\d+)?)[_:|/-]")
"""Accession of INSDC or RefSeq with something after it, such as coordinates; a name of another form tells nothing."""


def accession_of(name: str) -> str:
    """Return the accession a name begins with, or the name."""
    found = _ACCESSION.match(name)
    return found[1] if found else name


def file_bound(failed: Sequence[int], tried: Sequence[int], in_file: Sequence[int]) -> float | None:
    """Return the upper 95 % bound of the share of the file that fails, by stratum: failed of tried, and size.

    Without a failure: the largest sum of w p under prod (1 - p)^n >= 0.05, with w the share of the file. With some:
    the sum of the strata's own bounds at a confidence of 1 - 0.05 / 3, which is conservative. A stratum of the file
    that was not tried may fail as a whole. Where everything was tried the share is known.
    """
    whole = sum(in_file)
    if whole == 0 or sum(tried) == 0:
        return None
    if all(n >= size for n, size in zip(tried, in_file, strict=True)):
        return sum(failed) / whole
    weights = [size / whole for size in in_file]
    if any(failed):
        each = 1 - (1 - CONFIDENCE) / len(weights)
        bounds = [failure_bound(k, n, each) for k, n in zip(failed, tried, strict=True)]
        return min(1.0, sum(w * (1.0 if b is None else b) for w, b in zip(weights, bounds, strict=True)))
    untried = sum(w for w, n in zip(weights, tried, strict=True) if n == 0)
    return min(1.0, untried + _none_failed([(w, n) for w, n in zip(weights, tried, strict=True) if n > 0 and w > 0]))


def _none_failed(parts: Sequence[tuple[float, int]]) -> float:
    """The largest sum of w p where the chance of no failure is at least 5 %.

    At the optimum 1 - p = min(1, scale n / w) with one scale for all strata; the scale is found by bisection.
    """
    needed = math.log(1 - CONFIDENCE)

    def kept(scale: float) -> list[float]:
        return [min(1.0, scale * n / w) for w, n in parts]

    low, high = 0.0, max((w / n for w, n in parts), default=1.0)
    for _ in range(200):
        scale = (low + high) / 2
        chance = sum(n * math.log(max(q, 1e-300)) for (_w, n), q in zip(parts, kept(scale), strict=True))
        low, high = (low, scale) if chance >= needed else (scale, high)
    return sum(w * (1 - q) for (w, _n), q in zip(parts, kept(high), strict=True))


def with_bounds(
    measured: Measured, strata: Sequence[StratumStats], in_file: Mapping[str, int], names: Iterable[str]
) -> Measured:
    """Return the measures with M1's bounds for the file and for other accessions; `in_file` is stratum -> sequences."""
    by_name = {stats.scope: stats for stats in strata}
    tried = [by_name[name].n for name in STRATA]
    failed = [by_name[name].below for name in STRATA]
    groups = len({accession_of(name) for name in names})
    numbers: dict[str, float | None] = {
        "failure_bound_file": file_bound(failed, tried, [in_file.get(name, 0) for name in STRATA])
    }
    if groups and sum(tried) >= MIN_RELATED * groups:
        numbers |= {
            "accessions": float(groups),
            "failure_bound_accessions": failure_bound(min(sum(failed), groups), groups),
        }
    details: dict[str, Any] = {"in_file": dict(in_file)}
    return merged([measured, Measured(values={"M1": {"all": numbers}}, details=details)])
