"""How sure a verdict is, in words: the share of the file that could still fail (measures.file_bound), the reference."""

from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.measurements import Measured

MIN_FILE: Final = 0.01
"""From this bound on a PASS begins with it: it stands on a handful of sequences."""


def bound_of(measured: Measured) -> float | None:
    """Return the bound for the file, or that of an even sample where the file is not known (an older run)."""
    numbers = measured.values.get("M1", {}).get("all", {})
    bound = numbers.get("failure_bound_file")
    return numbers.get("failure_bound") if bound is None else bound


def is_proved(measured: Measured) -> bool:
    """Return True when the error of the reference was measured against FP64 (R1)."""
    return measured.values.get("R1", {}).get("all", {}).get("reference_error_p50") is not None


def failures_in_words(bound: float) -> str:
    """Return a bound as `up to 22 in 100`, or in 1,000 or 10,000 where it is smaller; 0 only where it is 0."""
    bound = min(max(bound, 0.0), 1.0)
    for whole in (100, 1_000, 10_000):
        if bound * whole >= 1 or whole == 10_000:
            break
    return f"up to {max(round(bound * whole), 1 if bound > 0 else 0)} in {fmt.exact(whole)}"
