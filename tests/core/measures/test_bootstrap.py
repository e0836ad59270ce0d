"""One bootstrap for benchmarks and comparisons of runs; its numbers are fixed by the seed."""

from functools import partial

import numpy as np
import pytest

from vp_tui.core.bench.interleaved import estimate
from vp_tui.core.measures.bootstrap import MIN_VALUES, bootstrap_medians, interval, percentile_interval, picks
from vp_tui.core.measures.scale import FLOOR, log_distance

GENERATOR = np.random.default_rng(7)
A_R, B_R = GENERATOR.normal(2, 0.1, 12), GENERATOR.normal(1, 0.1, 12)


def test_the_numbers_of_the_bootstraps_it_replaced_are_kept():
    # other processors add in another order
    exactly = partial(pytest.approx, rel=1e-13)
    found = estimate(list(A_R))
    assert (found.low, found.median, found.high) == exactly((1.9443659290814366, 1.986354614899763, 2.0327816272834265))
    medians_B = bootstrap_medians(A_R[:6], B_R[:7], seed=11, resamples=1000)
    assert percentile_interval(medians_B, 0.05) == exactly((-1.1207760696282714, -0.9138659983706))


def test_few_values_give_no_interval():
    assert interval(MIN_VALUES - 1, lambda picks_RB: picks_RB.mean(axis=1)) is None
    assert interval(MIN_VALUES, lambda picks_RB: picks_RB.mean(axis=1)) is not None


def test_a_seed_draws_the_same_indices_of_all_values():
    assert np.array_equal(picks(6, seed=(3, 1), resamples=50), picks(6, seed=(3, 1), resamples=50))
    assert set(np.unique(picks(6))) == set(range(6))


@pytest.mark.parametrize(("cosine", "expected"), [(1.0, FLOOR), (0.99, -2.0), (-1.0, 0.3010299957), (1.0000001, FLOOR)])
def test_a_distance_is_a_logarithm_with_a_floor(cosine, expected):
    assert log_distance(cosine) == pytest.approx(expected)
