"""The two runs to compare, from the selection, the cursor and the baselines."""

from collections.abc import Sequence
from dataclasses import dataclass

from vp_tui.core.errors import Unavailable
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.messages import StoreView

SELECT_ANOTHER = "select another run with space and press c again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two sides as OpenComparison takes them."""

    base: str
    candidate: str


def pair(selected: Sequence[RunRow], cursor: RunRow | None, view: StoreView) -> Pair | Unavailable:
    """Return the pair, or what to do to get one.

    Two selected runs: the older one is the base. One: it is the base of the run under the cursor. None: the run under
    the cursor and the newest baseline that fits it.
    """
    if len(selected) > 2:
        return Unavailable(f"{len(selected)} runs are selected: select two (space deselects one, esc all)")
    if len(selected) == 2:
        base, candidate = sorted(selected, key=lambda run: run.id)
        return _of_runs(base, candidate)
    if cursor is None:
        return Unavailable("no run to compare: press n to start one")
    if selected and selected[0].id != cursor.id:
        return _of_runs(selected[0], cursor)
    return _against_baseline(cursor, view)


def _no_result(run: RunRow) -> Unavailable | None:
    if run.is_active:
        return Unavailable(f"#{run.id} is {run.status}: wait until it ends, or stop it with x")
    if run.status != "completed":
        return Unavailable(f"#{run.id} is {run.status} and has no result: press r to run it again")
    return None


def _of_runs(base: RunRow, candidate: RunRow) -> Pair | Unavailable:
    return _no_result(base) or _no_result(candidate) or Pair(base=str(base.id), candidate=str(candidate.id))


def _against_baseline(run: RunRow, view: StoreView) -> Pair | Unavailable:
    reason = _no_result(run)
    if reason is not None:
        return reason
    fitting = view.baseline_of(run)
    if fitting is not None:
        return Pair(base=f"baseline:{fitting.name}", candidate=str(run.id))
    if view.pinned(run):
        return Unavailable(f"#{run.id} is a baseline itself: {SELECT_ANOTHER}")
    return Unavailable(f"no baseline fits #{run.id}: {SELECT_ANOTHER}, or set a baseline with b")
