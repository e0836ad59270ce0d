"""What goes on beside the device's work, and who multiplies; tests/gpu/test_products_cuda.py asks a real GPU."""

import threading

import numpy as np
import pytest
import torch

from vp_tui.core.engine import device_matmul
from vp_tui.core.measurements import Measured
from vp_tui.core.measures.matmul import by_numpy
from vp_tui.core.workers.validate.inspection import in_background

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_beside_a_gpu_the_work_goes_on_in_a_thread_in_its_order():
    seen, release = [], threading.Event()

    def work(name):
        def do():
            release.wait(10)
            seen.append((name, threading.current_thread()))
            return Measured(details={"name": name})

        return do

    first, second = in_background(CUDA, work("pairs"), work("controls"))
    assert seen == [], "it waits, and nobody waits for it"
    release.set()
    assert [answer().details["name"] for answer in (second, first)] == ["controls", "pairs"]
    assert [name for name, _ in seen] == ["pairs", "controls"]
    assert len({thread for _, thread in seen} - {threading.current_thread()}) == 1


def test_an_error_beside_a_gpu_comes_with_the_answer():
    (answer,) = in_background(CUDA, lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        answer()


def test_on_a_cpu_the_work_is_done_when_it_is_asked_for():
    seen = []
    (answer,) = in_background(CPU, lambda: seen.append(threading.current_thread()))
    assert seen == []
    answer()
    assert seen == [threading.current_thread()]


@pytest.mark.parametrize("portion", [1, 5000, device_matmul.PORTION_BYTES])
def test_a_product_in_portions_is_the_product(monkeypatch, portion):
    monkeypatch.setattr(device_matmul, "PORTION_BYTES", portion)
    a_AD, b_BD = np.random.default_rng(0).normal(size=(2, 70, 30))
    found = device_matmul.multiply(CPU, a_AD, b_BD[:50])
    assert found.dtype == np.float64
    assert found == pytest.approx(a_AD @ b_BD[:50].T, rel=1e-12, abs=1e-13)


def test_without_room_on_the_device_numpy_multiplies(monkeypatch):
    def full(*_):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(torch, "from_numpy", full)
    a_AD = np.eye(3)
    assert np.array_equal(device_matmul.multiply(CPU, a_AD, 2 * a_AD), 2 * a_AD)


def test_on_a_cpu_numpy_multiplies():
    assert device_matmul.matmul_on(CPU) is by_numpy
    assert device_matmul.matmul_on(CUDA) is not by_numpy
