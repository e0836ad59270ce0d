"""The measures walk: what they hold of the sets does not grow with the number of sequences."""

import os
import tracemalloc

import numpy as np
import pytest

from vp_tui.core.measures import run_measures
from vp_tui.core.workers.validate import controls

WIDTH = 500
SMALL_SAMPLES = (
    "vp_tui.core.measures.run_measures.SAMPLE",
    "vp_tui.core.measures.dimensions.MAX_ROWS",
    "vp_tui.core.measures.neighbours.MAX_GALLERY",
    "vp_tui.core.measures.rows.ULP_ROWS",
    "vp_tui.core.measures.consequences.MAX_GALLERY",
    "vp_tui.core.measures.consequences.GALLERY",
    "vp_tui.core.measures.consequences.QUERIES",
    "vp_tui.core.measures.consequences.SUSPECTS",
)


@pytest.fixture(autouse=True)
def _small_samples(monkeypatch):
    """So that what is sampled is small beside the sets already here, as it is beside a million sequences; on one core,
    so that no two peaks meet by chance."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    for place in SMALL_SAMPLES:
        monkeypatch.setattr(place, 100)


def peak(num, work):
    """Bytes at most while work(x_SD, y_SD, stratum_S) runs, the sets themselves apart."""
    x_SD = np.random.default_rng(0).normal(size=(num, WIDTH)).astype(np.float32)
    y_SD = x_SD * np.float32(1.001)
    tracemalloc.start()
    try:
        work(x_SD, y_SD, np.arange(num) % 3)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measured(x_SD, y_SD, stratum_S):
    run_measures.after_run(x_SD, y_SD, stratum_S, cosine_limit=0.99, hash_S=np.arange(len(x_SD)))


def chosen(x_SD, _, stratum_S):
    controls.chosen_rows(x_SD, stratum_S)


# 16 numbers per sequence, twice while portions become one; a bool per number of one arm alone would be 500 bytes
@pytest.mark.parametrize(("work", "most"), [(measured, 400), (chosen, 50)])
def test_a_sequence_more_costs_a_few_numbers_and_no_embedding(work, most):
    few, many = peak(3_000, work), peak(7_000, work)
    assert (many - few) / 4_000 < most
