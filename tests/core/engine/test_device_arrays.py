"""The measures over pairs of sequences by torch, against numpy.

Torch on the CPU stands for the GPU, which runs the same lines in FP64; tests/gpu/test_arrays_cuda.py asks a real GPU.
"""

import numpy as np
import pytest
import torch
from embedding_sets import AS_THEY_ARE, PAIRS, assert_same_measures, embeddings, every_number, noisy, with_ties

from vp_tui.core.engine import device_arrays
from vp_tui.core.engine.device_arrays import TorchArrays, measure_on
from vp_tui.core.measures.arrays import BY_NUMPY
from vp_tui.core.measures.neighbours import neighbour_measures
from vp_tui.core.measures.run_measures import after_run
from vp_tui.core.measures.statistics import reference_statistics

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LIMIT = 0.99


def strata(num):
    return np.arange(num) % 3


def torch_on_cpu_for_the_gpu():
    return TorchArrays(CPU)


@pytest.mark.parametrize("name", PAIRS)
def test_all_measures_are_those_of_numpy(name):
    x_SD, y_SD = PAIRS[name]()
    here = after_run(x_SD, y_SD, strata(len(x_SD)), cosine_limit=LIMIT)
    there = after_run(x_SD, y_SD, strata(len(x_SD)), cosine_limit=LIMIT, arrays=torch_on_cpu_for_the_gpu())
    assert_same_measures(there, here)


@pytest.mark.parametrize("held", [device_arrays.HELD_BYTES, 0], ids=["held on the device", "brought when used"])
def test_standardized_rows_are_the_same_to_the_last_bit(monkeypatch, tmp_path, held):
    monkeypatch.setattr(device_arrays, "HELD_BYTES", held)
    monkeypatch.setattr(device_arrays, "_STAGED_ROWS", 100)
    np.save(tmp_path / "x.npy", embeddings())
    x_SD = np.load(tmp_path / "x.npy", mmap_mode="r")
    arrays, rows_R, statistics = torch_on_cpu_for_the_gpu(), np.arange(359, 0, -3), reference_statistics(x_SD)
    kept = arrays.hold(x_SD)
    assert isinstance(kept, torch.Tensor) == bool(held)
    found = arrays.standardized(kept, rows_R, statistics)
    assert np.array_equal(arrays.host(found), statistics.standardized(x_SD, rows_R))


def test_of_equally_distant_neighbours_the_same_are_chosen_as_by_numpy():
    x_SD, y_SD = with_ties()
    here = neighbour_measures(x_SD, y_SD, AS_THEY_ARE)
    assert 0 < here.overlap < 1
    assert neighbour_measures(x_SD, y_SD, AS_THEY_ARE, arrays=torch_on_cpu_for_the_gpu()) == here


@pytest.mark.parametrize("different", [1, 2, 5, 1000])
def test_the_smallest_are_the_same_ones_whatever_is_equal(different):
    far_CG = np.random.default_rng(different).integers(different, size=(50, 400)).astype(float)
    far_CG[np.arange(50), np.arange(50)] = np.inf
    expected = np.argsort(far_CG, axis=1, kind="stable")[:, :10]
    arrays = torch_on_cpu_for_the_gpu()
    for near_CN, first_C in (BY_NUMPY.smallest(far_CG, 10), arrays.smallest(arrays.array(far_CG), 10)):
        assert np.array_equal(near_CN, np.sort(expected, axis=1))
        assert np.array_equal(first_C, expected[:, 0])


def test_without_room_on_the_device_numpy_measures(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(TorchArrays, "__init__", lambda *_: None)
    monkeypatch.setattr(TorchArrays, "here", full)
    x_SD = embeddings()
    found = measure_on(CUDA)(x_SD, noisy(x_SD), strata(360), cosine_limit=LIMIT)
    assert every_number(found) == every_number(after_run(x_SD, noisy(x_SD), strata(360), cosine_limit=LIMIT))


def test_another_error_of_the_device_is_raised(monkeypatch):
    def broken(*_):
        raise RuntimeError("an illegal memory access was encountered")

    monkeypatch.setattr(TorchArrays, "__init__", broken)
    x_SD = embeddings(num=20)
    with pytest.raises(RuntimeError, match="illegal"):
        measure_on(CUDA)(x_SD, x_SD, strata(20), cosine_limit=LIMIT)


def test_on_a_cpu_numpy_measures():
    assert measure_on(CPU) is after_run
