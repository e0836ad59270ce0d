import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist
from scipy.stats import spearmanr

from vp_tui.core.measures.arrays import NumpyArrays
from vp_tui.core.measures.statistics import reference_statistics
from vp_tui.core.measures.structure import StructureMeasures, structure_measures

NAMES = tuple(StructureMeasures.__dataclass_fields__)


def measured(x_SD, y_SD, **kwargs):
    return structure_measures(x_SD, y_SD, reference_statistics(x_SD), **kwargs)


def values(found):
    return [getattr(found, name) for name in NAMES]


def pair(num=60, width=200, noise=0.3, seed=0):
    generator = np.random.default_rng(seed)
    x_SD = generator.normal(size=(num, width))
    return x_SD, x_SD + noise * generator.normal(size=x_SD.shape)


def unbiased_hsic(k_SS, l_SS):
    """Song et al. 2012, eq. 5, term by term."""
    num = len(k_SS)
    k_SS, l_SS = k_SS - np.diag(np.diag(k_SS)), l_SS - np.diag(np.diag(l_SS))
    cross = k_SS.sum() * l_SS.sum() / ((num - 1) * (num - 2))
    return (np.trace(k_SS @ l_SS) + cross - 2 / (num - 2) * (k_SS @ l_SS).sum()) / (num * (num - 3))


@pytest.mark.parametrize("num", [4, 5, 60])
@pytest.mark.parametrize("noise", [1e-4, 0.3, 3.0])
def test_the_similarities_are_those_of_the_dense_formulas(num, noise):
    x_SD, y_SD = pair(num=num, noise=noise)
    statistics = reference_statistics(x_SD)
    zx_SD, zy_SD = statistics.standardized(x_SD), statistics.standardized(y_SD)
    h_SS = np.eye(num) - 1 / num
    k_SS, l_SS = zx_SD @ zx_SD.T, zy_SD @ zy_SD.T
    kc_SS, lc_SS = h_SS @ k_SS @ h_SS, h_SS @ l_SS @ h_SS
    found = measured(x_SD, y_SD)
    assert found.cka == pytest.approx((kc_SS * lc_SS).sum() / np.linalg.norm(kc_SS) / np.linalg.norm(lc_SS), abs=1e-13)
    feature = np.square(np.linalg.norm((h_SS @ zx_SD).T @ zy_SD))
    feature /= np.linalg.norm((h_SS @ zx_SD).T @ zx_SD) * np.linalg.norm((h_SS @ zy_SD).T @ zy_SD)
    assert found.cka == pytest.approx(feature, abs=1e-12)
    debiased = unbiased_hsic(k_SS, l_SS) / np.sqrt(unbiased_hsic(k_SS, k_SS) * unbiased_hsic(l_SS, l_SS))
    assert found.cka_debiased == pytest.approx(debiased, abs=1e-9)  # its terms are 1e4 times their sum
    # distances are ranked in FP32: a tie of neighbours among P costs at most 3 / P^2, and there may be some
    ranked = spearmanr(pdist(zx_SD), pdist(zy_SD)).statistic
    assert found.rdm_spearman == pytest.approx(ranked, abs=1e-12 if num < 10 else 10 / (num * (num - 1) / 2) ** 2)


def test_the_energy_distance_is_that_of_all_pairs():
    x_SD, y_SD = pair(num=100, noise=0.5)
    y_SD += 0.2
    statistics = reference_statistics(x_SD)
    zx_SD, zy_SD = statistics.standardized(x_SD), statistics.standardized(y_SD)
    across = cdist(zx_SD, zy_SD).mean()
    expected = (2 * across - cdist(zx_SD, zx_SD).mean() - cdist(zy_SD, zy_SD).mean()) / (2 * across)
    assert measured(x_SD, y_SD).energy_distance == pytest.approx(expected, abs=1e-12)
    assert expected > 1e-3


def test_partners_are_close_in_the_energy_distance_however_close():
    """Noise of 1e-7: partners are too close for a difference of squares of 200, and are half of the distance."""
    x_SD, y_SD = pair(num=100, noise=1e-7)
    statistics = reference_statistics(x_SD)
    zx_SD, zy_SD = statistics.standardized(x_SD), statistics.standardized(y_SD)
    across = cdist(zx_SD, zy_SD).mean()
    expected = (2 * across - cdist(zx_SD, zx_SD).mean() - cdist(zy_SD, zy_SD).mean()) / (2 * across)
    assert expected > 1e-10
    assert measured(x_SD, y_SD).energy_distance == pytest.approx(expected, abs=1e-14)


class FakeProcessor(NumpyArrays):
    """Rounds each sum of products otherwise, as processors do that sum the edges of a matrix in another order."""

    def products(self, a_AD, b_BD):
        product_AB = super().products(a_AD, b_BD)
        return product_AB * (1 + 4e-16 * np.random.default_rng(0).integers(-2, 3, product_AB.shape))


def test_equal_rows_are_at_no_distance_however_a_processor_rounds():
    x_SD, _ = pair()
    y_SD = np.repeat(x_SD[:6] + 3.0, 10, axis=0)
    here, there = measured(x_SD, y_SD), measured(x_SD, y_SD, arrays=FakeProcessor())
    assert values(there) == pytest.approx(values(here), abs=1e-14)


def test_sets_far_apart_have_nearly_all_of_the_energy_distance_and_the_same_structure():
    x_SD, _ = pair()
    found = measured(x_SD, x_SD + 1e6)
    assert found.energy_distance > 0.999
    # x + 1e6 has ten digits of x left
    assert values(found)[:3] == pytest.approx([1, 1, 1], abs=1e-6)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32), num=st.integers(5, 40), width=st.integers(1, 40))
def test_an_equal_set_has_exactly_one_and_no_distance(seed, num, width):
    x_SD, _ = pair(num=num, width=width, seed=seed)
    x_SD = x_SD.astype(np.float32)
    assert values(measured(x_SD, x_SD.copy())) == [1.0, 1.0, 1.0, 0.0]


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_neither_the_order_of_rows_nor_of_dimensions_matters(seed):
    x_SD, y_SD = pair(seed=seed, width=30)
    generator = np.random.default_rng(seed)
    rows, dims = generator.permutation(60), generator.permutation(30)
    plain = values(measured(x_SD, y_SD))
    # other orders of summation; the ranks may see one pair turned round
    assert values(measured(x_SD[rows], y_SD[rows])) == pytest.approx(plain, abs=1e-6)
    assert values(measured(x_SD[:, dims], y_SD[:, dims])) == pytest.approx(plain, abs=1e-6)


def test_more_of_the_same_noise_is_less_similar():
    x_SD, noisy_SD = pair(num=80, noise=1.0)
    steps = [values(measured(x_SD, x_SD + size * (noisy_SD - x_SD))) for size in (0, 1e-4, 1e-3, 1e-2, 0.1, 1, 10)]
    for similarity in np.array(steps).T[:3]:
        assert (np.diff(similarity) < 0).all()
    assert (np.diff(np.array(steps).T[3]) > 0).all()


def test_noise_of_fp16_is_told_from_none():
    """Relative noise of 3e-6 costs about 1e-11 of CKA, far above the steps of a double near 1."""
    x_SD, y_SD = pair(noise=3e-6)
    assert 1e-13 < 1 - measured(x_SD, y_SD).cka < 1e-10


def test_the_debiased_estimate_is_not_fooled_by_width():
    """Two unrelated sets of 60 rows and 2,000 dimensions: the plain CKA is high, the debiased one near 0."""
    generator = np.random.default_rng(0)
    x_SD, y_SD = generator.normal(size=(2, 60, 2000))
    found = measured(x_SD, y_SD)
    assert found.cka > 0.9
    assert abs(found.cka_debiased) < 0.1


@pytest.mark.parametrize("num", [0, 1, 2, 3])
def test_fewer_than_four_rows_have_no_structure(num):
    x_SD, y_SD = pair(num=num)
    assert values(measured(x_SD, y_SD)) == [None] * 4


def test_equal_rows_have_no_structure_and_a_candidate_that_lost_its_own_has_none_in_common():
    x_SD, _ = pair(num=10, width=5)
    constant_SD = np.ones_like(x_SD)
    assert values(measured(constant_SD, x_SD)) == [None] * 4
    assert values(structure_measures(constant_SD, x_SD, reference_statistics(x_SD))) == [None] * 4
    assert values(measured(x_SD, constant_SD))[:3] == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("size", [1e30, 1e-30])
def test_size_does_not_matter(size):
    x_SD, y_SD = pair(width=20)
    assert values(measured(size * x_SD, size * y_SD)) == pytest.approx(values(measured(x_SD, y_SD)), abs=1e-6)


@pytest.mark.parametrize("size", [1.0, 1e-30, 1e-40])
def test_a_row_that_ran_away_gives_numbers(size):
    """In the reference's standard deviations, up to 1e78 of them, whose fourth power no double holds."""
    x_SD, y_SD = pair(width=20)
    x_SD *= size
    y_SD[7] = 3e38
    assert np.isfinite(values(measured(x_SD, y_SD))).all()
    assert measured(x_SD, y_SD).cka < 0.5


def test_four_corners_have_no_debiased_structure():
    """All pairs are equally far apart, so nothing is left off the diagonal: rounding must not pass for a result."""
    found = measured(np.eye(4), np.eye(4) + 1e-3 * np.arange(16).reshape(4, 4) % 3)
    assert found.cka_debiased is None
    assert found.cka > 0.99


def test_duplicates_are_ties():
    x_SD, _ = pair(num=20, width=8)
    x_SD = x_SD[np.repeat(np.arange(20), 3)]
    y_SD = 2 * x_SD
    assert measured(x_SD, y_SD).rdm_spearman == pytest.approx(1, abs=1e-12)
    assert measured(x_SD, y_SD).cka == pytest.approx(1, abs=1e-12)
    # other rounding: 60 pairs at distance 0 in any order would cost 4e-5, one tie more or less 1e-6
    assert measured(x_SD, 3 * x_SD + 1).rdm_spearman == pytest.approx(1, abs=2e-6)


def test_rows_nearly_equal_have_distances_all_the_same():
    """Squared distances of 1e-18 from differences of 40: the difference may be below 0."""
    x_SD, _ = pair(num=60, width=40)
    x_SD = x_SD[np.repeat(np.arange(20), 3)] + 1e-10 * x_SD
    assert np.isfinite(values(measured(x_SD, x_SD[::-1]))).all()


def test_many_rows_are_stood_for_by_some():
    x_SD, y_SD = pair(num=400, width=20)
    some, every = values(measured(x_SD, y_SD, max_rows=160)), values(measured(x_SD, y_SD))
    assert some != every
    assert some[:2] == pytest.approx(every[:2], abs=0.05)


def test_a_set_of_another_width_is_compared_in_its_own_units():
    x_SD = np.random.default_rng(4).normal(size=(40, 6))
    wide_SD = np.concatenate([3 * x_SD + 5, 7 * x_SD], axis=1)
    found = structure_measures(x_SD, wide_SD, reference_statistics(x_SD), y_statistics=reference_statistics(wide_SD))
    assert found.cka == pytest.approx(1)
    assert found.rdm_spearman == pytest.approx(1)
    assert found.energy_distance is None
