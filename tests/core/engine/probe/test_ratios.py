"""Ratios per sequence, averaged as logarithms."""

import numpy as np
import pytest

from vp_tui.core.engine.probe.ratios import sequence_ratio


def test_one_sensitive_sequence_does_not_rule_the_ratio():
    error_P, floor_P = np.ones(12), np.ones(12)
    error_P[3], floor_P[3] = 300.0, 100.0
    found = sequence_ratio(error_P, floor_P, 0.0)
    assert found.mean == pytest.approx(3 ** (1 / 12))
    assert (found.worst, found.worst_place, found.sequences) == (pytest.approx(3), 3, 12)
    # the ratio of root mean squares would be 3
    assert np.sqrt(np.square(error_P).mean() / np.square(floor_P).mean()) == pytest.approx(3, rel=0.01)


def test_a_factor_of_all_sequences_is_the_ratio():
    floor_P = np.geomspace(1e-6, 1, 20)
    assert sequence_ratio(1.8 * floor_P, floor_P, 0.0).mean == pytest.approx(1.8)


def test_sequences_without_one_of_the_errors_are_left_out():
    nan = np.nan
    error_P, floor_P = np.array([2.0, nan, 2, 2, 0, np.inf]), np.array([1.0, 1, nan, 1e-9, 1, 1])
    found = sequence_ratio(error_P, floor_P, 1e-6)
    assert (found.mean, found.sequences, found.worst_place) == (2.0, 1, 0)
    assert sequence_ratio(error_P[1:], floor_P[1:], 1e-6) is None
