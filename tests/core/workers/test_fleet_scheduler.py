"""How packs are handed out to devices; the devices are simulated and their time is virtual, so nothing sleeps."""

import heapq

import numpy as np
import pytest

from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.fleet.scheduler import IN_FLIGHT, JUDGED_PACKS, LostError, Scheduler

CALL_S = 0.0007
"""Seconds of a call of an actor, measured on two shared cores (0.62 to 0.64 ms); the run's process makes one at a
time."""


class World:
    """Virtual time, and what happens in it."""

    def __init__(self):
        self.now_s = 0.0
        self.events = []
        self.done = set()

    def wait(self, tickets, seconds):
        while not self.done.intersection(tickets):
            self.now_s, ticket = heapq.heappop(self.events)[0:2]
            self.done.add(ticket)
        return [ticket for ticket in tickets if ticket in self.done]


class SimulatedDevice:
    """Encodes its packs one after the other; a pack is the seconds that it takes. Dies at `dies_s`."""

    def __init__(self, world, name, *, slow=1.0, dies_s=float("inf"), call_s=0.0):
        self.world, self.name, self.slow, self.dies_s, self.call_s = world, name, slow, dies_s, call_s
        self.free_s = 0.0
        self.given, self.most_held, self.held = [], 0, set()

    def submit(self, work):
        self.world.now_s += self.call_s
        if self.world.now_s >= self.dies_s:
            raise LostError("no power")
        self.given.append(work)
        self.free_s = max(self.free_s, self.world.now_s) + work * self.slow
        ticket = (self.name, len(self.given))
        self.held.add(ticket)
        self.most_held = max(self.most_held, len(self.held))
        # the end of a pack, or of the device
        heapq.heappush(self.world.events, (min(self.free_s, max(self.dies_s, self.world.now_s)), ticket, work))
        return ticket

    def collect(self, ticket):
        self.world.done.discard(ticket)
        self.held.discard(ticket)
        if self.world.now_s >= self.dies_s:
            raise LostError("no power")
        work = self.given[ticket[1] - 1]
        return f"done {work}", work * self.slow


@pytest.fixture
def world():
    return World()


@pytest.fixture
def told():
    return []


def with_devices(world, told, *devices):
    return Scheduler(devices, world.wait, told.append)


def works(seconds):
    return [(int(one * 1e6), float(one)) for one in seconds]


def test_the_longest_pack_is_handed_out_first_and_results_come_by_their_number(world, told):
    device = SimulatedDevice(world, "a")
    scheduler = with_devices(world, told, device)
    numbers = scheduler.add(works([1, 3, 2, 5, 4]))
    assert device.given == []
    assert [scheduler.result(number) for number in numbers] == [f"done {float(one)}" for one in (1, 3, 2, 5, 4)]
    assert device.given == [5, 4, 3, 2, 1]


def test_a_device_never_holds_more_than_its_share(world, told):
    devices = [SimulatedDevice(world, name) for name in "abc"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add(works(np.linspace(0.1, 1, 100)))
    scheduler.drain()
    assert [device.most_held for device in devices] == [IN_FLIGHT] * 3


@pytest.mark.parametrize("dies_s", [0.0, 0.5, 2.0, 7.3])
def test_what_a_lost_device_held_is_encoded_by_another_and_the_loss_is_told_once(world, told, dies_s):
    scheduler = with_devices(world, told, SimulatedDevice(world, "a"), SimulatedDevice(world, "b", dies_s=dies_s))
    seconds = np.linspace(0.1, 1, 40)
    numbers = scheduler.add(works(seconds))
    assert [scheduler.result(number) for number in numbers] == [f"done {one}" for one in seconds]
    (text,) = told
    assert text.startswith("b is lost (no power)")
    assert scheduler.alive == [0]


def test_a_run_ends_when_no_device_is_left(world, told):
    scheduler = with_devices(world, told, *(SimulatedDevice(world, name, dies_s=1.0) for name in "ab"))
    scheduler.add(works([1.0] * 10))
    with pytest.raises(ResourceError, match="a: no power; b: no power"):
        scheduler.drain()
    assert len(told) == 2


def test_a_device_that_is_slower_than_the_others_is_named_once(world, told):
    devices = [SimulatedDevice(world, name, slow=3.0 if name == "b" else 1.0) for name in "abcd"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add(works([1.0] * 40 * JUDGED_PACKS))
    scheduler.drain()
    (text,) = told
    assert text.startswith("b takes 3 times")


def test_an_error_of_a_pack_is_raised_where_its_result_is_asked_for(world, told):
    class FailingDevice(SimulatedDevice):
        def collect(self, ticket):
            found = super().collect(ticket)
            if found[0] == "done 2.0":
                raise ValueError("pack 2")
            return found

    scheduler = with_devices(world, told, FailingDevice(world, "a"))
    numbers = scheduler.add(works([1, 2, 3]))
    assert scheduler.result(numbers[0]) == "done 1.0"
    with pytest.raises(ValueError, match="pack 2"):
        scheduler.result(numbers[1])
    assert scheduler.result(numbers[2]) == "done 3.0"


def test_64_devices_are_busy_95_percent_of_the_time(world, told):
    """Packs of 16,384 tokens or less at the 93,100 tokens/s of ESM-2 3B in FP16 on an H200 (docs/performance.md)."""
    devices = [SimulatedDevice(world, f"d{i}", call_s=CALL_S) for i in range(64)]
    scheduler = with_devices(world, told, *devices)
    tokens = np.random.default_rng(0).integers(8_192, 16_385, 20_000)
    seconds = tokens / 93_100
    numbers = scheduler.add((int(n), s) for n, s in zip(tokens, seconds, strict=True))
    for number in numbers:
        scheduler.result(number)
    assert seconds.sum() / (64 * world.now_s) >= 0.95


def test_an_earlier_set_is_handed_out_before_a_later_one_also_what_a_lost_device_held(world, told):
    kept, dying = SimulatedDevice(world, "a"), SimulatedDevice(world, "b", dies_s=0.5)
    scheduler = with_devices(world, told, kept, dying)
    earlier = scheduler.add(works([1, 2]), 1)
    later = scheduler.add(works([5, 3]), 2)
    assert [scheduler.result(number) for number in earlier + later] == ["done 1.0", "done 2.0", "done 5.0", "done 3.0"]
    assert (kept.given, dying.given) == ([2.0, 5.0, 1.0, 3.0], [1.0, 3.0])
