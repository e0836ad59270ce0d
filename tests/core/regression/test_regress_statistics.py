"""The tests and intervals of the rule against scipy's, against counting by hand, and against their own mirror image."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats

from vp_tui.core.measures.bootstrap import bootstrap_medians, percentile_interval
from vp_tui.core.regression import statistics as rule_statistics
from vp_tui.core.regression.statistics import (
    OneSided,
    holm,
    holm_both,
    mcnemar,
    median_interval,
    pooled_sd,
    rate_bound,
    repeats_needed,
    seed_of,
    sign_test,
    t_interval,
    t_test,
    within,
)

GROUPS = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=6).map(np.array)


def permutation(base_R, cand_R, *, seed=1, exact_up_to=12, draws=20_000):
    return rule_statistics.permutation(base_R, cand_R, seed=seed, exact_up_to=exact_up_to, draws=draws)


@pytest.mark.parametrize(("worse", "better", "p"), [(5, 0, 0.03125), (6, 0, 0.015625), (4, 0, 0.0625), (0, 0, 1.0)])
def test_mcnemar_has_the_tail_of_the_fair_coin(worse, better, p):
    assert mcnemar(worse, better).greater == pytest.approx(p, rel=1e-12)


@settings(deadline=None)
@given(st.integers(0, 30), st.integers(0, 30))
def test_mcnemar_counts_the_binomial_tail_in_both_directions(worse, better):
    n = worse + better
    found = mcnemar(worse, better)
    assert found.greater == pytest.approx(sum(math.comb(n, k) for k in range(worse, n + 1)) / 2**n, rel=1e-9)
    assert found == OneSided(greater=mcnemar(better, worse).less, less=mcnemar(better, worse).greater)


def test_the_sign_test_leaves_ties_out():
    assert sign_test(np.array([1.0, 2.0, 0.5, 3.0, 1.0, 0.0, 0.0])) == mcnemar(5, 0)
    assert sign_test(np.zeros(9)) == OneSided(greater=1.0, less=1.0)


@pytest.mark.parametrize(("n", "alpha"), [(5, 0.1), (8, 0.1), (40, 0.05), (333, 0.1)])
def test_the_interval_of_the_median_is_scipys(n, alpha):
    values_S = np.random.default_rng(n).normal(size=n)
    theirs = stats.quantile_test(values_S, p=0.5).confidence_interval(1 - alpha)
    assert median_interval(values_S, alpha) == (theirs.low, theirs.high)


def test_four_values_have_no_interval_of_their_median():
    assert median_interval(np.arange(4.0), 0.1) is None
    assert median_interval(np.array([]), 0.1) is None
    assert median_interval(np.arange(5.0), 0.1) == (0.0, 4.0)


def test_the_bound_without_a_failure_is_one_minus_alpha_to_the_nth_root():
    # the closed form and the beta quantile of scipy agree to rounding
    assert rate_bound(0, 3333, 0.05) == pytest.approx(1 - 0.05 ** (1 / 3333), rel=1e-9)
    assert rate_bound(0, 3333, 0.05) == pytest.approx(0.000898, abs=1e-6)
    assert rate_bound(0, 0, 0.05) == 1.0
    assert rate_bound(7, 7, 0.05) == 1.0


@pytest.mark.parametrize(("failures", "n"), [(0, 1), (0, 50), (3, 100), (99, 100)])
def test_the_bound_is_scipys_exact_one(failures, n):
    theirs = stats.binomtest(failures, n, alternative="less").proportion_ci(0.95, method="exact")
    # scipy stops its root search at 1e-12 or so
    assert rate_bound(failures, n, 0.05) == pytest.approx(theirs.high, rel=1e-6)


def test_holm_multiplies_the_smallest_by_all_and_never_falls():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_each_direction_is_a_family_of_its_own():
    both = holm_both([OneSided(greater=0.01, less=0.99), OneSided(greater=0.5, less=0.02)])
    assert [p.greater for p in both] == pytest.approx([0.02, 0.5])
    assert [p.less for p in both] == pytest.approx([0.99, 0.04])


@pytest.mark.parametrize("sizes", [(5, 5), (3, 7), (2, 4), (6, 5)])
def test_exact_permutation_is_scipys(sizes):
    generator = np.random.default_rng(sum(sizes))
    base_R, cand_R = generator.normal(0, 1, sizes[0]).round(1), generator.normal(0.5, 1, sizes[1]).round(1)
    for direction in ("greater", "less"):
        theirs = stats.permutation_test(
            (cand_R, base_R),
            lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
            alternative=direction,
            n_resamples=np.inf,
            vectorized=True,
        )
        assert getattr(permutation(base_R, cand_R), direction) == pytest.approx(theirs.pvalue, rel=1e-12)


@given(GROUPS, GROUPS)
def test_exact_permutation_counts_every_relabelling_with_its_ties(base_R, cand_R):
    pool, size = [*base_R, *cand_R], len(cand_R)
    sums = [sum(chosen) for chosen in itertools.combinations(pool, size)]
    found = permutation(base_R, cand_R)
    assert found.greater == sum(one >= cand_R.sum() for one in sums) / len(sums)
    assert found.less == sum(one <= cand_R.sum() for one in sums) / len(sums)


def test_five_clear_runs_against_five_reach_one_in_252():
    assert permutation(np.arange(5.0), np.arange(10.0, 15.0)).greater == 1 / 252


def test_twelve_against_twelve_are_counted_and_not_drawn():
    found = permutation(np.arange(12.0), np.arange(20.0, 32.0))
    assert found.greater == 1 / math.comb(24, 12)


def test_above_twelve_seeded_draws_come_near_the_exact_p():
    generator = np.random.default_rng(3)
    base_R, cand_R = generator.normal(0, 1, 12), generator.normal(0.6, 1, 12)
    exact, drawn = permutation(base_R, cand_R), permutation(base_R, cand_R, exact_up_to=11)
    # four standard errors of 20,000 draws
    assert drawn.greater == pytest.approx(exact.greater, abs=4 * math.sqrt(exact.greater / 20_000))
    assert permutation(base_R, cand_R, exact_up_to=11) == drawn
    assert permutation(np.zeros(13), np.ones(13)).greater == 1 / 20_001


@settings(deadline=None)
@given(GROUPS, GROUPS, st.sampled_from([0, 12]))
def test_permutation_and_bootstrap_are_mirror_images_to_the_last_bit(base_R, cand_R, exact_up_to):
    # equal groups are the same call both ways
    assume(sorted(base_R) != sorted(cand_R))
    there = permutation(base_R, cand_R, exact_up_to=exact_up_to, draws=200)
    back = permutation(cand_R, base_R, exact_up_to=exact_up_to, draws=200)
    assert (there.greater, there.less) == (back.less, back.greater)
    there_B = bootstrap_medians(base_R, cand_R, seed=5, resamples=200)
    back_B = bootstrap_medians(cand_R, base_R, seed=5, resamples=200)
    low, high = percentile_interval(there_B, 0.1)
    assert (-high, -low) == percentile_interval(back_B, 0.1)


def test_the_bootstrap_interval_is_near_scipys_and_ignores_the_order_of_runs():
    generator = np.random.default_rng(8)
    base_R, cand_R = generator.normal(0, 1, 25), generator.normal(1, 1, 25)
    found = percentile_interval(bootstrap_medians(base_R, cand_R, seed=2, resamples=10_000), 0.05)
    theirs = stats.bootstrap(
        (base_R, cand_R),
        lambda x, y, axis: np.median(y, axis=axis) - np.median(x, axis=axis),
        method="percentile",
        n_resamples=10_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    # medians of 25 values step by about 0.1 near the tails
    assert found == pytest.approx((theirs.low, theirs.high), abs=0.1)
    shuffled = bootstrap_medians(generator.permutation(base_R), cand_R, seed=2, resamples=10_000)
    assert percentile_interval(shuffled, 0.05) == found


def test_both_groups_are_resampled_each_on_its_own():
    # were they resampled alike, equal groups would always differ by 0
    values_R = np.arange(5.0)
    assert percentile_interval(bootstrap_medians(values_R, values_R, seed=1, resamples=1000), 0.05) != (0.0, 0.0)


def test_an_interval_on_the_limit_is_not_inside_it():
    assert within((-0.04, 0.04), 0.05)
    assert not within((-0.05, 0.04), 0.05)
    assert not within((-0.04, 0.05), 0.05)


@pytest.mark.parametrize("freedom", [4, 9, math.inf])
def test_a_difference_with_a_known_error_has_the_t_distribution_of_its_noise(freedom):
    p = t_test(0.03, 0.01, freedom)
    assert p.greater == pytest.approx(stats.t.sf(3, freedom), rel=1e-9)
    assert (t_test(-0.03, 0.01, freedom).less, t_test(-0.03, 0.01, freedom).greater) == (p.greater, p.less)
    low, high = t_interval(0.03, 0.01, freedom, 0.10)
    assert (low + high) / 2 == pytest.approx(0.03)
    assert high - 0.03 == pytest.approx(0.01 * stats.t.ppf(0.95, freedom))


def test_the_noise_inside_both_groups_is_pooled():
    assert pooled_sd(np.array([1.0, 3.0]), np.array([10.0, 12.0])) == pytest.approx(math.sqrt(2))
    assert pooled_sd(np.array([1.0]), np.array([2.0])) is None
    assert pooled_sd(np.array([]), np.arange(4.0)) is None


def test_repeats_grow_with_the_square_of_noise_over_tolerance():
    assert repeats_needed(0.01, 0.05, factor=12.4, at_least=5) == 5
    assert repeats_needed(0.10, 0.05, factor=12.4, at_least=5) == 50


def test_the_seed_comes_from_the_runs_whatever_their_order():
    assert seed_of(["b", "a"]) == seed_of(["a", "b"])
    assert seed_of(["a", "b"]) != seed_of(["a", "c"])
