import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vp_tui.core.measures.pairs import SQNR_CAP_DB, pair_measures, set_measures, sqnr_db
from vp_tui.core.measures.statistics import reference_statistics

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


def test_no_sequences_give_no_measures():
    found = pair_measures(np.zeros((0, 8), np.float32), np.zeros((0, 8), np.float32))
    assert found.cosine_S.shape == found.relative_l2_S.shape == found.norm_ratio_S.shape == (0,)


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


def fields(found):
    return {name: getattr(found, name) for name in found.__dataclass_fields__}


def against(x_SD, y_SD):
    return set_measures(x_SD, y_SD, reference_statistics(x_SD))


def test_measures_about_the_mean_are_those_of_the_written_out_formulas(pair):
    x_SD, y_SD = (rows_SD.astype(np.float64) for rows_SD in pair)
    x_SD[:, 3] = 12.5 + 1e-5 * x_SD[:, 3]  # a dimension whose sigma is below the floor
    mean_D, sigma_D = x_SD.mean(axis=0), x_SD.std(axis=0)
    scale_D = np.maximum(sigma_D, 0.01 * np.median(sigma_D))
    found = against(x_SD, y_SD)

    def cosine(a_SD, b_SD):
        return (a_SD * b_SD).sum(axis=1) / np.linalg.norm(a_SD, axis=1) / np.linalg.norm(b_SD, axis=1)

    # the plain formulas themselves are good to a few roundings
    assert found.centred_cosine_S == pytest.approx(cosine(x_SD - mean_D, y_SD - mean_D), abs=1e-14)
    standardized = cosine((x_SD - mean_D) / scale_D, (y_SD - mean_D) / scale_D)
    assert found.standardized_cosine_S == pytest.approx(standardized, abs=1e-14)
    gap_S = np.linalg.norm(y_SD - x_SD, axis=1)
    assert found.centred_l2_S == pytest.approx(gap_S / np.linalg.norm(x_SD - mean_D, axis=1), rel=1e-12)
    assert found.scale_S == pytest.approx((x_SD * y_SD).sum(axis=1) / np.square(x_SD).sum(axis=1), rel=1e-14)
    assert {name: values.tolist() for name, values in fields(pair_measures(x_SD, y_SD)).items()} == {
        name: getattr(found, name).tolist() for name in ("cosine_S", "relative_l2_S", "norm_ratio_S")
    }


def test_a_centred_cosine_a_millionth_of_a_millionth_below_one_is_seen():
    """Angle 1.4e-6 about the mean: 1 - cosine = 1e-12 must come back to the grid of doubles below 1."""
    angle = math.sqrt(2e-12)
    x_SD = np.array([[1.0, 0.0], [-1.0, 0.0]])
    y_SD = np.array([[math.cos(angle), math.sin(angle)], [-1.0, 0.0]])
    found = against(x_SD, y_SD)
    assert 1 - found.centred_cosine_S[0] == pytest.approx(2 * math.sin(angle / 2) ** 2, abs=1.2e-16)
    assert found.centred_cosine_S[1] == 1.0


def test_half_of_the_signal_gone_is_seen_about_the_mean_and_hardly_by_the_cosine():
    generator = np.random.default_rng(0)
    x_SD = generator.normal(size=(50, 32))
    x_SD[:, 5] = 50
    mean_D = x_SD.mean(axis=0)
    found = against(x_SD, mean_D + (x_SD - mean_D) / 2)
    assert found.cosine_S.min() > 0.99
    assert found.centred_l2_S == pytest.approx(0.5, rel=1e-12)
    assert found.centred_cosine_S == pytest.approx(1.0, abs=1e-15)


def test_a_row_that_is_the_mean_is_dealt_with_like_a_zero_vector():
    x_SD = rows([1, 0], [-1, 0], [0, 0])
    same, other = against(x_SD, x_SD), against(x_SD, rows([1, 0], [-1, 0], [0, 2]))
    assert (same.centred_cosine_S[2], same.centred_l2_S[2], same.scale_S[2]) == (1.0, 0.0, 1.0)
    assert (other.centred_cosine_S[2], other.standardized_cosine_S[2], other.scale_S[2]) == (0.0, 0.0, 0.0)
    assert other.centred_l2_S[2] == 2.0


@pytest.mark.parametrize("num", [0, 1, 3])
def test_a_reference_without_spread_has_no_measures_about_its_mean(num):
    x_SD = np.full((num, 4), 3, np.float32)
    found = against(x_SD, x_SD + 1)
    for values_S in (found.centred_cosine_S, found.standardized_cosine_S, found.centred_l2_S):
        assert np.isnan(values_S).all()
        assert values_S.shape == (num,)
    assert found.scale_S == pytest.approx(4 / 3, rel=1e-14)


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=40)
@given(data=st.data(), num=st.integers(0, 4), width=st.integers(1, 5))
def test_any_float32_has_every_measure_or_none(data, num, width):
    x_SD, y_SD = (data.draw(arrays(np.float64, (num, width), elements=FINITE)) for _ in "xy")
    found = fields(against(x_SD, y_SD))
    spread = reference_statistics(x_SD).spread
    for name, values_S in found.items():
        there = spread or not name.startswith(("centred", "standardized"))
        assert (np.isfinite(values_S) == there).all()


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32), low=st.floats(1e-6, 1e-1), factor=st.floats(1.01, 100))
def test_more_of_the_same_noise_is_never_nearer(seed, low, factor):
    generator = np.random.default_rng(seed)
    x_SD, noise_SD = generator.normal(size=(2, 10, 24))
    statistics = reference_statistics(x_SD)
    less, more = (set_measures(x_SD, x_SD + size * noise_SD, statistics) for size in (low, low * factor))
    assert (less.relative_l2_S < more.relative_l2_S).all()
    assert (less.centred_l2_S < more.centred_l2_S).all()
    # along a line away from x the angle only grows; the steps of a double near 1 are 1.1e-16
    assert (more.cosine_S <= less.cosine_S + 2.3e-16).all()
    assert (more.centred_cosine_S <= less.centred_cosine_S + 2.3e-16).all()
    assert (more.standardized_cosine_S <= less.standardized_cosine_S + 2.3e-16).all()


def test_decibels_count_tens_of_relative_error_and_end_at_an_exact_match():
    assert sqnr_db(np.array([1.0, 0.1, 1e-3, 10.0])) == pytest.approx([0, 20, 60, -20], abs=1e-12)
    assert sqnr_db(np.array([0.0, 1e-300])).tolist() == [SQNR_CAP_DB, SQNR_CAP_DB]
    assert np.isnan(sqnr_db(np.array([NAN]))).all()
