"""How far a run is, over all of its steps, and the step in words; for the screen and for the lines of the shell."""

import math
from typing import Final

from vp_tui.core.store.snapshot import RunRow
from vp_tui.core.text import exact

_LEAST_LEFT: Final = 0.01
"""Of a run that has not ended."""


def fraction_of(run: RunRow) -> float:
    """Return the share of the whole time, 1 only for a completed run; of a run without steps, of its sequences."""
    if run.status == "completed":
        return 1.0
    if run.progress is not None:
        return run.progress.fraction
    return min(run.done / run.total, 1 - _LEAST_LEFT) if run.total else 0.0


def share_words(run: RunRow) -> str:
    """Return the fraction in whole percents, 100% only for a completed run."""
    return f"{math.floor(100 * fraction_of(run))}%"


def step_words(run: RunRow) -> str:
    """Return `step 4 of 6: checking against FP64, 12 of 64`, or the phase of a run without steps."""
    if run.progress is None:
        return run.phase
    one = run.progress
    part = f", {exact(one.done)} of {exact(one.total)}" if one.total else ""
    return f"step {one.step} of {one.steps}: {one.name}{part}"
