"""What goes on beside the device's work."""

import threading

import pytest
import torch

from vp_tui.core.measurements import Measured
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
