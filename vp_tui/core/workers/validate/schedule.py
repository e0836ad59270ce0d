"""Blocks through the arms of a run, one after the other, so that a GPU never waits for the host.

While the host reads a block, compares it and tells of it, the next one is queued already. A CPU does both itself, and
every block is read before the next one begins.
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


def take_turns(turns: Iterable[Turn], budget: Budget, device: torch.device) -> Iterator[tuple[Block, BlockEncoded]]:
    """Encode and keep every block in the arm whose turn it is, in this order; each as soon as it is kept.

    A block's wall-clock seconds begin when the one before it was done, so that those of all blocks add up to the whole.
    Raises ResourceError: the longest sequence does not fit.
    """
    started = ((arm, block, arm.start(block, budget)) for arm, block in turns)
    ended_s = 0.0
    for arm, block, running in ahead(started, device):
        event = arm.keep(block, running, ended_s)
        ended_s = time.perf_counter()
        yield block, event


def ahead(started: Iterable[_Item], device: torch.device) -> Iterator[_Item]:
    """What is started as it is taken from there, in order, with one more under way on a GPU."""
    return behind(started, 1 if device.type == "cuda" else 0)


def behind(items: Iterable[_Item], by: int) -> Iterator[_Item]:
    """The items in order, each after `by` later ones were taken from where they come from."""
    waiting: deque[_Item] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > by:
            yield waiting.popleft()
    yield from waiting
