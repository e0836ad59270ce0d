import numpy as np
import pytest

from vp_tui.core.measures.corruption import CONTROLS
from vp_tui.core.measures.pairs import pair_measures


@pytest.fixture
def x_SD():
    x_SD = np.random.default_rng(0).normal(size=(21, 30)).astype(np.float32)
    x_SD[:, 4] += 15
    return x_SD


def damaged(name, x_SD):
    return CONTROLS[name][0](x_SD)


@pytest.mark.parametrize("name", CONTROLS)
def test_damage_is_deterministic_float32_and_leaves_the_original_alone(name, x_SD):
    before_SD = x_SD.copy()
    first_SD, second_SD = damaged(name, x_SD), damaged(name, x_SD)
    assert first_SD.dtype == np.float32
    assert first_SD.shape == x_SD.shape
    assert np.array_equal(first_SD, second_SD)
    assert np.array_equal(x_SD, before_SD)
    assert CONTROLS[name][1].endswith(".")


@pytest.mark.parametrize("name", CONTROLS)
def test_damage_that_is_impossible_or_changes_nothing_is_none(name):
    assert damaged(name, np.ones((0, 3), np.float32)) is None
    assert damaged(name, np.ones((1, 3), np.float32)) is None
    assert damaged(name, np.zeros((5, 3), np.float32)) is None


def test_no_sequence_keeps_its_embedding(x_SD):
    y_SD = damaged("permuted-pairs", x_SD)
    assert not (y_SD == x_SD).all(axis=1).any()
    assert {row.tobytes() for row in y_SD} == {row.tobytes() for row in x_SD}


def test_a_lost_scale_keeps_the_direction(x_SD):
    found = pair_measures(x_SD, damaged("lost-scale", x_SD))
    assert found.norm_ratio_S == pytest.approx(0.88, rel=1e-7)
    assert found.cosine_S.min() > 1 - 1e-14


def test_half_of_the_signal_is_left(x_SD):
    y_SD = damaged("half-signal", x_SD)
    mean_D = x_SD.astype(np.float64).mean(axis=0)
    assert y_SD - mean_D == pytest.approx((x_SD - mean_D) / 2, abs=1e-6)  # rounded to float32 near 15


def test_only_the_dimension_all_share_is_left(x_SD):
    y_SD = damaged("top-dimension-only", x_SD)
    assert np.array_equal(y_SD[:, 4], x_SD[:, 4])
    assert not np.delete(y_SD, 4, axis=1).any()
    assert pair_measures(x_SD, y_SD).cosine_S.mean() > 0.9


def test_one_sequence_has_noise_of_ten_percent(x_SD):
    error_S = pair_measures(x_SD, damaged("one-noisy-sequence", x_SD)).relative_l2_S
    assert sorted(error_S)[:-1] == [0.0] * 20
    assert error_S.max() == pytest.approx(0.1, rel=1e-4)  # the row is rounded to float32


def test_a_row_that_is_not_finite_does_not_spread(x_SD):
    x_SD[3] = np.nan
    x_SD[5, 2] = np.inf
    for name in ("lost-scale", "half-signal", "top-dimension-only", "one-noisy-sequence"):
        assert np.isfinite(np.delete(damaged(name, x_SD), [3, 5], axis=0)).all()
