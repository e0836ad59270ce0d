"""The measures over pairs of sequences on a CUDA device: FP64 as on the host."""

import numpy as np
import pytest
import torch
from embedding_sets import AS_THEY_ARE, PAIRS, assert_same_measures, with_ties

from vp_tui.core.engine import memory
from vp_tui.core.engine.device_arrays import TorchArrays, measure_on
from vp_tui.core.measures.arrays import BY_NUMPY
from vp_tui.core.measures.neighbours import neighbour_measures
from vp_tui.core.measures.run_measures import after_run

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch sees none"),
]
CUDA = torch.device("cuda")


def large():
    generator = np.random.default_rng(1)
    x_SD = generator.normal(size=(6000, 256)).astype(np.float32)
    x_SD[:, 5] += 20
    return x_SD, (x_SD * (1 + 4e-4 * generator.normal(size=x_SD.shape))).astype(np.float32)


@pytest.mark.parametrize("name", [*PAIRS, "large"])
def test_all_measures_are_those_of_the_host(name):
    x_SD, y_SD = (PAIRS | {"large": large})[name]()
    here, there = (
        measure(x_SD, y_SD, np.arange(len(x_SD)) % 3, cosine_limit=0.99) for measure in (after_run, measure_on(CUDA))
    )
    assert_same_measures(there, here)


def test_of_equally_distant_neighbours_the_same_are_chosen_as_by_numpy():
    x_SD, y_SD = with_ties()
    here = neighbour_measures(x_SD, y_SD, AS_THEY_ARE)
    assert 0 < here.overlap < 1
    assert neighbour_measures(x_SD, y_SD, AS_THEY_ARE, arrays=TorchArrays(CUDA)) == here


@pytest.mark.parametrize("different", [1, 2, 5, 1000])
def test_the_smallest_are_the_same_ones_whatever_is_equal(different):
    far_CG = np.random.default_rng(different).integers(different, size=(50, 10_000)).astype(float)
    far_CG[np.arange(50), np.arange(50)] = np.inf
    arrays = TorchArrays(CUDA)
    with arrays.here():
        found = arrays.smallest(arrays.array(far_CG), 10)
    assert all(map(np.array_equal, found, BY_NUMPY.smallest(far_CG, 10)))


def test_the_device_says_how_many_sms_it_has():
    assert 1 <= memory.num_sms(CUDA) < 1024
