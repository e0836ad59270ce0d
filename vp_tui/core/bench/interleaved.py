"""Interleaved timing of several implementations of the same work: A B C, C B A, A B C, ... (ABBA).

Before each timed block the same work runs untimed until clocks and power settle. A block under disturbed conditions is
rejected, counted and repeated. An implementation that fails leaves with the text of its error; the others continue.
Blocks timed before an early stop are kept.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Final, TypeVar

import numpy as np
import torch

from vp_tui.core.bench.conditions import Conditions, GpuMonitor, rejection
from vp_tui.core.errors import VpTuiError
from vp_tui.core.events import now_us
from vp_tui.core.measures import bootstrap

WINDOW: Final = 10
"""Samples of one warm-up window."""
STEADY: Final = 0.02
"""Relative difference of the medians of two successive windows that ends the warm-up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A median with its 95 % interval."""

    median: float
    low: float | None
    """None with fewer than bootstrap.MIN_VALUES values."""
    high: float | None
    n: int


def estimate(values: Sequence[float]) -> Estimate | None:
    """Return the median of `values` with its bootstrap interval; None without values."""
    if not values:
        return None
    values_B = np.asarray(values, np.float64)
    median = float(np.median(values_B))
    found = bootstrap.interval(len(values_B), lambda picks_RB: np.median(values_B[picks_RB], axis=1))
    low, high = found or (None, None)
    return Estimate(median=median, low=low, high=high, n=len(values_B))


def paired_ratio(slower_s: Mapping[int, float], faster_s: Mapping[int, float]) -> Estimate | None:
    """Return the speedup of `faster_s` over `slower_s` (round -> seconds of equal work) over their common rounds.

    Rounds alternate their order (ABBA), so a steady drift affects both sides equally.
    """
    shared = sorted(slower_s.keys() & faster_s.keys())
    return estimate([slower_s[number] / faster_s[number] for number in shared])


def is_steady(seconds: Sequence[float], window: int = WINDOW) -> bool:
    """Return True when the medians of the last two windows differ by less than STEADY."""
    if len(seconds) < 2 * window:
        return False
    earlier, later = np.median(seconds[-2 * window : -window]), np.median(seconds[-window:])
    return bool(abs(later - earlier) < STEADY * earlier)


_LOG_EVERY_S: Final = 10.0
"""Interval of progress lines."""

BLOCKS: Final = 8
"""Accepted blocks per item; even, so that both orders of two items are equally frequent."""

FAILURES: Final = (
    VpTuiError, RuntimeError, ImportError, OSError, AssertionError,
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""Errors of third-party code that does not fit this machine; they must not end the bench."""

Log = Callable[[str], None]
_Step = TypeVar("_Step")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    name: str
    work: Callable[[], object]
    """The whole work; the device is idle when it returns."""
    lead: Callable[[], object] | None = None
    """A smaller work for settling, used when `work` takes longer than settling; None: `work`."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Durations and number of blocks."""

    settle_s: float
    """Untimed work before each block."""
    warm_up_s: float
    """Upper limit of the warm-up, steady or not."""
    blocks: int = BLOCKS
    window: int = WINDOW
    should_stop: Callable[[], bool] = _never
    """Called before each step; True ends the measurement."""

    def until_stopped(self, steps: Iterable[_Step]) -> Iterable[_Step]:
        return takewhile(lambda _: not self.should_stop(), steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedBlock:
    round: int
    seconds: float
    conditions: Conditions | None
    rejected: str | None
    """Reason for rejection, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    seconds: tuple[float, ...]
    steady: bool
    """The medians of the last two windows agreed."""


@dataclass(slots=True, kw_only=True)
class Timings:
    """Blocks of one item, and the error that ended it."""

    warm_up: WarmUp | None = None
    blocks: list[TimedBlock] = field(default_factory=list)
    error: str | None = None

    @property
    def accepted(self) -> dict[int, float]:
        """Round -> seconds of accepted blocks."""
        return {block.round: block.seconds for block in self.blocks if block.rejected is None}

    @property
    def rejected(self) -> int:
        return sum(block.rejected is not None for block in self.blocks)


def protocol_for(device: torch.device, should_stop: Callable[[], bool] = _never) -> Protocol:
    """Return the protocol for a device: a GPU settles before each block because its clocks follow the load."""
    if device.type == "cuda":
        # a block takes 0.25 s or more: two longer windows would not fit
        return Protocol(settle_s=0.4, warm_up_s=5.0, window=4, should_stop=should_stop)
    return Protocol(settle_s=0.0, warm_up_s=0.3, should_stop=should_stop)


def measure_interleaved(
    items: Sequence[WorkItem], protocol: Protocol, log: Log, monitor: GpuMonitor | None = None
) -> Mapping[str, Timings]:
    """Return name -> timings; with rejected blocks at most twice `protocol.blocks` rounds.

    `monitor` (open) supplies the conditions; None: conditions are not recorded.
    """
    timings = {one.name: Timings() for one in items}
    for one in protocol.until_stopped(items):
        _guarded(one, timings[one.name], partial(_warm, one, timings[one.name], protocol), log)
    told_s = time.monotonic()
    for number in range(2 * protocol.blocks):
        left = [one for one in items if timings[one.name].error is None]
        if protocol.should_stop() or all(len(timings[one.name].accepted) >= protocol.blocks for one in left):
            break
        if time.monotonic() - told_s > _LOG_EVERY_S:
            told_s = time.monotonic()
            log(f"round {number + 1} of {protocol.blocks}")
        for one in protocol.until_stopped(_ordered(left, number)):
            _guarded(one, timings[one.name], partial(_block, one, timings[one.name], number, protocol, monitor), log)
    return timings


def timed(work: Callable[[], object]) -> float:
    """Return the wall-clock seconds of `work`, which synchronizes with its device."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _ordered(left: Sequence[WorkItem], number: int) -> Iterable[WorkItem]:
    return left if number % 2 == 0 else reversed(left)


def _guarded(one: WorkItem, timings: Timings, step: Callable[[], None], log: Log) -> None:
    """Do a step of an item; a failure becomes the error of its timings."""
    try:
        step()
    except FAILURES as error:
        timings.error = failure_text(error)
    if timings.error is not None:
        log(f"{one.name} failed: {timings.error}")
        release()


def failure_text(error: BaseException) -> str:
    """Return the first line of an error, with its type unless it is a VpTuiError."""
    line = str(error).strip().partition("\n")[0]
    return line if isinstance(error, VpTuiError) else f"{type(error).__name__}: {line}"


def release() -> None:
    """Return unused cached memory to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _warm(one: WorkItem, timings: Timings, protocol: Protocol) -> None:
    timings.warm_up = warm_up(one.work, protocol)


def warm_up(work: Callable[[], object], protocol: Protocol) -> WarmUp:
    """Repeat `work` until two windows agree or the time is up; at least twice."""
    seconds = [timed(work), timed(work)]
    while sum(seconds) < protocol.warm_up_s and not is_steady(seconds, protocol.window):
        seconds.append(timed(work))
    return WarmUp(seconds=tuple(seconds), steady=is_steady(seconds, protocol.window))


def _block(one: WorkItem, timings: Timings, number: int, protocol: Protocol, monitor: GpuMonitor | None) -> None:
    began = time.perf_counter()
    began_us = now_us()
    lead = _lead(one, timings, protocol)
    while time.perf_counter() - began < protocol.settle_s:
        lead()
    if monitor is not None:
        monitor.begin()
    seconds = timed(one.work)
    # the first half of settling still shows the previous item
    found = None if monitor is None else monitor.end(began_us + round(protocol.settle_s / 2 * 1e6))
    timings.blocks.append(TimedBlock(round=number, seconds=seconds, conditions=found, rejected=rejection(found)))


def _lead(one: WorkItem, timings: Timings, protocol: Protocol) -> Callable[[], object]:
    """Return the work for settling: the item's own, which has its power draw, unless it takes too long."""
    is_long = timings.warm_up is not None and timings.warm_up.seconds[-1] > protocol.settle_s
    return one.lead if one.lead is not None and is_long else one.work
