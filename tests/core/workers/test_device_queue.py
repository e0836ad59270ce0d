"""A run of several devices holds all of their locks, taken in one order."""

import pytest
import torch

from vp_tui.core.engine import environment
from vp_tui.core.store import lifecycle
from vp_tui.core.store.liveness import is_held
from vp_tui.core.workers import device_queue

UUIDS = {0: "GPU-b", 1: "GPU-a", 2: "GPU-c"}


@pytest.fixture(autouse=True)
def gpus(monkeypatch):
    monkeypatch.setattr(environment, "gpu_uuid", lambda device: UUIDS.get(device.index))


def gpu(index):
    return torch.device("cuda", index)


def test_every_device_of_a_run_is_held_and_no_other(home):
    device_queue.wait_for(home, [gpu(0), gpu(1)], pytest.fail)
    held = {name for name in UUIDS.values() if is_held_elsewhere(home, name)}
    assert held == {"GPU-a", "GPU-b"}


def is_held_elsewhere(home, name):
    """Whether another process could not take it: asked of a child, as a process may take its own lock twice."""
    import multiprocessing

    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(is_held, (lifecycle.lock_path(home, name),))


def test_locks_are_taken_in_the_order_of_their_names_whatever_the_order_of_the_devices(home, monkeypatch):
    taken = []
    monkeypatch.setattr(device_queue, "hold", lambda path, blocking: taken.append(path.stem) or 1)
    for devices in ([gpu(0), gpu(1), gpu(2)], [gpu(2), gpu(0), gpu(1)]):
        taken.clear()
        device_queue.wait_for(home, devices, pytest.fail)
        assert taken == ["GPU-a", "GPU-b", "GPU-c"]


def test_processes_on_the_cpu_share_one_lock(home, monkeypatch):
    taken = []
    monkeypatch.setattr(device_queue, "hold", lambda path, blocking: taken.append(path.stem) or 1)
    device_queue.wait_for(home, [torch.device("cpu")], pytest.fail)
    assert taken == ["cpu"]
