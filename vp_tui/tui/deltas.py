"""Runs and their baselines: the difference shown on a line of the history, and the two sides of a comparison.

The difference is a hint; the Compare screen gives the verdict, by the rule of core.regression.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vp_tui.core import text as fmt
from vp_tui.core.errors import Unavailable
from vp_tui.core.regression.worse import is_judged, is_worst_worse, speed_change
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.levels import MARKS, Level
from vp_tui.tui.messages import OpenComparison, Pinned, StoreView

SELECT_ANOTHER = "select another run with space and press c again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """A run compared with the baseline of its keys."""

    names: tuple[str, ...] = ()
    """The baselines that the run belongs to."""
    base: str | None = None
    """Name of the matching baseline."""
    base_id: int | None = None
    """The newest run of that baseline."""
    speed: float | None = None
    """Change of the speed-up as a fraction; None where times are not comparable or missing."""
    num_base: int = 1
    """Runs of that baseline."""
    is_worse: bool | None = None
    """True: the lowest similarity is clearly lower; None where similarities are not comparable or missing."""

    @property
    def level(self) -> Level:
        if self.is_worse:
            return "fail"
        return "warn" if self.is_judged and (self.speed or 0) < 0 else "plain"

    @property
    def is_judged(self) -> bool:
        """Return True for a change of speed that a comparison would judge; anything less may be noise."""
        return is_judged(self.speed, self.num_base)

    @property
    def cell(self) -> str:
        """Return `#23 =`, `#23 -40%` of a judged change of speed, `#23 worse!` of the cosine, `base`, or a dash."""
        if self.names:
            return "base"
        if self.base_id is None or (self.speed is None and self.is_worse is None):
            return fmt.DASH
        found = "worse" if self.is_worse else fmt.short_change(self.speed) if self.is_judged else "="
        mark = MARKS.get(self.level, "")
        return f"#{self.base_id} {found}{mark}"

    @property
    def words(self) -> str:
        """Return the cell as a phrase; empty without a matching baseline."""
        if self.base is None:
            return ""
        speed = ""
        if self.speed is not None:
            change = fmt.short_change(self.speed) if self.is_judged else "not judged"
            speed = f" speed {change},"
        similarity = {True: "worse", False: "no worse", None: "not comparable"}[self.is_worse]
        return f"against {fmt.safe(self.base)!r} (#{self.base_id}):{speed} lowest similarity {similarity}"


def delta(run: RunRow, baselines: Sequence[Pinned]) -> Delta:
    """Return the comparison of a completed run with the newest matching baseline."""
    names = tuple(one.name for one in baselines if run.id in one.run_ids)
    fitting = next((one for one in baselines if one.fits(run)), None)
    if fitting is None or run.status != "completed":
        return Delta(names=names)
    base = fitting.run
    return Delta(
        names=names,
        base=fitting.name,
        base_id=base.id,
        num_base=len(fitting.run_ids),
        speed=speed_change(run.speedup, base.speedup) if fitting.perf_key == run.perf_key else None,
        is_worse=_is_worse(run, base) if fitting.accuracy_key == run.accuracy_key else None,
    )


def _is_worse(run: RunRow, base: RunRow) -> bool | None:
    return is_worst_worse((run.cosine_min, run.num_nonfinite), (base.cosine_min, base.num_nonfinite))


def pair(selected: Sequence[RunRow], cursor: RunRow | None, view: StoreView) -> OpenComparison | Unavailable:
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
        return Unavailable("no run is selected: move to a run, or press n to start one")
    if selected and selected[0].id != cursor.id:
        return _of_runs(selected[0], cursor)
    return _against_baseline(cursor, view)


def _no_result(run: RunRow) -> Unavailable | None:
    if run.is_active:
        return Unavailable(f"#{run.id} is {run.status}: wait until it ends, or stop it with x")
    if run.status != "completed":
        return Unavailable(f"#{run.id} is {run.status} and has no result: press r to run it again")
    return None


def _of_runs(base: RunRow, candidate: RunRow) -> OpenComparison | Unavailable:
    return _no_result(base) or _no_result(candidate) or OpenComparison(base=str(base.id), candidate=str(candidate.id))


def _against_baseline(run: RunRow, view: StoreView) -> OpenComparison | Unavailable:
    reason = _no_result(run)
    if reason is not None:
        return reason
    fitting = view.baseline_of(run)
    if fitting is not None:
        return OpenComparison(base=f"baseline:{fitting.name}", candidate=str(run.id))
    if view.pinned(run):
        return Unavailable(f"#{run.id} is a baseline itself: {SELECT_ANOTHER}")
    return Unavailable(f"no baseline fits #{run.id}: {SELECT_ANOTHER}, or set a baseline with b")
