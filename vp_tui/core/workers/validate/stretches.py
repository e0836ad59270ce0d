"""Where a run is cut into stretches: for one device evenly, for several so that they end each at about one time."""

import heapq
import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final

import numpy as np

from vp_tui.core.workers.validate.prepare import Block

Stretches = tuple[tuple[Block, ...], ...]

STRETCH_SECONDS: Final = 2.0
"""Of the faster run; filling and emptying the queue takes milliseconds."""
LONGEST_SECONDS: Final = 20.0
"""Of the slower run, which may be 12 times as slow: blocks are compared when the stretches of both runs have ended."""
MIN_STRETCHES: Final = 6
"""So that drifts cancel, and the speed interval has pairs (measures.speed.MIN_PAIRS); a short run has shorter ones."""
MOVED: Final = 2
"""Blocks by which the end of a stretch moves where several devices share it. Share of the time in which devices encode,
simulated with 10,000 proteins (ESM-2 3B) and 10,000 reads (DNABERT-S) in six stretches: two devices 0.97 and 0.94 with
even ones, 0.996 and 0.994 so; four devices 0.94 and 0.78, 0.96 and 0.90 so. The rest needs longer runs."""


def cut_stretches(blocks: Sequence[Block], expected_s: Sequence[float], ahead: int) -> Stretches:
    """Return the blocks in stretches; `expected_s` are the seconds that each run takes for all of them.

    Where no block is queued `ahead`, as on a CPU, each block is a stretch. The number is even unless there are as many
    as blocks.
    """
    if not ahead:
        return tuple((block,) for block in blocks)
    number = max(MIN_STRETCHES, min(expected_s) / STRETCH_SECONDS, max(expected_s) / LONGEST_SECONDS)
    number = min(len(blocks), 2 * math.ceil(number / 2))
    return tuple(tuple(blocks[i] for i in part) for part in np.array_split(np.arange(len(blocks)), number))


def shared_evenly(stretches: Stretches, devices: int, tokens_of: Callable[[Block], Sequence[int]]) -> Stretches:
    """Return the same blocks in as many stretches, each of which keeps `devices` devices busy until near its end.

    `tokens_of` gives the tokens of each packed batch of a block. The end of a stretch moves by MOVED blocks at most,
    and its blocks of long packed batches go first, so that the last ones to be handed out are short.
    """
    blocks = [block for stretch in stretches for block in stretch]
    packs = [tokens_of(block) for block in blocks]
    found: list[tuple[Block, ...]] = []
    first = 0
    for index, even in enumerate(accumulate(len(stretch) for stretch in stretches)):
        left = len(stretches) - index - 1
        ends = range(max(first + 1, even - MOVED), min(even + MOVED, len(blocks) - left) + 1) if left else [even]
        idle = {end: _idle([one for pack in packs[first:end] for one in pack], devices) for end in ends}
        end = min(ends, key=lambda end: (idle[end], abs(end - even)))
        longest = sorted(range(first, end), key=lambda place: -max(packs[place]))
        found.append(tuple(blocks[place] for place in longest))
        first = end
    return tuple(found)


def _idle(tokens: Sequence[int], devices: int) -> float:
    """Return the share of the time that devices wait, if the longest of these packed batches is handed out first."""
    busy = [0] * devices
    for one in sorted(tokens, reverse=True):
        heapq.heapreplace(busy, busy[0] + one)
    return 1 - sum(busy) / (devices * max(busy))
