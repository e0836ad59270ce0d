import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vp_tui.core.measures.elements import TOLERANCES, element_measures, element_numbers, ulp16, ulps


def numbers(x_SD, y_SD):
    return element_numbers(element_measures(x_SD, y_SD), ulps(x_SD, y_SD).ravel())


def test_an_ulp_is_the_distance_to_the_next_fp16_number():
    """All 31,744 finite positive FP16 numbers, zero and subnormal ones among them."""
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16)
    # numpy: a number's distance to the next; beyond the last one it has none, and the last distance goes on
    expected = np.append(np.spacing(halves[:-1]), halves[-1] - halves[-2]).astype(np.float32)
    assert np.array_equal(ulp16(halves.astype(np.float32)), expected)
    assert np.array_equal(ulp16(-halves.astype(np.float32)), expected)


@pytest.mark.parametrize(("x", "ulp"), [(65504, 32), (65536, 32), (1e30, 32), (1e-30, 2.0**-24), (0, 2.0**-24)])
def test_beyond_the_range_of_fp16_the_last_distance_goes_on(x, ulp):
    assert ulp16(np.array([x], np.float32)).tolist() == [ulp]


def test_rounding_to_fp16_is_half_an_ulp_at_most():
    x_SD = np.random.default_rng(0).normal(size=(70, 500)).astype(np.float32)
    found = numbers(x_SD, x_SD.astype(np.float16).astype(np.float32))
    assert 0.4 < found["ulp16_max"] <= 0.5
    assert found["ulp16_p50"] == pytest.approx(0.25, abs=0.01)  # uniform between 0 and 0.5


def test_a_hand_made_row_matches_where_it_should():
    x_SD = np.array([[0, 1, -2, 3]], np.float32)  # median of |x|: 1.5
    y_SD = x_SD + np.array([[0.018, 0.01, 0.3, 0.03]], np.float32)
    # allowed at 1e-2: 0.015, 0.025, 0.035, 0.045; at 1e-1 ten times as much
    found = numbers(x_SD, y_SD)
    assert [found[name] for name in ("match_1e-4", "match_1e-3", "match_1e-2", "match_1e-1")] == [0, 0, 0.5, 1]
    assert found["max_abs"] == pytest.approx(0.3, rel=1e-6)  # -2 + 0.3 is rounded to float32
    assert found["ulp16_max"] == pytest.approx(0.018 / 2**-24, rel=1e-6)  # beside an exact 0 all is far away


def test_the_measures_are_those_of_the_written_out_formulas():
    generator = np.random.default_rng(1)
    x_SD = generator.normal(size=(130, 33)).astype(np.float32)
    y_SD = (x_SD * (1 + 1e-2 * generator.normal(size=x_SD.shape))).astype(np.float32)
    wide_SD, error_SD = np.abs(x_SD.astype(np.float64)), np.abs(y_SD - x_SD.astype(np.float64))
    allowed_SD = wide_SD + np.median(wide_SD, axis=1, keepdims=True)
    rates = [(error_SD <= tolerance * allowed_SD).mean() for tolerance in TOLERANCES]
    ulps_SD = error_SD / ulp16(x_SD)
    for rows in (slice(None), slice(20, 90)):
        found = numbers(x_SD[rows], y_SD[rows])
        expected = [(error_SD[rows] <= tolerance * allowed_SD[rows]).mean() for tolerance in TOLERANCES]
        assert list(found.values())[:4] == pytest.approx(expected, rel=1e-12)
        assert found["max_abs"] == error_SD[rows].max()
        # ULPs are kept in FP32
        assert found["ulp16_p50"] == pytest.approx(np.percentile(ulps_SD[rows], 50), rel=1e-6)
        assert found["ulp16_p99"] == pytest.approx(np.percentile(ulps_SD[rows], 99), rel=1e-6)
        assert found["ulp16_max"] == pytest.approx(ulps_SD[rows].max(), rel=1e-6)
    assert rates == sorted(rates)


def test_more_ulps_than_float32_can_count_are_the_most_it_can():
    found = numbers(np.array([[1e-30, 1]], np.float32), np.array([[3e38, 1]], np.float32))
    assert found["ulp16_max"] == np.finfo(np.float32).max
    assert found["max_abs"] == pytest.approx(3e38)


def test_no_rows_have_no_numbers():
    assert set(numbers(np.zeros((0, 4), np.float32), np.zeros((0, 4), np.float32)).values()) == {None}


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=50)
@given(data=st.data(), num=st.integers(1, 4), width=st.integers(1, 5))
def test_any_finite_numbers_are_compared_and_equal_ones_match(data, num, width):
    x_SD, y_SD = (data.draw(arrays(np.float32, (num, width), elements=FLOATS)) for _ in "xy")
    assert all(np.isfinite(value) for value in numbers(x_SD, y_SD).values())
    assert list(numbers(x_SD, x_SD).values()) == [1, 1, 1, 1, 0, 0, 0, 0]
