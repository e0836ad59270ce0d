"""Pairs of sets of embeddings for tests of the measures, float32 [S, D]."""

import numpy as np
import pytest

from vp_tui.core.measures.corruption import CONTROLS
from vp_tui.core.measures.statistics import ReferenceStatistics


def embeddings(num=360, width=64, seed=0):
    """Like those of ESM-2: one dimension holds most of every norm, and a common part makes all sequences alike."""
    generator = np.random.default_rng(seed)
    basis = generator.normal(size=(12, width))
    x_SD = generator.normal(size=(num, 12)) @ basis * 0.1 + 0.1 * generator.normal(size=(num, width))
    x_SD[:, 5] += 20
    return x_SD.astype(np.float32)


def noisy(x_SD, size=3e-4, seed=1):
    generator = np.random.default_rng(seed)
    return (x_SD + size * np.abs(x_SD) * generator.normal(size=x_SD.shape)).astype(np.float32)


AS_THEY_ARE = ReferenceStatistics(num_rows=300, mean_D=np.zeros(6), std_D=np.ones(6))


def with_ties():
    """Few whole numbers: with the statistics AS_THEY_ARE many sequences are exactly equally far from each other."""
    x_SD = np.random.default_rng(2).integers(-1, 2, size=(300, 6)).astype(np.float32)
    return x_SD, x_SD * np.array([1, 1, 1, 0, 0, 0], np.float32)


def with_holes():
    x_SD, y_SD = embeddings(), noisy(embeddings())
    y_SD[3::50] = np.nan
    return x_SD, y_SD


PAIRS = {
    "noise": lambda: (embeddings(), noisy(embeddings())),
    "equal": lambda: (embeddings(), embeddings()),
    "zeros": lambda: (embeddings(), np.zeros_like(embeddings())),
    "few": lambda: (embeddings(num=13), noisy(embeddings(num=13))),
    "not finite": with_holes,
} | {name: lambda corrupt=corrupt: (embeddings(), corrupt(embeddings())) for name, (corrupt, _) in CONTROLS.items()}


def every_number(found):
    return [
        (measure, scope, name, value)
        for measure, scopes in found.values.items()
        for scope, numbers in scopes.items()
        for name, value in numbers.items()
    ]


def assert_same_measures(found, expected):
    """But for rounding; what counts sequences is the same."""
    assert found.details == expected.details
    for (*place, one), (*_, other) in zip(every_number(expected), every_number(found), strict=True):
        if one is None or place[0] in {"S1", "S7", "S9"}:
            assert other == one, place
        else:
            # similarities and the energy distance are 1 minus something: rounding is a part of 1
            assert other == pytest.approx(one, rel=1e-12, abs=1e-12), place
