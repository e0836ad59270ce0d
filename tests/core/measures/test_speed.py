import numpy as np
import pytest

from vp_tui.core.measures import speed


def test_a_rate_needs_tokens_and_seconds():
    assert speed.tokens_per_s(1000, 0.5) == 2000.0
    assert speed.tokens_per_s(0, 0.5) is None
    assert speed.tokens_per_s(1000, 0.0) is None


def test_a_ratio_needs_both_sides():
    assert speed.ratio(3.0, 2.0) == 1.5
    assert speed.ratio(None, 2.0) is None
    assert speed.ratio(3.0, None) is None
    assert speed.ratio(3.0, 0.0) is None


def test_blocks_of_one_ratio_give_an_interval_without_width():
    assert speed.ratio_interval([2.0, 4.0, 6.0, 8.0, 2.0], [1.0, 2.0, 3.0, 4.0, 1.0]) == pytest.approx((2.0, 2.0))


def test_the_interval_is_around_the_ratio_and_the_same_for_the_same_blocks():
    generator = np.random.default_rng(3)
    reference_s, candidate_s = generator.normal(2.0, 0.1, 12), generator.normal(1.0, 0.1, 12)
    low, high = speed.ratio_interval(reference_s, candidate_s)
    assert low < reference_s.sum() / candidate_s.sum() < high
    assert high - low < 0.3
    assert speed.ratio_interval(list(reference_s), list(candidate_s)) == (low, high)


def test_fewer_than_five_blocks_or_unpaired_ones_give_no_interval():
    assert speed.ratio_interval([1.0] * 4, [1.0] * 4) is None
    assert speed.ratio_interval([1.0] * 6, [1.0] * 5) is None
    assert speed.ratio_interval([], []) is None
