"""Several ways to do the same work, timed in turns: A B C, C B A, A B C, ... (ABBA).

A turn is the same work untimed for a while, so that clocks and power settle where this work holds them, and then one
timed block. A block under conditions that spoil it is rejected, counted, and made up for. Whoever fails leaves with
the error's text, and the others go on. Who stops it early keeps the blocks that there are.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Final, TypeVar

import torch

from vp_tui.core.bench.conditions import Conditions, Watch, rejection
from vp_tui.core.bench.statistics import WINDOW, is_steady
from vp_tui.core.errors import VpTuiError
from vp_tui.core.events import now_us

_TELL_EVERY_S: Final = 10.0
"""Rounds that take longer are told one by one."""

BLOCKS: Final = 8
"""Accepted blocks of each; even, so that every order of two comes equally often."""

FAILURES: Final = (
    VpTuiError, RuntimeError, ImportError, OSError, AssertionError,
    ArithmeticError, AttributeError, LookupError, TypeError, ValueError,
)  # fmt: skip
"""What code of others may raise where it does not fit this machine; a mistake there must not end the bench."""

Tell = Callable[[str], None]
_Step = TypeVar("_Step")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contestant:
    """One way to do the work."""

    name: str
    work: Callable[[], object]
    """All of it once; when it returns, the device is done."""
    lead: Callable[[], object] | None = None
    """Less work of the same kind to settle with, where all of it takes longer than settling; None: the work itself."""
    around: Callable[[], AbstractContextManager[object]] = nullcontext
    """Entered for each of its turns, outside the clock."""


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things are done."""

    settle_s: float
    """Untimed work before each block."""
    warm_up_s: float
    """Warm-up ends after this long even where it is not steady."""
    blocks: int = BLOCKS
    window: int = WINDOW
    is_over: Callable[[], bool] = _never
    """Asked before each step: whether to stop with what there is."""

    def until_over(self, steps: Iterable[_Step]) -> Iterable[_Step]:
        """The steps that there is still time for, asked before each."""
        return takewhile(lambda _: not self.is_over(), steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One timed block."""

    round: int
    seconds: float
    conditions: Conditions | None
    rejected: str | None
    """Why it does not count; None when it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """What came before the first turn."""

    seconds: tuple[float, ...]
    steady: bool
    """Whether the medians of the last two windows agreed."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """A contestant's blocks so far, or why there are no more."""

    warm_up: WarmUp | None = None
    blocks: list[Block] = field(default_factory=list)
    error: str | None = None

    @property
    def accepted(self) -> dict[int, float]:
        """Round -> seconds of the blocks that count."""
        return {block.round: block.seconds for block in self.blocks if block.rejected is None}

    @property
    def rejected(self) -> int:
        """Blocks that do not count."""
        return sum(block.rejected is not None for block in self.blocks)


def pace_of(device: torch.device, is_over: Callable[[], bool] = _never) -> Pace:
    """Some settling on a GPU, whose clocks follow the power of the work; none on a CPU."""
    if device.type == "cuda":
        # a block takes a quarter of a second or more: two longer windows would not fit
        return Pace(settle_s=0.4, warm_up_s=5.0, window=4, is_over=is_over)
    return Pace(settle_s=0.0, warm_up_s=0.3, is_over=is_over)


def contest(
    contestants: Sequence[Contestant], pace: Pace, tell: Tell, watch: Watch | None = None
) -> Mapping[str, Entry]:
    """Name -> blocks of every contestant; at most twice `pace.blocks` rounds, where blocks are rejected.

    `watch` (open) gives the conditions; None: nobody asks for them.
    """
    entries = {one.name: Entry() for one in contestants}
    for one in pace.until_over(contestants):
        _guarded(one, entries[one.name], partial(_warm, one, entries[one.name], pace), tell)
    told_s = time.monotonic()
    for number in range(2 * pace.blocks):
        left = [one for one in contestants if entries[one.name].error is None]
        if pace.is_over() or all(len(entries[one.name].accepted) >= pace.blocks for one in left):
            break
        if time.monotonic() - told_s > _TELL_EVERY_S:
            told_s = time.monotonic()
            tell(f"round {number + 1} of {pace.blocks}")
        for one in pace.until_over(_turn(left, number)):
            _guarded(one, entries[one.name], partial(_block, one, entries[one.name], number, pace, watch), tell)
    return entries


def timed(work: Callable[[], object]) -> float:
    """Wall-clock seconds of `work`, which waits for its device itself."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _turn(left: Sequence[Contestant], number: int) -> Iterable[Contestant]:
    return left if number % 2 == 0 else reversed(left)


def _guarded(one: Contestant, entry: Entry, step: Callable[[], None], tell: Tell) -> None:
    """Do a step of a contestant; a failure becomes the entry's error."""
    try:
        with one.around():
            step()
    except FAILURES as error:
        entry.error = failure_text(error)
    if entry.error is not None:
        tell(f"{one.name} failed: {entry.error}")
        release()


def failure_text(error: BaseException) -> str:
    """The first line of an error, with its kind where it is not one of ours."""
    line = str(error).strip().partition("\n")[0]
    return line if isinstance(error, VpTuiError) else f"{type(error).__name__}: {line}"


def release() -> None:
    """Give memory that nobody holds any more back to the device."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _warm(one: Contestant, entry: Entry, pace: Pace) -> None:
    entry.warm_up = warm_up(one.work, pace)


def warm_up(work: Callable[[], object], pace: Pace) -> WarmUp:
    """Repeat `work` until two windows agree, or the time is up; at least twice."""
    seconds = [timed(work), timed(work)]
    while sum(seconds) < pace.warm_up_s and not is_steady(seconds, pace.window):
        seconds.append(timed(work))
    return WarmUp(seconds=tuple(seconds), steady=is_steady(seconds, pace.window))


def _block(one: Contestant, entry: Entry, number: int, pace: Pace, watch: Watch | None) -> None:
    began = time.perf_counter()
    began_us = now_us()
    lead = _lead(one, entry, pace)
    while time.perf_counter() - began < pace.settle_s:
        lead()
    if watch is not None:
        watch.begin()
    seconds = timed(one.work)
    # the first half of the settling still shows the one before
    found = None if watch is None else watch.end(began_us + round(pace.settle_s / 2 * 1e6))
    entry.blocks.append(Block(round=number, seconds=seconds, conditions=found, rejected=rejection(found)))


def _lead(one: Contestant, entry: Entry, pace: Pace) -> Callable[[], object]:
    """What to settle with: the work itself draws the power that is to be settled at, unless it takes too long."""
    is_long = entry.warm_up is not None and entry.warm_up.seconds[-1] > pace.settle_s
    return one.lead if one.lead is not None and is_long else one.work
