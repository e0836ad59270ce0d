"""What measuring costs: the live measures, and a running GPU sampler, each on against off in ABBA."""

from dataclasses import dataclass, replace
from typing import Final

from vp_tui.core.bench.conditions import Watch
from vp_tui.core.bench.contest import Contestant, Entry, Pace, Tell, contest
from vp_tui.core.bench.statistics import Estimate, paired_ratio
from vp_tui.core.bench.ways import Models, packed
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.tokens import TokenSet

_MORE_BLOCKS: Final = 2
"""Times the blocks of the others: a percent is to be seen."""


class Uncounted(Encoder):
    """The ordinary encoder without the NaN and Inf counts."""

    counts = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overhead:
    """Time with something over time without it."""

    what: str
    ratio: Estimate | None
    """1.01: a percent more."""
    on_s: tuple[float, ...]
    off_s: tuple[float, ...]
    reason: str | None
    """Why there is no ratio."""


def live_measures(
    models: Models, plan: PrecisionPlan, tokens: TokenSet, budget: int, pace: Pace, tell: Tell
) -> Overhead:
    """Counting NaN and Inf in every token output; the pooling is the result itself."""
    loaded = models.get(plan)
    on = packed(Encoder(loaded, plan, models.device), budget)(tokens)
    off = packed(Uncounted(loaded, plan, models.device), budget)(tokens)
    return _compared("live measures", Contestant(name="on", work=on), Contestant(name="off", work=off), pace, tell)


def telemetry(models: Models, plan: PrecisionPlan, tokens: TokenSet, budget: int, pace: Pace, tell: Tell) -> Overhead:
    """A GPU sampler at its ordinary rate."""
    why_not = Watch(models.device).reason
    if why_not is not None:
        return Overhead(what="telemetry", ratio=None, on_s=(), off_s=(), reason=why_not)
    work = packed(Encoder(models.get(plan), plan, models.device), budget)(tokens)
    on = Contestant(name="on", work=work, around=lambda: Watch(models.device))
    return _compared("telemetry", on, Contestant(name="off", work=work), pace, tell)


def _compared(what: str, on: Contestant, off: Contestant, pace: Pace, tell: Tell) -> Overhead:
    # both sides draw the same power, so nothing has to settle
    entries = contest([on, off], replace(pace, blocks=_MORE_BLOCKS * pace.blocks, settle_s=0.0), tell)
    found, without = entries["on"], entries["off"]
    return Overhead(
        what=what,
        ratio=paired_ratio(found.accepted, without.accepted),
        on_s=_seconds(found),
        off_s=_seconds(without),
        reason=found.error or without.error,
    )


def _seconds(entry: Entry) -> tuple[float, ...]:
    return tuple(block.seconds for block in entry.blocks)
