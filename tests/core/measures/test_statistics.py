import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vp_tui.core.measures import statistics

NAN = np.nan


def rows(*values):
    return np.array(values, dtype=np.float32)


@pytest.fixture
def x_SD():
    """200 embeddings of 40 numbers with a common part in dimension 7, which holds most of every norm."""
    generator = np.random.default_rng(0)
    x_SD = generator.normal(size=(200, 40)).astype(np.float32)
    x_SD[:, 7] += 20
    return x_SD


def test_mean_and_standard_deviation_are_those_of_the_finite_rows(x_SD):
    with_holes_SD = np.concatenate([x_SD, rows([NAN] * 40, [np.inf] * 40)])
    found = statistics.reference_statistics(with_holes_SD)
    assert found.num_rows == 200
    # both are sums of 200 doubles
    assert found.mean_D == pytest.approx(x_SD.astype(np.float64).mean(axis=0), rel=1e-12)
    assert found.std_D == pytest.approx(x_SD.astype(np.float64).std(axis=0), rel=1e-12)


def test_a_dimension_that_hardly_moves_is_scaled_by_a_hundredth_of_the_median():
    found = statistics.reference_statistics(rows([0, 0, 5, 0], [2, 4, 5, 6]))
    assert found.std_D.tolist() == [1, 2, 0, 3]
    assert found.scale_D.tolist() == [1, 2, 0.015, 3]


def test_where_most_dimensions_never_move_the_median_is_that_of_the_others():
    found = statistics.reference_statistics(rows([0, 1, 1, 1], [2, 1, 1, 1]))
    assert found.scale_D.tolist() == [1, 0.01, 0.01, 0.01]
    assert found.standardized(rows([2, 1, 1, 2])).tolist() == [[1, 0, 0, 100]]


@pytest.mark.parametrize("num", [0, 1, 2, 70])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e30, 1e-30])
def test_equal_rows_have_no_spread_at_all(num, value):
    found = statistics.reference_statistics(np.full((num, 3), value, np.float32))
    assert not found.spread
    assert found.std_D.tolist() == [0, 0, 0]


def test_the_mean_cosine_between_sequences_is_that_over_all_pairs(x_SD):
    unit_SD = x_SD / np.linalg.norm(x_SD.astype(np.float64), axis=1)[:, None]
    all_pairs_SS = unit_SD @ unit_SD.T
    found = statistics.sums(x_SD).between
    plain = all_pairs_SS[~np.eye(200, dtype=bool)].mean()
    assert found.cosine == pytest.approx(plain, abs=1e-13)
    per_dimension_D = [
        (np.outer(u_S, u_S).sum() - np.square(u_S).sum()) / (200 * 199) / plain for u_S in unit_SD.T.copy()
    ]
    # a share is that of the positive contributions, which are the mean cosine but for 1 / (n - 1)
    assert found.share_D == pytest.approx(np.maximum(per_dimension_D, 0), abs=1 / 199)
    assert found.share_D.sum() == pytest.approx(1, rel=1e-12)


def test_the_rogue_dimension_is_named_with_its_share(x_SD):
    found = statistics.sums(x_SD).between
    assert found.cosine > 0.85
    [(index, share)] = statistics.rogue_dimensions(found)
    assert index == 7
    assert share > 0.98


def shares(*values):
    return statistics.BetweenSequences(cosine=0.9, share_D=np.array(values))


@pytest.mark.parametrize(
    ("x", "y", "differences"),
    [
        ([0.9, 0.06], [0.9, 0.045], 0),
        ([0.9, 0.06], [0.9, 0.039], 1),
        ([0.9, 0.039], [0.9, 0.06], 1),
        ([0.9, 0.049], [0.9, 0.0], 0),
        ([0.9, 0.0], [0.0, 0.9], 2),
    ],
)
def test_a_share_at_the_border_is_no_difference(x, y, differences):
    assert statistics.rogue_differences(shares(*x), shares(*y)) == differences


def test_rogue_dimensions_come_with_the_largest_first():
    assert statistics.rogue_dimensions(shares(0.1, 0.05, 0.6, 0.2)) == [(2, 0.6), (3, 0.2), (0, 0.1)]


def test_one_row_has_no_cosine_between_sequences_and_opposite_rows_no_share():
    assert statistics.sums(rows([1, 2])).between.cosine is None
    opposite = statistics.sums(rows([1, 2], [-1, -2])).between
    assert opposite.cosine == pytest.approx(-1)
    assert opposite.share_D.tolist() == [0, 0]
    assert statistics.sums(rows([1, 2], [2, 4], [0.5, 1])).between.cosine == pytest.approx(1)
    assert statistics.sums(rows([0, 0], [0, 0])).between.cosine == 0


@pytest.mark.parametrize(
    ("between", "needed"), [(0.92, 0.875), (0.95, 0.8), (0.98, 0.5), (0.0, 0.99), (0.99, 0.0), (0.999, 0.0), (1.0, 0.0)]
)
def test_the_more_alike_sequences_are_the_less_the_limit_asks_for(between, needed):
    assert statistics.needed_centred_cosine(between, 0.99) == pytest.approx(needed, abs=1e-12)


def test_what_the_limit_asks_for_is_unknown_without_pairs():
    assert statistics.needed_centred_cosine(None, 0.99) is None


def test_the_dominant_dimension_is_found_with_its_share_of_the_norm():
    top, share = statistics.sums(rows([1, 3, 0], [1, 3, 0], [NAN, 0, 100])).dominant_dimension
    assert (top, share) == (1, pytest.approx(0.9))
    assert statistics.sums(rows([0, 0])).dominant_dimension is None
    assert statistics.sums(np.zeros((0, 8), np.float32)).dominant_dimension is None


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@settings(deadline=None, max_examples=50)
@given(x_SD=arrays(np.float32, st.tuples(st.integers(0, 5), st.integers(1, 5)), elements=FLOATS))
def test_any_float32_has_finite_statistics(x_SD):
    found, between = statistics.reference_statistics(x_SD), statistics.sums(x_SD).between
    assert np.isfinite(found.mean_D).all()
    assert np.isfinite(found.std_D).all()
    assert not found.spread or (found.scale_D > 0).all()
    assert between.cosine is None or -1 <= between.cosine <= 1
    assert ((between.share_D >= 0) & (between.share_D <= 1 + 1e-12)).all()
    assert statistics.rogue_differences(between, between) == 0


def test_sums_of_parts_add_up_to_those_of_the_whole_without_cancellation():
    """A dimension whose mean is a million times its deviation, in parts of any size."""
    generator = np.random.default_rng(2)
    x_SD = generator.normal(size=(500, 6))
    x_SD[:, 2] = 1e6 + x_SD[:, 2]
    parts = np.split(x_SD, [1, 3, 130, 131, 400])
    whole = statistics.added(map(statistics.sums_of_portion, parts), 6)
    assert whole.num == 500
    assert whole.mean_D == pytest.approx(x_SD.mean(axis=0), rel=1e-12)
    assert whole.std_D == pytest.approx(x_SD.std(axis=0), rel=1e-9)  # 1e6 has ten digits left for its deviation
    unit_SD = x_SD / np.linalg.norm(x_SD, axis=1)[:, None]
    assert whole.unit_D == pytest.approx(unit_SD.sum(axis=0), rel=1e-12)
    assert whole.unit_square_D == pytest.approx(np.square(unit_SD).sum(axis=0), rel=1e-12)
