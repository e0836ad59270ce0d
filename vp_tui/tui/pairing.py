"""Which two runs the key for a comparison means, from the marks, the cursor and the baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.messages import StoreView

MARK_ANOTHER = "mark another run with space and press c again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sides as OpenComparison takes them."""

    base: str
    candidate: str


def pair(marked: Sequence[RunRow], cursor: RunRow | None, view: StoreView) -> Pair | str:
    """The pair, or in words what to do.

    Two marked runs: the older one is the base. One: it is the base of the run under the cursor. None: the run under
    the cursor and the newest baseline that fits it.
    """
    if len(marked) > 2:
        return f"{len(marked)} runs are marked and two are compared: take marks away with space, or all with esc"
    if len(marked) == 2:
        base, candidate = sorted(marked, key=lambda run: run.id)
        return _of_runs(base, candidate)
    if cursor is None:
        return "there is no run to compare: n starts one"
    if marked and marked[0].id != cursor.id:
        return _of_runs(marked[0], cursor)
    return _against_baseline(cursor, view)


def why_not(run: RunRow) -> str | None:
    """Why the run has no result that something could rest on."""
    if run.is_active:
        return f"#{run.id} is {run.status}: wait for its end, or stop it with x"
    if run.status != "completed":
        return f"#{run.id} is {run.status} and has no result: r runs it again"
    return None


def _of_runs(base: RunRow, candidate: RunRow) -> Pair | str:
    reason = why_not(base) or why_not(candidate)
    return reason or Pair(base=str(base.id), candidate=str(candidate.id))


def _against_baseline(run: RunRow, view: StoreView) -> Pair | str:
    reason = why_not(run)
    if reason is not None:
        return reason
    fitting = view.baseline_of(run)
    if fitting is not None:
        return Pair(base=f"baseline:{fitting.name}", candidate=str(run.id))
    if view.pinned(run):
        return f"#{run.id} is a baseline itself: {MARK_ANOTHER}"
    return f"no baseline fits #{run.id}: {MARK_ANOTHER}, or pin a baseline with b"
