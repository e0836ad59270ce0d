"""Medians, intervals and ratios of blocks: exact where they can be, properties elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vp_tui.core.bench.interleaved import estimate, is_steady, paired_ratio
from vp_tui.core.measures.bootstrap import MIN_VALUES

SECONDS = st.floats(1e-3, 1e3)
BLOCKS = st.lists(SECONDS, min_size=MIN_VALUES, max_size=20)


@given(BLOCKS)
def test_the_interval_holds_the_median_and_lies_within_the_values(values):
    found = estimate(values)
    assert found.median == np.median(values)
    assert min(values) <= found.low <= found.median <= found.high <= max(values)
    assert found.n == len(values)


@given(BLOCKS)
def test_the_same_blocks_give_the_same_interval_in_any_order_of_calls(values):
    assert estimate(values) == estimate(list(values))


def test_few_blocks_have_a_median_and_no_interval_and_none_have_nothing():
    found = estimate([3.0, 1.0, 2.0, 10.0])
    assert (found.median, found.low, found.high, found.n) == (2.5, None, None, 4)
    assert estimate([]) is None


def test_an_interval_covers_the_true_median_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    hits = 0
    for _ in range(200):
        found = estimate(generator.normal(1.0, 0.05, 15).tolist())
        hits += found.low <= 1.0 <= found.high
    # a percentile bootstrap of 15 values is known to be a little narrow; 5 standard deviations below 95 %
    assert hits > 200 * 0.95 - 5 * (200 * 0.95 * 0.05) ** 0.5


@given(BLOCKS, st.floats(0.1, 10))
def test_a_ratio_of_equal_factors_is_that_factor(seconds, factor):
    slow = {number: value * factor for number, value in enumerate(seconds)}
    found = paired_ratio(slow, dict(enumerate(seconds)))
    # two roundings of a product and a quotient
    assert found.median == pytest.approx(factor, rel=1e-12)
    assert found.low == pytest.approx(factor, rel=1e-12)


def test_a_ratio_pairs_rounds_and_leaves_out_those_that_only_one_side_has():
    slow = {0: 2.0, 1: 100.0, 2: 4.0, 5: 6.0}
    fast = {0: 1.0, 2: 2.0, 3: 50.0, 5: 3.0}
    found = paired_ratio(slow, fast)
    assert (found.median, found.n) == (2.0, 3)
    assert paired_ratio({0: 1.0}, {1: 1.0}) is None


def test_a_drift_over_rounds_in_turns_cancels_in_the_ratio():
    # A B, B A, ...: every next block takes 1 % longer, and A takes twice as long as B
    times = iter(1.01 ** np.arange(16))
    slow, fast = {}, {}
    for number in range(8):
        for side in ("slow", "fast") if number % 2 == 0 else ("fast", "slow"):
            (slow if side == "slow" else fast)[number] = next(times) * (2 if side == "slow" else 1)
    # ratios of single rounds are 2 / 1.01 and 2 * 1.01; their middle is 2 * (1 + 5e-5)
    assert paired_ratio(slow, fast).median == pytest.approx(2.0, rel=1e-4)


def test_warm_up_is_over_when_two_windows_agree_and_not_before():
    assert not is_steady([1.0] * 19, window=10)
    assert is_steady([9.0] + [1.0] * 20, window=10)
    assert is_steady([1.0] * 10 + [1.019] * 10, window=10)
    assert not is_steady([1.0] * 10 + [1.021] * 10, window=10)
    assert not is_steady([1.0] * 10 + [0.979] * 10, window=10)
