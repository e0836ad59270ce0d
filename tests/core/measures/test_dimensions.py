import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import ks_2samp, wasserstein_distance

from vp_tui.core.measures.dimensions import dimension_measures, ks_distance, outlier_share, over_elements
from vp_tui.core.measures.statistics import reference_statistics, sums


def measured(x_SD, y_SD, statistics=None):
    statistics = reference_statistics(x_SD) if statistics is None else statistics
    return dimension_measures(sums(x_SD), sums(y_SD), x_SD, y_SD, statistics=statistics)


def pair(num=120, width=9, noise=0.1, seed=0):
    generator = np.random.default_rng(seed)
    x_SD = (generator.normal(size=(num, width)) * generator.uniform(0.1, 10, size=width)).astype(np.float32)
    return x_SD, (x_SD + noise * generator.normal(size=x_SD.shape)).astype(np.float32)


def written_out_ks(x_S, y_S, floor=0.0):
    """The largest F(t) - G(t + floor), each way."""

    def gap(a_S, b_S):
        return ((a_S <= a_S[:, None]).mean(axis=1) - ((b_S - a_S[:, None]) <= floor).mean(axis=1)).max()

    return max(gap(x_S, y_S), gap(y_S, x_S), 0.0)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), num=st.integers(1, 30), ties=st.booleans())
def test_the_ks_distance_is_the_largest_gap_with_and_without_ties(data, num, ties):
    elements = st.integers(-3, 3).map(float) if ties else st.floats(-(2.0**100), 2.0**100, width=32)
    x_CS, y_CS = (np.sort(data.draw(arrays(np.float32, (3, num), elements=elements)), axis=1) for _ in "xy")
    for floor in (0.0, 0.5, 2.0):
        expected = [written_out_ks(x_S, y_S, np.float32(floor)) for x_S, y_S in zip(x_CS, y_CS, strict=True)]
        assert ks_distance(x_CS, y_CS, floor) == pytest.approx(expected, abs=1e-12)


def test_without_a_floor_it_is_the_distance_of_kolmogorov_and_smirnov():
    x_SD, y_SD = pair(noise=1.0)
    found = ks_distance(np.sort(x_SD.T, axis=1), np.sort(y_SD.T, axis=1))
    assert found == pytest.approx([ks_2samp(a, b).statistic for a, b in zip(x_SD.T, y_SD.T, strict=True)], abs=1e-12)


def test_values_that_differ_by_less_than_the_floor_of_sigma_count_as_equal():
    x_SD, _ = pair(num=400)
    x_SD[:, 3] = 1 + 1e-6 * np.random.default_rng(4).normal(size=400)
    y_SD = x_SD.copy()
    y_SD[:, 3] += np.float32(3e-6)
    assert ks_2samp(x_SD[:, 3], y_SD[:, 3]).statistic > 0.5
    assert measured(x_SD, y_SD).ks_D[3] == 0


@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.1, 1.0, 100.0])
def test_every_dimension_is_compared_as_scipy_does(noise):
    x_SD, y_SD = pair(noise=noise)
    y_SD = y_SD * np.float32(1.05) + np.float32(0.1)
    sigma_D = x_SD.astype(np.float64).std(axis=0)
    found, floor = measured(x_SD, y_SD), np.float32(reference_statistics(x_SD).floor)
    for d, sigma in enumerate(sigma_D):
        x_S, y_S = x_SD[:, d].astype(np.float64), y_SD[:, d].astype(np.float64)
        assert found.ks_D[d] == pytest.approx(written_out_ks(x_SD[:, d], y_SD[:, d], floor), abs=1e-12)
        assert found.wasserstein_D[d] == pytest.approx(wasserstein_distance(x_S, y_S) / sigma, rel=1e-10)
        assert found.shift_D[d] == pytest.approx(abs(y_S.mean() - x_S.mean()) / sigma, rel=1e-9)
        assert found.std_ratio_D[d] == pytest.approx(y_S.std() / sigma, rel=1e-12)


def test_below_a_hundred_rows_the_ks_distance_is_not_judged():
    assert np.isnan(measured(*pair(num=99)).ks_D).all()
    assert np.isfinite(measured(*pair(num=100)).ks_D).all()


def test_a_wide_set_is_compared_in_portions_as_in_one():
    """6,000 rows: 87 dimensions per portion."""
    x_SD, y_SD = pair(num=6000, width=100)
    together, alone = measured(x_SD, y_SD), measured(x_SD[:, 95:97], y_SD[:, 95:97])
    for name in ("shift_D", "std_ratio_D", "wasserstein_D"):
        assert getattr(together, name)[95:97] == pytest.approx(getattr(alone, name), rel=1e-12)
    floor = np.float32(reference_statistics(x_SD).floor)  # of the median over all dimensions
    assert together.ks_D[95:97] == pytest.approx([written_out_ks(x_SD[:, d], y_SD[:, d], floor) for d in (95, 96)])


def test_means_and_deviations_are_of_all_rows_where_distributions_are_of_some():
    x_SD, y_SD = pair(num=600)
    all_rows = measured(x_SD, y_SD)
    some = dimension_measures(sums(x_SD), sums(y_SD), x_SD[::3], y_SD[::3], statistics=reference_statistics(x_SD))
    assert np.array_equal(some.shift_D, all_rows.shift_D)
    assert np.array_equal(some.std_ratio_D, all_rows.std_ratio_D)
    floor = np.float32(reference_statistics(x_SD).floor)
    assert some.ks_D == pytest.approx(
        [written_out_ks(a, b, floor) for a, b in zip(x_SD[::3].T, y_SD[::3].T, strict=True)]
    )


def test_inside_a_stratum_the_yardstick_is_the_whole_reference():
    x_SD, y_SD = pair(noise=0.0)
    y_SD = y_SD + np.float32(1)
    whole = reference_statistics(x_SD)
    narrow = np.argsort(x_SD[:, 0])[:20]  # hardly any spread of its own in dimension 0
    found = measured(x_SD[narrow], y_SD[narrow], whole)
    assert found.shift_D == pytest.approx(1 / whole.std_D, rel=1e-5)  # x + 1 is rounded to float32
    assert measured(x_SD[narrow], x_SD[narrow], whole).shift_D.max() == 0


def test_a_dimension_that_never_moves_is_measured_in_hundredths_of_the_median():
    x_SD = np.array([[0, 0, 5], [2, 2, 5]], np.float32)
    y_SD = np.array([[0, 0, 5.5], [2, 2, 5.5]], np.float32)
    found = measured(x_SD, y_SD)
    assert found.shift_D == pytest.approx([0, 0, 50])
    assert found.std_ratio_D.tolist() == [1, 1, 1]
    assert found.wasserstein_D == pytest.approx([0, 0, 50])


@pytest.mark.parametrize("num", [0, 1, 3])
def test_without_spread_only_means_are_left(num):
    x_SD = np.full((num, 2), 3, np.float32)
    found = measured(x_SD, 2 * x_SD)
    for name in ("shift_D", "std_ratio_D", "ks_D", "wasserstein_D"):
        assert np.isnan(getattr(found, name)).all()
    assert over_elements(found.mean_y_D, found.std_y_D) == ((6, 0) if num else (None, None))


def test_one_row_of_a_reference_with_spread_has_no_distribution():
    whole = reference_statistics(pair()[0])
    x_SD, y_SD = pair(num=1)
    assert np.isnan(measured(x_SD, y_SD, whole).std_ratio_D).all()


def test_mean_and_deviation_of_all_elements_come_from_those_of_the_dimensions():
    x_SD, y_SD = pair()
    found = measured(x_SD, y_SD)
    wide_SD = x_SD.astype(np.float64)
    assert over_elements(found.mean_x_D, found.std_x_D) == pytest.approx((wide_SD.mean(), wide_SD.std()), rel=1e-9)


def test_outliers_are_counted_beyond_three_deviations_of_the_reference():
    x_SD, _ = pair(num=500)
    statistics = reference_statistics(x_SD)
    z_SD = statistics.standardized(x_SD)
    found = outlier_share(x_SD, statistics)
    assert found.mean() == pytest.approx((np.abs(z_SD) > 3).mean())
    assert found.mean() > 0
    moved_SD = statistics.mean_D + statistics.scale_D * np.array([[3.01] * 9, [-2.99] * 9, [-3.01] * 8 + [0]])
    assert outlier_share(moved_SD, statistics) == pytest.approx([1, 0, 8 / 9])
    assert np.isnan(outlier_share(x_SD, reference_statistics(x_SD[:1]))).all()


def test_the_order_of_rows_changes_nothing_but_rounding():
    x_SD, y_SD = pair()
    rows = np.random.default_rng(1).permutation(120)
    plain, shuffled = measured(x_SD, y_SD), measured(x_SD[rows], y_SD[rows])
    assert (plain.ks_D == shuffled.ks_D).all()
    # a shift is a small difference of means
    assert shuffled.shift_D == pytest.approx(plain.shift_D, abs=1e-13)
    assert shuffled.wasserstein_D == pytest.approx(plain.wasserstein_D, rel=1e-12)
