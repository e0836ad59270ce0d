import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vp_tui.core.compare import statistics, summary
from vp_tui.core.compare.pairs import pair_measures

NAN, INF = math.nan, math.inf


def rows(*values):
    return np.array(values, dtype=np.float32)


def measured(x, y):
    found = pair_measures(rows(x), rows(y))
    return found.cosine_S[0], found.relative_l2_S[0], found.norm_ratio_S[0]


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        ([3, 4], [3, 4], (1.0, 0.0, 1.0)),
        ([3, 4], [6, 8], (1.0, 1.0, 2.0)),
        ([3, 4], [-3, -4], (-1.0, 2.0, 1.0)),
        ([1, 0], [0, 1], (0.0, math.sqrt(2), 1.0)),
        ([3, 4], [4, 3], (0.96, math.sqrt(2) / 5, 1.0)),
        ([2, 0], [1, 1], (math.sqrt(0.5), math.sqrt(2) / 2, math.sqrt(0.5))),
    ],
)
def test_hand_made_vectors_have_their_exact_measures(x, y, expected):
    assert measured(x, y) == pytest.approx(expected, abs=1e-15)


def test_two_zero_vectors_are_equal_and_one_has_no_direction():
    assert measured([0, 0], [0, 0]) == (1.0, 0.0, 1.0)
    assert measured([3, 4], [0, 0]) == (0.0, 1.0, 0.0)
    assert measured([0, 0], [3, 4])[0] == 0.0


@pytest.mark.parametrize("angle", [1e-7, 1e-6, 1e-5, 1e-4, 1e-3])
def test_a_tiny_angle_does_not_drown_in_cancellation(angle):
    """1 - cosine is exact to the spacing of doubles below 1 (1.1e-16): the dot product is three times as far off.

    Asking for 1e-6 of the gap itself is only possible from 1e-5 up: at 1e-7 the gap is 5e-15, and the
    returned cosine, a double near 1, resolves 2 % of it. The chart needs two digits there, and has them.
    """
    generator = np.random.default_rng(0)
    truth = 2 * math.sin(angle / 2) ** 2
    gaps, plain = [], []
    for _ in range(50):
        u_D, v_D = np.linalg.qr(generator.normal(size=(2560, 2)))[0].T
        x_D, y_D = 37.5 * u_D, 0.2 * (math.cos(angle) * u_D + math.sin(angle) * v_D)
        gaps.append(1 - pair_measures(x_D[None], y_D[None]).cosine_S[0])
        plain.append(1 - x_D @ y_D / (np.linalg.norm(x_D) * np.linalg.norm(y_D)))
    # truth rounded to the grid of doubles below 1, plus one rounding of the product
    assert np.abs(np.array(gaps) - truth).max() <= 1.2e-16
    assert np.abs(np.array(plain) - truth).max() > 1.2e-16, "then the plain formula would do"
    if angle >= 1e-5:
        assert np.array(gaps) == pytest.approx(truth, rel=3e-6)


def test_a_row_with_nan_or_inf_on_either_side_has_no_measure_and_leaves_its_neighbours_alone():
    x_SD = rows([3, 4], [NAN, 4], [3, 4], [INF, 4], [3, 4], [3, 4])
    y_SD = rows([3, 4], [3, 4], [3, NAN], [3, 4], [3, -INF], [3, 4])
    found = pair_measures(x_SD, y_SD)
    for values_S in (found.cosine_S, found.relative_l2_S, found.norm_ratio_S):
        assert np.isnan(values_S).tolist() == [False, True, True, True, True, False]
    assert found.cosine_S[[0, 5]].tolist() == [1.0, 1.0]


def test_no_sequences_give_no_measures_and_no_numbers():
    found = pair_measures(np.zeros((0, 8), np.float32), np.zeros((0, 8), np.float32))
    assert found.cosine_S.shape == found.relative_l2_S.shape == found.norm_ratio_S.shape == (0,)
    nothing_S = found.cosine_S
    assert summary.lowest(nothing_S) is None
    assert summary.mean(nothing_S) is None
    assert summary.percentile(nothing_S, 1) is None
    assert summary.farthest_from_one(nothing_S) is None
    assert summary.count_at_or_below(nothing_S, 0.99) == 0
    assert statistics.dominant_dimension(np.zeros((0, 8), np.float32)) is None


@pytest.fixture
def pair():
    generator = np.random.default_rng(1)
    x_SD = generator.normal(size=(20, 64)).astype(np.float32)
    return x_SD, (x_SD + 1e-3 * generator.normal(size=(20, 64))).astype(np.float32)


def test_the_order_of_the_sequences_changes_no_number(pair):
    x_SD, y_SD = pair
    order_S = np.random.default_rng(2).permutation(len(x_SD))
    straight, shuffled = pair_measures(x_SD, y_SD), pair_measures(x_SD[order_S], y_SD[order_S])
    assert (straight.cosine_S[order_S] == shuffled.cosine_S).all()
    assert (straight.relative_l2_S[order_S] == shuffled.relative_l2_S).all()
    assert (straight.norm_ratio_S[order_S] == shuffled.norm_ratio_S).all()


@pytest.mark.parametrize("scale", [2.0**-20, 0.88, 3.0, 2.0**20])
def test_cosine_does_not_see_a_change_of_scale_and_the_norm_ratio_does(pair, scale):
    x_SD, y_SD = pair
    plain, scaled = pair_measures(x_SD, y_SD), pair_measures(x_SD, y_SD.astype(np.float64) * scale)
    assert scaled.cosine_S == pytest.approx(plain.cosine_S, abs=3e-16)
    assert scaled.norm_ratio_S == pytest.approx(plain.norm_ratio_S * scale, rel=1e-14)


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(deadline=None)
@given(data=st.data(), num=st.integers(0, 5), width=st.integers(1, 6))
def test_any_float32_gives_a_cosine_from_minus_one_to_one_or_none(data, num, width):
    x_SD, y_SD = (data.draw(arrays(np.float32, (num, width), elements=FLOATS)) for _ in "xy")
    found = pair_measures(x_SD, y_SD)
    finite_S = np.isfinite(x_SD).all(axis=1) & np.isfinite(y_SD).all(axis=1)
    assert (np.isnan(found.cosine_S) == ~finite_S).all()
    assert ((found.cosine_S[finite_S] >= -1) & (found.cosine_S[finite_S] <= 1)).all()
    assert np.isfinite(found.relative_l2_S[finite_S]).all()
    assert np.isfinite(found.norm_ratio_S[finite_S]).all()
    summary.farthest_from_one(found.norm_ratio_S)
    statistics.dominant_dimension(x_SD)


def test_a_cosine_at_the_limit_or_without_a_number_does_not_pass():
    assert summary.count_at_or_below(np.array([0.99, 0.5, NAN, np.nextafter(0.99, 1), 1.0]), 0.99) == 3


def test_summaries_are_over_the_numbers_there_are():
    values_S = np.array([NAN, 0.9, 1.0, 0.8])
    assert summary.lowest(values_S) == 0.8
    assert summary.mean(values_S) == pytest.approx(0.9)
    assert summary.percentile(values_S, 50) == 0.9
    assert summary.percentile(np.arange(101.0), 1) == 1.0


@pytest.mark.parametrize(
    ("ratios", "worst"), [([1.0, 1.1, 0.8], 0.8), ([0.9, 1.2], 1.2), ([2.0, 0.0, NAN], 0.0), ([1.0, 0.5, 1.9], 0.5)]
)
def test_the_worst_ratio_is_the_one_farthest_on_a_log_scale(ratios, worst):
    assert summary.farthest_from_one(np.array(ratios)) == worst


def test_the_dominant_dimension_is_found_with_its_share_of_the_norm():
    top, share = statistics.dominant_dimension(rows([1, 3, 0], [1, 3, 0], [NAN, 0, 100]))
    assert (top, share) == (1, pytest.approx(0.9))
    assert statistics.dominant_dimension(rows([0, 0])) is None
