import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from vp_tui.core.measures.neighbours import NEIGHBOURS, content_hash, neighbour_measures
from vp_tui.core.measures.statistics import reference_statistics


def measured(x_SD, y_SD, **kwargs):
    return neighbour_measures(x_SD, y_SD, reference_statistics(x_SD), **kwargs)


def pair(num=300, width=12, noise=0.2, seed=0):
    generator = np.random.default_rng(seed)
    x_SD = generator.normal(size=(num, width)) * generator.uniform(0.1, 10, size=width)
    return x_SD.astype(np.float32), (x_SD + noise * generator.normal(size=x_SD.shape)).astype(np.float32)


def by_sklearn(x_SD, y_SD):
    """Overlap and 1-NN agreement by trees, which subtract coordinates and multiply no matrices."""
    statistics = reference_statistics(x_SD)
    found = []
    for rows_SD in (x_SD, y_SD):
        trees = NearestNeighbors(n_neighbors=NEIGHBOURS, algorithm="ball_tree").fit(statistics.standardized(rows_SD))
        found.append(trees.kneighbors(return_distance=False))
    overlap = np.mean([len(set(a) & set(b)) / NEIGHBOURS for a, b in zip(*found, strict=True)])
    return overlap, (found[0][:, 0] == found[1][:, 0]).mean()


@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.05, 0.3, 3.0])
def test_neighbours_are_those_of_scikit_learn(noise):
    x_SD, y_SD = pair(noise=noise)
    overlap, nearest = by_sklearn(x_SD, y_SD)
    found = measured(x_SD, y_SD)
    assert found.overlap == pytest.approx(overlap, rel=1e-12)
    assert found.nearest == pytest.approx(nearest, rel=1e-12)
    assert (found.num_queries, found.num_gallery, found.num_duplicates) == (300, 300, 0)
    assert (found.overlap == 1.0) == (noise == 0.0)


def test_fewer_queries_are_asked_against_the_same_gallery():
    x_SD, y_SD = pair(noise=0.1)
    all_asked, few_asked = measured(x_SD, y_SD), measured(x_SD, y_SD, max_queries=100)
    assert (few_asked.num_queries, few_asked.num_gallery) == (100, 300)
    assert few_asked.overlap == pytest.approx(all_asked.overlap, abs=0.05)  # a third of the same answers


def test_a_gallery_has_at_most_ten_thousand_rows():
    x_SD, _ = pair(num=10_300, width=3)
    found = measured(x_SD, x_SD)
    assert (found.num_queries, found.num_gallery) == (2048, 10_000)
    assert (found.overlap, found.nearest) == (1.0, 1.0)


def test_duplicates_are_asked_once_whatever_happened_to_the_others():
    x_SD, y_SD = pair(noise=0.1)
    rows = np.concatenate([np.arange(300), np.arange(0, 300, 3)])
    moved_SD = y_SD[rows].copy()
    moved_SD[300:] += 5
    by_row = measured(x_SD[rows], moved_SD)
    by_hash = measured(x_SD[rows], moved_SD, hash_S=rows.astype(np.int64) - 150)
    alone = neighbour_measures(x_SD, y_SD, reference_statistics(x_SD[rows]))
    assert by_row == by_hash
    assert (by_row.overlap, by_row.nearest, by_row.num_duplicates) == (alone.overlap, alone.nearest, 100)


def test_a_given_hash_finds_duplicates_whose_embeddings_differ():
    x_SD, _ = pair(num=30)
    assert measured(x_SD, x_SD, hash_S=np.arange(30) // 2).num_gallery == 15


def test_rows_of_equal_numbers_have_equal_hashes_and_no_others():
    x_SD = np.array([[0.0, 1], [-0.0, 1], [1, 0], [0, 1.0000001]], np.float32)
    first, second, *others = content_hash(x_SD).tolist()
    assert first == second
    assert len({first, *others}) == 3
    assert content_hash(x_SD[:0]).shape == (0,)


@pytest.mark.parametrize("num", [0, 1, 2, 11])
def test_fewer_than_twelve_distinct_rows_have_no_neighbours(num):
    x_SD, y_SD = pair(num=num) if num else (np.zeros((0, 3), np.float32),) * 2
    rows = np.concatenate([np.arange(num)] * 2)
    found = measured(x_SD[rows], y_SD[rows])
    assert (found.overlap, found.nearest, found.num_queries, found.num_gallery) == (None, None, 0, num)
    assert found.num_duplicates == num


def test_twelve_distinct_rows_have_neighbours():
    x_SD, _ = pair(num=12)
    assert measured(x_SD, x_SD).overlap == 1.0


def test_equal_rows_have_no_neighbours_even_when_called_different():
    x_SD = np.ones((20, 3), np.float32)
    assert measured(x_SD, x_SD, hash_S=np.arange(20)).overlap is None


def test_of_equally_distant_neighbours_the_lower_index_is_nearer():
    """A candidate of nothing but zeros, on whole numbers with a mean of exactly 0: all distances are exactly 0."""
    half_SD = np.random.default_rng(0).integers(-(10**6), 10**6, size=(15, 2)).astype(np.float32)
    x_SD = np.concatenate([half_SD, -half_SD])
    z_SD = reference_statistics(x_SD).standardized(x_SD)
    kept = nearest = 0
    for query in range(30):
        by_x = np.argsort(np.square(z_SD - z_SD[query]).sum(axis=1), kind="stable")
        by_x, by_index = by_x[by_x != query], np.delete(np.arange(30), query)
        kept += len(set(by_x[:10]) & set(by_index[:10]))
        nearest += by_x[0] == by_index[0]
    found = measured(x_SD, np.zeros_like(x_SD))
    assert (found.overlap, found.nearest) == pytest.approx((kept / 300, nearest / 30), rel=1e-12)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32))
def test_neither_the_order_of_rows_nor_of_dimensions_matters(seed):
    x_SD, y_SD = pair(num=60, seed=seed)
    generator = np.random.default_rng(seed)
    rows, dims = generator.permutation(60), generator.permutation(12)
    assert measured(x_SD, y_SD) == measured(x_SD[rows], y_SD[rows]) == measured(x_SD[:, dims], y_SD[:, dims])


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_size_does_not_matter(scale):
    x_SD, y_SD = pair()
    found = measured((x_SD * scale).astype(np.float32), (y_SD * scale).astype(np.float32))
    assert found.overlap == pytest.approx(measured(x_SD, y_SD).overlap, abs=1e-3)  # rounded to other floats


def test_a_row_that_ran_away_leaves_its_neighbours_alone():
    x_SD, y_SD = pair(noise=0.0)
    y_SD[17] = 3e38
    assert measured(x_SD, y_SD).overlap > 0.9


def test_a_set_of_another_width_is_compared_in_its_own_units():
    x_SD = np.random.default_rng(4).normal(size=(40, 6))
    wide_SD = np.concatenate([3 * x_SD + 5, 7 * x_SD], axis=1)
    found = neighbour_measures(x_SD, wide_SD, reference_statistics(x_SD), y_statistics=reference_statistics(wide_SD))
    assert (found.overlap, found.nearest) == (1.0, 1.0)
