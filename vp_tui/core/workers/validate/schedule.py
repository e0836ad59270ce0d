"""The order in which blocks are queued and read: a GPU never waits for the host, and no run's time is another's.

The runs alternate in stretches of seconds. Within a stretch the next block is queued while the host reads one. Between
stretches the queue is empty: the launch queue of a GPU holds about a thousand kernels, so a host that queued a block of
one run behind one of the other would wait for the other's work, and count it.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from vp_tui.core.engine.queueing import Started, delayed
from vp_tui.core.events import BlockEncoded
from vp_tui.core.workers.validate.arms import ArmRunner
from vp_tui.core.workers.validate.budget import Budget
from vp_tui.core.workers.validate.prepare import Block


@dataclass(frozen=True, slots=True)
class Stretch:
    """Blocks that one arm encodes without a pause."""

    arm: ArmRunner
    blocks: tuple[Block, ...]


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
