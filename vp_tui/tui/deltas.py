"""A run beside the baseline that fits it, in one small record: faster or slower, and whether the cosine is worse.

A hint for a line of the history. The verdict on two runs is made by the Compare screen, by the rule of core.regress.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.marks import MARKS, Level
from vp_tui.tui.messages import Pinned

INFLATION = 1.5
"""(1 - cosine) this many times that of the baseline is worse: Rule.inflation, whose module takes too long to import."""
EPSILON = 1e-6
"""Added to both: Rule.epsilon."""
SLOWER = -0.05
"""A change of the speed-up from here down is worth a mark: Rule.min_effect_speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What is to say about a run and the baselines."""

    names: tuple[str, ...] = ()
    """The baselines that the run belongs to."""
    base: str | None = None
    """The baseline that fits it."""
    base_id: int | None = None
    """The newest run of that baseline."""
    speed: float | None = None
    """Change of the speed-up, as a fraction; None where the clocks are not comparable or not known."""
    is_worse: bool | None = None
    """The worst cosine is; None where the numbers are not comparable or not known."""

    @property
    def level(self) -> Level:
        """How the cell is marked."""
        if self.is_worse:
            return "fail"
        return "warn" if self.speed is not None and self.speed <= SLOWER else "plain"

    @property
    def cell(self) -> str:
        """`+1%`, `-6% !`, `=`, `base`, `cos =` where only the cosines are comparable, or a dash."""
        if self.names:
            return "base"
        if self.speed is None and self.is_worse is not None:
            return "cos !" if self.is_worse else "cos ="
        mark = MARKS.get(self.level, "")
        return f"{fmt.short_change(self.speed)} {mark}" if mark else fmt.short_change(self.speed)

    @property
    def words(self) -> str:
        """The same as a part of a sentence; nothing where no baseline fits."""
        if self.base is None:
            return ""
        speed = "" if self.speed is None else f" speed-up {fmt.short_change(self.speed)},"
        cosine = {True: "worse", False: "no worse", None: "not comparable"}[self.is_worse]
        return f"against {fmt.safe(self.base)!r} (#{self.base_id}):{speed} worst cosine {cosine}"


def delta(run: RunRow, baselines: Sequence[Pinned]) -> Delta:
    """The run against the newest baseline that fits; a run that did not come through has no numbers to compare."""
    names = tuple(one.name for one in baselines if run.id in one.run_ids)
    fitting = next((one for one in baselines if one.fits(run)), None)
    if fitting is None or run.status != "completed":
        return Delta(names=names)
    base = fitting.run
    return Delta(
        names=names,
        base=fitting.name,
        base_id=base.id,
        speed=_change(run.speedup, base.speedup) if fitting.perf_key == run.perf_key else None,
        is_worse=_is_worse(run.cosine_min, base.cosine_min) if fitting.accuracy_key == run.accuracy_key else None,
    )


def _change(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs - 1 if ours is not None and theirs else None


def _is_worse(ours: float | None, theirs: float | None) -> bool | None:
    if ours is None or theirs is None:
        return None
    return 1 - ours + EPSILON >= INFLATION * (1 - theirs + EPSILON)
