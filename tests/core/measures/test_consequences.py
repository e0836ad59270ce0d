"""What an error changes: identity, gap, lost neighbours, flips of probes; checked against plain loops."""

import numpy as np
import pytest

from vp_tui.core.measures import consequences as module
from vp_tui.core.measures.consequences import consequence_measures
from vp_tui.core.measures.statistics import reference_statistics


def embeddings(num, *, width=64, seed=0):
    return np.random.default_rng(seed).normal(size=(num, width)).astype(np.float32)


def noisy(x_SD, size, *, seed=1):
    return (x_SD + size * np.random.default_rng(seed).normal(size=x_SD.shape)).astype(np.float32)


def measured(x_SD, y_SD):
    return consequence_measures(x_SD, y_SD, reference_statistics(x_SD), rows_S=np.arange(len(x_SD)))


def plain(x_SD, y_SD):
    """The definitions, one sequence at a time."""
    statistics = reference_statistics(x_SD)
    x, y = statistics.standardized(x_SD), statistics.standardized(y_SD)
    misses, gaps, lost = 0, [], []
    for i in range(len(x)):
        to_x = np.linalg.norm(x - y[i], axis=1)
        misses += np.delete(to_x, i).min() < 0.5 * to_x[i]
        x_far, y_far = (np.linalg.norm(z - z[i], axis=1) for z in (x, y))
        x_far[i] = y_far[i] = np.inf
        gaps.append(to_x[i] / x_far.min())
        lost.append(x_far[y_far.argmin()] > 1.02 * x_far.min())
    return misses, np.percentile(gaps, 50), np.mean(lost)


@pytest.mark.parametrize("size", [0.0, 0.01, 0.5, 1.5])
def test_every_number_is_that_of_the_definition(size):
    x_SD = embeddings(200)
    y_SD = noisy(x_SD, size)
    found = measured(x_SD, y_SD)
    misses, gap, lost = plain(x_SD, y_SD)
    assert found.identity_misses == misses
    assert found.gap_p50 == pytest.approx(gap, abs=1e-12)
    assert found.lost_share == pytest.approx(lost)


def test_equal_sets_have_no_consequence():
    x_SD = embeddings(60)
    found = measured(x_SD, x_SD.copy())
    assert (found.identity_misses, found.gap_p99, found.lost_share, found.far_flip_share) == (0, 0.0, 0.0, 0.0)


def test_two_exchanged_sequences_are_both_misses_and_the_first_is_named():
    x_SD = embeddings(300)
    y_SD = noisy(x_SD, 1e-3)
    y_SD[[40, 250]] = y_SD[[250, 40]]
    found = measured(x_SD, y_SD)
    assert (found.identity_misses, found.first_miss) == (2, 40)


def test_an_exchanged_pair_is_found_among_more_sequences_than_are_checked(monkeypatch):
    monkeypatch.setattr(module, "SUSPECTS", 8)
    x_SD = embeddings(400)
    y_SD = noisy(x_SD, 1e-2)
    y_SD[[11, 333]] = y_SD[[333, 11]]
    assert measured(x_SD, y_SD).identity_misses == 2


def test_two_sequences_of_one_embedding_are_neither_missed_nor_lost():
    x_SD = embeddings(60)
    x_SD[7] = x_SD[8]
    y_SD = noisy(x_SD, 1e-4)
    y_SD[7] = y_SD[8]
    found = measured(x_SD, y_SD)
    assert (found.identity_misses, found.lost_share) == (0, 0.0)


def test_a_near_tie_among_neighbours_is_no_loss_and_a_far_one_is():
    x_SD = np.zeros((20, 8), np.float32)
    x_SD[np.arange(20), np.arange(20) % 8] = 10.0 * (1 + np.arange(20))
    x_SD[1] = x_SD[0] + np.float32([0, 0, 1, 0, 0, 0, 0, 0])
    x_SD[2] = x_SD[0] + np.float32([0, 0, 0, 1.01, 0, 0, 0, 0])
    statistics = reference_statistics(np.diag(np.ones(8, np.float32)))
    rows_S = np.arange(len(x_SD))
    near, far = x_SD.copy(), x_SD.copy()
    near[1, 2] += 0.02
    far[1, 2] += 0.5
    x_SD[2, 3] = 1.01
    assert consequence_measures(x_SD, near, statistics, rows_S=rows_S).lost_share == 0
    x_SD[2, 3] = far[2, 3] = 1.2
    assert consequence_measures(x_SD, far, statistics, rows_S=rows_S).lost_share > 0


@pytest.mark.parametrize("num", [module.GALLERY, 4 * module.GALLERY])
def test_gap_and_losses_of_one_error_do_not_grow_with_the_number_of_sequences(num):
    x_SD = embeddings(num, width=6)
    found = measured(x_SD, noisy(x_SD, 0.02))
    whole = measured(embeddings(module.GALLERY, width=6), noisy(embeddings(module.GALLERY, width=6), 0.02))
    assert found.gap_p50 == pytest.approx(whole.gap_p50, rel=0.25)


def test_labels_flip_with_the_size_of_the_error_and_not_near_the_threshold_alone():
    x_SD = embeddings(500)
    assert measured(x_SD, noisy(x_SD, 1e-3)).far_flip_share == 0
    assert measured(x_SD, noisy(x_SD, 0.3)).far_flip_share > 0.02


def test_fewer_than_twelve_sequences_and_a_reference_without_spread_have_none():
    x_SD = embeddings(11)
    assert measured(x_SD, x_SD).identity_misses is None
    same = np.ones((30, 4), np.float32)
    assert measured(same, same).gap_p99 is None
