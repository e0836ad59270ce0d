"""Accuracy, ROC-AUC, calibration and McNemar, against scikit-learn, scipy and simulated coverage."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import brier_score_loss, roc_auc_score

from vp_tui.core.measures.decisions import auc, mcnemar_p, quality, share


def drawn(num, seed=0):
    """Truth and calibrated probabilities, some of them equal."""
    random = np.random.default_rng(seed)
    p_S = np.round(random.beta(1, 1, num), 2)
    return random.random(num) < p_S, p_S


def test_area_and_brier_score_are_those_of_scikit_learn():
    truth_S, p_S = drawn(300)
    found = quality(p_S > 0.5, p_S, truth_S)
    assert found.auc == pytest.approx(roc_auc_score(truth_S, p_S), abs=1e-12)
    assert found.brier == pytest.approx(brier_score_loss(truth_S, p_S), abs=1e-12)
    assert found.calibration_error < 0.1


def test_the_interval_of_the_area_holds_the_truth_as_often_as_it_says():
    big = roc_auc_score(*drawn(200_000, seed=99))
    found = [auc(p_S, truth_S) for truth_S, p_S in (drawn(80, seed) for seed in range(300))]
    assert 0.92 <= np.mean([low <= big <= high for _, low, high in found]) <= 0.98


def test_one_class_alone_has_no_area():
    assert auc(np.array([0.1, 0.9]), np.array([True, True])) == (None, None, None)


@pytest.mark.parametrize(("k", "n"), [(0, 30), (30, 30), (7, 50)])
def test_shares_have_the_exact_interval(k, n):
    found, exact = share(k, n), binomtest(k, n).proportion_ci(method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_a_prediction_without_a_probability_is_wrong_and_unlabelled():
    found = quality(np.array([True, False]), np.array([0.9, np.nan]), np.array([True, False]))
    assert (found.accuracy.k, found.accuracy.n, found.confusion["unlabelled"]) == (1, 2, 1)


def test_the_confusion_adds_up():
    truth_S, p_S = drawn(100)
    assert sum(quality(p_S > 0.5, p_S, truth_S).confusion.values()) == 100


def test_mcnemar_asks_only_the_discordant_pairs():
    assert mcnemar_p(0, 0) is None
    assert mcnemar_p(5, 5) == 1
    assert mcnemar_p(0, 10) == pytest.approx(2 * 0.5**10)
