"""Results of the bench: rates with intervals, shares of peak rates, ratios of paired rounds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core.bench.cases import OURS, Case
from vp_tui.core.bench.ceilings import Matmuls
from vp_tui.core.bench.conditions import Conditions, over_blocks
from vp_tui.core.bench.interleaved import Estimate, TimedBlock, Timings, WarmUp, estimate, paired_ratio
from vp_tui.core.engine.gpu import peaks
from vp_tui.core.formats import BUILT_IN

_BASES: Final[Mapping[str, tuple[str, ...]]] = {
    "tf32": ("fp32",),
    **dict.fromkeys(("bf16", "fp16"), ("fp32", "tf32")),
    **dict.fromkeys(BUILT_IN, ("fp32", "tf32", "fp16")),
}
"""Precision or built-in plan -> those that it is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    tokens: int
    flops: float | None
    """FLOPs of matmuls and attention; None when unknown."""
    device_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    engine: str
    precision: str
    attention: str | None
    ops: str | None
    batch_tokens: int
    tokens_per_s: Estimate | None
    """Over the accepted blocks."""
    mfu: float | None
    """Share of the nominal peak."""
    of_sustained: float | None
    """Share of the sustained matmul rate."""
    of_burst: float | None
    conditions: Conditions | None
    """Over the accepted blocks."""
    rejected: int
    warm_up: WarmUp | None
    blocks: tuple[TimedBlock, ...]
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """Speedup of this engine over a peer, or over itself in another precision."""

    precision: str
    over_engine: str
    over_precision: str
    times: Estimate


def result_of(case: Case, timings: Timings, workload: Workload, ceiling: Matmuls | None) -> Result:
    """Return the result of one case; `ceiling` has the matmul rates in its precision."""
    seconds = estimate(list(timings.accepted.values()))
    rate = estimate([workload.tokens / one for one in timings.accepted.values()])
    peak = peaks.nominal(workload.device_name, case.precision)
    reached = None if seconds is None or workload.flops is None else workload.flops / seconds.median
    accepted = [block.conditions for block in timings.blocks if block.rejected is None and block.conditions]
    return Result(
        engine=case.engine,
        precision=case.precision,
        attention=case.attention,
        ops=case.ops,
        batch_tokens=case.batch_tokens,
        tokens_per_s=rate,
        mfu=_share(reached, peak),
        of_sustained=_share(reached, ceiling.chain.sustained * peaks.TERA if ceiling else None),
        of_burst=_share(reached, ceiling.chain.burst * peaks.TERA if ceiling else None),
        conditions=over_blocks(accepted),
        rejected=timings.rejected,
        warm_up=timings.warm_up,
        blocks=tuple(timings.blocks),
        error=timings.error,
    )


def ratios_of(cases: Sequence[Case], timings: Mapping[str, Timings]) -> list[Ratio]:
    """Return the speedups over this engine in FP32 and TF32, and over every peer in the same precision.

    Built-in plans, such as fp8, are also compared with this engine in FP16.
    """
    own_cases = [one for one in cases if one.engine == OURS]
    pairs = [(one, base) for one in own_cases for base in own_cases if base.precision in _BASES.get(one.precision, ())]
    pairs += [(one, peer) for one in own_cases for peer in cases if _is_peer(one, peer)]
    found = [
        (one, other, paired_ratio(timings[other.name].accepted, timings[one.name].accepted)) for one, other in pairs
    ]
    return [
        Ratio(precision=one.precision, over_engine=other.engine, over_precision=other.precision, times=times)
        for one, other, times in found
        if times is not None
    ]


def _is_peer(one: Case, other: Case) -> bool:
    return other.engine != OURS and other.precision == one.precision


def _share(part: float | None, whole: float | None) -> float | None:
    return part / whole if part is not None and whole else None
