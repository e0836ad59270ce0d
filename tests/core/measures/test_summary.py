import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from vp_tui.core.measures import selection, summary

NAN = math.nan


def test_no_numbers_have_no_summary():
    nothing_S = np.array([NAN, NAN])
    for empty_S in (nothing_S, nothing_S[:0]):
        assert summary.lowest(empty_S) is None
        assert summary.highest(empty_S) is None
        assert summary.mean(empty_S) is None
        assert summary.percentile(empty_S, 1) is None
        assert summary.farthest_from_one(empty_S) is None
        assert summary.index_lowest(empty_S) is None
    assert summary.count_at_or_below(nothing_S[:0], 0.99) == 0
    assert summary.failure_bound(0, 0) is None


def test_a_cosine_at_the_limit_or_without_a_number_does_not_pass():
    assert summary.count_at_or_below(np.array([0.99, 0.5, NAN, np.nextafter(0.99, 1), 1.0]), 0.99) == 3


def test_summaries_are_over_the_numbers_there_are():
    values_S = np.array([NAN, 0.9, 1.0, 0.8])
    assert summary.lowest(values_S) == 0.8
    assert summary.index_lowest(values_S) == 3
    assert summary.highest(values_S) == 1.0
    assert summary.mean(values_S) == pytest.approx(0.9)
    assert summary.percentile(values_S, 50) == 0.9
    assert summary.percentile(np.arange(101.0), 1) == 1.0


@pytest.mark.parametrize(
    ("ratios", "worst"),
    [
        ([1.0, 1.1, 0.8], 0.8),
        ([0.9, 1.2], 1.2),
        ([2.0, 0.0, NAN], 0.0),
        ([1.0, 0.5, 1.9], 0.5),
        ([9.0, 0.0, -0.1], -0.1),
    ],
)
def test_the_worst_ratio_is_the_one_farthest_on_a_log_scale(ratios, worst):
    assert summary.farthest_from_one(np.array(ratios)) == worst


@pytest.mark.parametrize("num", [1, 7, 100, 3333, 10_000])
def test_no_failure_among_n_bounds_the_share_by_the_rule_of_three(num):
    assert summary.failure_bound(0, num) == pytest.approx(1 - 0.05 ** (1 / num), rel=1e-12)
    assert summary.failure_bound(0, num) <= 3 / num
    assert summary.failure_bound(num, num) == 1.0


@given(num=st.integers(1, 2000), data=st.data())
def test_the_bound_is_the_exact_one_sided_one_of_scipy(num, data):
    failed = data.draw(st.integers(0, num))
    theirs = binomtest(failed, num, alternative="less").proportion_ci(0.95, method="exact").high
    assert summary.failure_bound(failed, num) == pytest.approx(theirs, rel=1e-9)  # two root finders


@given(num=st.integers(0, 300), limit=st.integers(0, 300))
def test_chosen_rows_are_all_of_them_or_evenly_spread(num, limit):
    chosen = selection.evenly(num, limit)
    assert len(chosen) == min(num, limit)
    assert (chosen < num).all()
    gaps = np.diff(chosen, append=num) if limit else np.zeros(0)  # up to the end of the file too
    assert not gaps.size or (gaps.min() >= 1 and gaps.max() - gaps.min() <= 1)
    assert not gaps.size or chosen[0] == 0


@given(num=st.integers(0, 300), size=st.integers(1, 70))
def test_portions_cover_every_row_once(num, size):
    assert [i for part in selection.chunks(num, size) for i in range(num)[part]] == list(range(num))
