"""The order in which blocks are queued and read, so that a GPU never waits for the host.

While the host reads, compares and reports a block, the next one is already queued. On a CPU every block is read before
the next one starts.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

import torch

from vp_tui.core.events import BlockEncoded
from vp_tui.core.workers.validate.arms import ArmRunner, Budget
from vp_tui.core.workers.validate.prepare import Block

Turn = tuple[ArmRunner, Block]
_Item = TypeVar("_Item")


def encode_in_order(
    turns: Iterable[Turn], budget: Budget, device: torch.device
) -> Iterator[tuple[Block, BlockEncoded]]:
    """Encode each block in its arm, in this order; yield it once its results are kept.

    A block's wall-clock seconds begin when the one before it was done, so that all of them add up to the whole.

    Raises:
        ResourceError: the longest sequence does not fit.
    """
    started = ((arm, block, arm.start(block, budget)) for arm, block in turns)
    ended_s = 0.0
    for arm, block, running in prefetched(started, device):
        event = arm.keep(block, running, ended_s)
        ended_s = time.perf_counter()
        yield block, event


def prefetched(started: Iterable[_Item], device: torch.device) -> Iterator[_Item]:
    """Yield the items in order; on a GPU each after the next one was started."""
    return delayed(started, 1 if device.type == "cuda" else 0)


def delayed(items: Iterable[_Item], by: int) -> Iterator[_Item]:
    """Yield the items in order, each after `by` later ones were taken from their source."""
    waiting: deque[_Item] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > by:
            yield waiting.popleft()
    yield from waiting
