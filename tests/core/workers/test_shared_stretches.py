"""How several devices share the stretches of a run: the devices are simulated, the lengths are those of real sets."""

import heapq
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.workers.validate.budget import Budget, tokens_of_packs
from vp_tui.core.workers.validate.prepare import Block, cut
from vp_tui.core.workers.validate.stretches import MOVED, cut_stretches, shared_evenly

BUDGET = 33_792


def proteins(rng):
    """10,000 proteins: tokens, and the borders of the strata."""
    return np.clip(rng.gamma(2.0, 150.0, 10_000), 30, 1022).astype(np.int64) + 2, (102, 302)


def reads(rng):
    """10,000 reads of 150 to 800 bases, five to a token of DNABERT-S."""
    return rng.integers(150, 800, 10_000) // 5 + 2, (42, 82)


def blocks_of(kind):
    lengths_S, cuts = kind(np.random.default_rng(0))
    blocks = cut(lengths_S, np.digitize(lengths_S, cuts), BUDGET)

    tokens, budget = SimpleNamespace(lengths_S=lengths_S), Budget(BUDGET, int(lengths_S.max()), pytest.fail)
    return blocks, partial(tokens_of_packs, tokens, budget=budget)


def share_encoding(stretches, tokens_of, devices):
    """Share of the time in which devices encode: each takes the next packed batch, block by block the longest first."""
    busy = waited = 0
    for stretch in stretches:
        ends = [0] * devices
        for block in stretch:
            for one in sorted(tokens_of(block), reverse=True):
                heapq.heapreplace(ends, ends[0] + one)
        busy += sum(ends)
        waited += devices * max(ends)
    return busy / waited


@pytest.mark.parametrize(
    ("kind", "devices", "even", "shared"),
    [(proteins, 2, 0.975, 0.99), (reads, 2, 0.95, 0.99), (proteins, 4, 0.95, 0.96), (reads, 4, 0.80, 0.90)],
    ids=["proteins-2", "reads-2", "proteins-4", "reads-4"],
)
def test_devices_that_share_a_stretch_end_it_at_about_the_same_time(kind, devices, even, shared):
    blocks, tokens_of = blocks_of(kind)
    cut_evenly = cut_stretches(blocks, (10.0, 10.0), 64)
    assert share_encoding(cut_evenly, tokens_of, devices) < even
    assert share_encoding(shared_evenly(cut_evenly, devices, tokens_of), tokens_of, devices) > shared


@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=8),
    devices=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_block_is_in_one_of_as_many_stretches_whose_ends_move_little(sizes, devices, seed):
    rng = np.random.default_rng(seed)
    blocks = [Block(index=i, stratum=0, indices_S=np.arange(1)) for i in range(sum(sizes))]
    packs = {block.index: rng.integers(1, 100, rng.integers(1, 6)).tolist() for block in blocks}
    borders = np.cumsum(sizes)
    stretches = tuple(tuple(blocks[end - size : end]) for size, end in zip(sizes, borders, strict=True))
    found = shared_evenly(stretches, devices, lambda block: packs[block.index])
    assert len(found) == len(sizes)
    assert min(map(len, found)) > 0
    # a stretch has consecutive blocks, only their order is another one
    assert [i for stretch in found for i in sorted(block.index for block in stretch)] == list(range(len(blocks)))
    assert max(abs(np.cumsum([len(stretch) for stretch in found]) - borders)) <= MOVED
    for stretch in found:
        longest = [max(packs[block.index]) for block in stretch]
        assert longest == sorted(longest, reverse=True)
