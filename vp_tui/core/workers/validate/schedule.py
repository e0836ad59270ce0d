"""The order in which blocks are queued and read: a GPU never waits for the host, and no run's time is another's.

The runs alternate in stretches of seconds. Within a stretch the next block is queued while the host reads one. Between
stretches the queue is empty: the launch queue of a GPU holds about a thousand kernels, so a host that queued a block of
one run behind one of the other would wait for the other's work, and count it.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from vp_tui.core.engine.queueing import Started, delayed
from vp_tui.core.events import BlockEncoded
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.prepare import Block

STRETCH_SECONDS: Final = 2.0
"""Of the faster run; filling and emptying the queue takes milliseconds."""
LONGEST_SECONDS: Final = 20.0
"""Of the slower run, which may be 12 times as slow: blocks are compared when the stretches of both runs have ended."""
MIN_STRETCHES: Final = 6
"""So that drifts cancel, and the speed interval has pairs (measures.speed.MIN_PAIRS); a short run has shorter ones."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks that one arm encodes without a pause."""

    arm: ArmRunner
    blocks: tuple[Block, ...]


def cut_stretches(blocks: Sequence[Block], expected_s: Sequence[float], ahead: int) -> tuple[tuple[Block, ...], ...]:
    """Return the blocks in stretches; `expected_s` are the seconds that each run takes for all of them.

    Where no block is queued `ahead`, as on a CPU, each block is a stretch. The number is even unless there are as many
    as blocks.
    """
    if not ahead:
        return tuple((block,) for block in blocks)
    number = max(MIN_STRETCHES, min(expected_s) / STRETCH_SECONDS, max(expected_s) / LONGEST_SECONDS)
    number = min(len(blocks), 2 * math.ceil(number / 2))
    return tuple(tuple(blocks[i] for i in part) for part in np.array_split(np.arange(len(blocks)), number))


def abba(arms: Sequence[ArmRunner], stretches: Iterable[tuple[Block, ...]]) -> Iterator[Stretch]:
    """Yield each stretch in every arm; the order of the arms is reversed from one to the next."""
    for index, blocks in enumerate(stretches):
        for arm in arms if index % 2 == 0 else arms[::-1]:
            yield Stretch(arm, blocks)


def encode_stretch(stretch: Stretch, budget: Budget) -> Iterator[tuple[Block, BlockEncoded]]:
    """Encode the blocks of a stretch in order; yield each once its results are kept.

    A block's wall-clock seconds begin when the one before it was kept, so that they add up to the whole stretch, from
    its first packing on an idle device to its last embedding on the host. On a CPU a block is packed when the one
    before it has been dealt with.

    Raises:
        ResourceError: the longest sequence does not fit.
    """
    stretch.arm.encoder.drain()
    kept_s = 0.0
    for block, packed_s, running in delayed(_started(stretch, budget), stretch.arm.encoder.ahead):
        since_s = max(packed_s, kept_s)
        event = stretch.arm.keep(block, running, since_s)
        kept_s = since_s + event.wall_s
        yield block, event
    stretch.arm.stretches.append(tuple(block.index for block in stretch.blocks))


def _started(stretch: Stretch, budget: Budget) -> Iterator[tuple[Block, float, Started]]:
    for block in stretch.blocks:
        packed_s = time.perf_counter()
        yield block, packed_s, stretch.arm.start(block, budget)
