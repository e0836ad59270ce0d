"""From blocks to numbers: rates with intervals, shares of what the device can do, ratios of paired rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core.bench.ceilings import Products
from vp_tui.core.bench.conditions import Conditions, over_blocks
from vp_tui.core.bench.contest import Block, Entry, WarmUp
from vp_tui.core.bench.entrants import OURS, Entrant
from vp_tui.core.bench.statistics import Estimate, estimate, paired_ratio
from vp_tui.core.config import Precision
from vp_tui.core.engine.gpu import peaks

_BASES: Final[tuple[Precision, ...]] = ("fp32", "tf32")
"""What the other precisions are held against."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What a block is."""

    tokens: int
    flops: float | None
    """Of the model's matrices and attention; None where the model's are not known."""
    device_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An engine in a precision."""

    engine: str
    precision: Precision
    attention: str | None
    steps: str | None
    batch_tokens: int
    tokens_per_s: Estimate | None
    """Over accepted blocks."""
    mfu: float | None
    """FLOPs as a share of the data sheet's peak."""
    of_sustained: float | None
    """FLOPs as a share of the sustained rate of the model's products here."""
    of_burst: float | None
    conditions: Conditions | None
    """Over accepted blocks."""
    rejected: int
    warm_up: WarmUp | None
    blocks: tuple[Block, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times as fast this engine is as another, or as itself in another precision."""

    precision: Precision
    over_engine: str
    over_precision: Precision
    times: Estimate


def result_of(entrant: Entrant, entry: Entry, workload: Workload, ceiling: Products | None) -> Result:
    """The numbers of one entrant; `ceiling` are the products in its precision."""
    seconds = estimate(list(entry.accepted.values()))
    rate = estimate([workload.tokens / one for one in entry.accepted.values()])
    peak = peaks.nominal(workload.device_name, entrant.precision)
    reached = None if seconds is None or workload.flops is None else workload.flops / seconds.median
    accepted = [block.conditions for block in entry.blocks if block.rejected is None and block.conditions]
    return Result(
        engine=entrant.engine,
        precision=entrant.precision,
        attention=entrant.attention,
        steps=entrant.steps,
        batch_tokens=entrant.batch_tokens,
        tokens_per_s=rate,
        mfu=_share(reached, peak),
        of_sustained=_share(reached, ceiling.chain.sustained * peaks.TERA if ceiling else None),
        of_burst=_share(reached, ceiling.chain.burst * peaks.TERA if ceiling else None),
        conditions=over_blocks(accepted),
        rejected=entry.rejected,
        warm_up=entry.warm_up,
        blocks=tuple(entry.blocks),
        error=entry.error,
    )


def ratios_of(entrants: Sequence[Entrant], entries: Mapping[str, Entry]) -> list[Ratio]:
    """Ours over ours in FP32 and in TF32, and over every peer in the same precision."""
    ours = [one for one in entrants if one.engine == OURS]
    pairs = [(one, base) for one in ours for base in ours if base.precision in _BASES and _is_lower(one, base)]
    pairs += [(one, peer) for one in ours for peer in entrants if _is_peer(one, peer)]
    found = [(one, other, _times(entries[one.name], entries[other.name])) for one, other in pairs]
    return [
        Ratio(precision=one.precision, over_engine=other.engine, over_precision=other.precision, times=times)
        for one, other, times in found
        if times is not None
    ]


def _times(fast: Entry, slow: Entry) -> Estimate | None:
    return paired_ratio(slow.accepted, fast.accepted)


def _is_lower(one: Entrant, base: Entrant) -> bool:
    order = ("fp32", "tf32", "bf16", "fp16")
    return order.index(one.precision) > order.index(base.precision)


def _is_peer(one: Entrant, other: Entrant) -> bool:
    return other.engine != OURS and other.precision == one.precision


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
