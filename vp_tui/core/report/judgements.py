"""Groups of outcomes, and the tone in which a report shows each."""

from typing import Final

from vp_tui.core.regression.verdicts import Outcome
from vp_tui.core.report.page import Tone

FAILED: Final[frozenset[Outcome]] = frozenset({"FAIL", "REGRESSED", "INCOMPLETE"})
OPEN: Final[frozenset[Outcome]] = frozenset({"SUSPECT", "INCONCLUSIVE", "NOT_COMPARABLE"})


def tone(outcome: Outcome) -> Tone:
    """Return bad, open or good."""
    if outcome in FAILED:
        return "bad"
    return "open" if outcome in OPEN else "good"
