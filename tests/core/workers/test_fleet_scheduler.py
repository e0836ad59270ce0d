"""How packs are handed out to devices; the devices are simulated and their time is virtual, so nothing sleeps."""

import heapq
import itertools

import numpy as np
import pytest

from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.fleet.accounts import JUDGED_PACKS
from vp_tui.core.workers.fleet.scheduler import (
    CALL_SECONDS,
    HELD_SECONDS,
    IN_FLIGHT,
    LostError,
    Scheduler,
)

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
        while self.events and (self.events[0][0] <= self.now_s or (seconds and not self.done.intersection(tickets))):
            at_s, ticket = heapq.heappop(self.events)
            self.now_s = max(self.now_s, at_s)
            self.done.add(ticket)
        return [ticket for ticket in tickets if ticket in self.done]


class SimulatedDevice:
    """Encodes its packs one after the other; a pack is the seconds that it takes. Dies at `dies_s`.

    `pace_s` are the seconds per token that are known before the first pack; works() gives a second a million tokens.
    """

    def __init__(self, world, name, *, slow=1.0, dies_s=float("inf"), call_s=0.0, pace_s=None):
        self.world, self.name, self.slow, self.dies_s, self.call_s = world, name, slow, dies_s, call_s
        self.pace_s = pace_s
        self.free_s = 0.0
        self.calls, self.most_held, self.held = [], 0, {}

    @property
    def given(self):
        """The packs in the order in which they came."""
        return [work for works in self.calls for work in works]

    def seconds_per_token(self, work):
        return self.pace_s

    def submit(self, works):
        self.world.now_s += self.call_s
        if self.world.now_s >= self.dies_s:
            raise LostError("no power")
        self.calls.append(list(works))
        self.free_s = max(self.free_s, self.world.now_s) + sum(works) * self.slow
        ticket = (self.name, len(self.calls))
        self.held[ticket] = sum(works)
        self.most_held = max(self.most_held, len(self.held))
        # the end of a call, or of the device
        heapq.heappush(self.world.events, (min(self.free_s, max(self.dies_s, self.world.now_s)), ticket))
        return ticket

    def collect(self, ticket):
        self.world.done.discard(ticket)
        del self.held[ticket]
        if self.world.now_s >= self.dies_s:
            raise LostError("no power")
        return [(f"done {work}", work * self.slow) for work in self.calls[ticket[1] - 1]]


class LearningDevice(SimulatedDevice):
    """Knows its newest pace for works of the same seconds, which stand for a precision; all have 100,000 tokens."""

    TOKENS = 100_000

    def seconds_per_token(self, work):
        took = [
            one
            for ticket in range(len(self.calls))
            if (self.name, ticket + 1) not in self.held
            for one in self.calls[ticket]
            if one == work
        ]
        return work * self.slow / self.TOKENS if took else None


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


def test_what_is_queued_first_is_begun_before_anything_is_waited_for(world, told):
    device = SimulatedDevice(world, "a")
    scheduler = with_devices(world, told, device)
    scheduler.add(works([1, 3, 2]))
    scheduler.feed()
    assert device.given == [3, 2]
    assert world.now_s == 0.0


def test_short_packs_go_together_and_a_device_holds_a_bounded_time_of_them(world, told):
    device = SimulatedDevice(world, "a", pace_s=1e-6)
    scheduler = with_devices(world, told, device)
    scheduler.add(works([0.017] * 1000))
    scheduler.feed()
    assert {len(call) for call in device.calls} == {int(CALL_SECONDS / 0.017)}
    held_s = sum(device.held.values())
    assert HELD_SECONDS <= held_s < HELD_SECONDS + CALL_SECONDS


def test_a_pack_that_takes_long_is_a_call_of_its_own(world, told):
    device = SimulatedDevice(world, "a", pace_s=1e-6)
    scheduler = with_devices(world, told, device)
    scheduler.add(works([0.35] * 100))
    scheduler.feed()
    assert [len(call) for call in device.calls] == [1] * IN_FLIGHT


def test_calls_become_shorter_towards_the_end_so_that_all_devices_end_together(world, told):
    devices = [SimulatedDevice(world, name, pace_s=1e-6) for name in "ab"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add(works([0.017] * 401))
    scheduler.drain()
    assert [len(device.calls[-1]) for device in devices] == [1, 1]
    assert abs(devices[0].free_s - devices[1].free_s) <= 0.017 + 1e-9


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
    devices = [LearningDevice(world, name, slow=3.0 if name == "b" else 1.0) for name in "abcd"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add([(LearningDevice.TOKENS, 1.0)] * 40 * JUDGED_PACKS)
    scheduler.drain()
    (text,) = told
    assert text.startswith("b takes 3 times")


def test_a_device_that_was_slow_for_a_moment_is_not_named(world, told):
    """Packs of 10 ms: another process had its core for a moment, or it is slow and costs a quarter second."""
    devices = [LearningDevice(world, name, slow=3.0 if name == "b" else 1.0) for name in "ab"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add([(LearningDevice.TOKENS, 0.01)] * 6 * JUDGED_PACKS)
    scheduler.drain()
    assert scheduler.accounts[1].judged > JUDGED_PACKS
    assert told == []


def test_a_device_that_was_given_more_of_the_slower_precision_is_not_slow(world, told):
    """Two precisions take 1.2 and 0.1 s for as many tokens; who has more of which is chance."""
    devices = [LearningDevice(world, name) for name in "ab"]
    scheduler = with_devices(world, told, *devices)
    scheduler.add((LearningDevice.TOKENS, seconds) for seconds in [1.2, 0.1] * 20)
    scheduler.drain()
    per_pack = [sum(device.given) / len(device.given) for device in devices]
    # or the test would say nothing
    assert max(per_pack) > 1.5 * min(per_pack), per_pack
    assert told == []


def test_an_error_of_a_pack_is_raised_where_its_result_is_asked_for(world, told):
    class FailingDevice(SimulatedDevice):
        def collect(self, ticket):
            found = super().collect(ticket)
            if found[0][0] == "done 2.0":
                raise ValueError("pack 2")
            return found

    scheduler = with_devices(world, told, FailingDevice(world, "a"))
    numbers = scheduler.add(works([1, 2, 3]))
    assert scheduler.result(numbers[0]) == "done 1.0"
    with pytest.raises(ValueError, match="pack 2"):
        scheduler.result(numbers[1])
    assert scheduler.result(numbers[2]) == "done 3.0"


def test_a_pack_that_fails_alone_leaves_the_others_of_its_call_their_results(world, told):
    class SmallDevice(SimulatedDevice):
        def collect(self, ticket):
            found = super().collect(ticket)
            return [(ValueError(one), 0.0) if one == "done 0.03" else (one, s) for one, s in found]

    device = SmallDevice(world, "a", pace_s=1e-6)
    scheduler = with_devices(world, told, device)
    numbers = scheduler.add(works([0.01, 0.03, 0.02, *[0.001] * 20]))
    assert scheduler.result(numbers[0]) == "done 0.01"
    with pytest.raises(ValueError, match=r"0\.03"):
        scheduler.result(numbers[1])
    assert scheduler.result(numbers[2]) == "done 0.02"
    assert device.calls[0][:3] == [0.03, 0.02, 0.01]


def test_what_a_lost_device_held_in_calls_of_several_packs_is_encoded_once_more(world, told):
    devices = [SimulatedDevice(world, "a", pace_s=1e-6), SimulatedDevice(world, "b", dies_s=0.5, pace_s=1e-6)]
    scheduler = with_devices(world, told, *devices)
    seconds = np.linspace(0.01, 0.02, 200)
    numbers = scheduler.add(works(seconds))
    assert [scheduler.result(number) for number in numbers] == [f"done {one}" for one in seconds]
    (text,) = told
    again = int(text.split("encoded again: ")[1].split(";")[0])
    twice = len(devices[0].given) + len(devices[1].given) - len(seconds)
    assert 0 < again == twice < (HELD_SECONDS + CALL_SECONDS) / 0.01


@pytest.mark.parametrize(
    ("tokens_per_s", "shortest", "longest", "packs"),
    [(93_100, 8_192, 16_384, 20_000), (1_970_000, 16_896, 33_792, 60_000)],
    ids=["ESM-2 3B", "DNABERT-S"],
)
def test_64_devices_are_busy_95_percent_of_the_time(tokens_per_s, shortest, longest, packs, world, told):
    """Packs in FP16 at the rate of an H200 (docs/performance.md); those of DNABERT-S take 9 to 17 ms."""
    devices = [SimulatedDevice(world, f"d{i}", call_s=CALL_S, pace_s=1 / tokens_per_s) for i in range(64)]
    scheduler = with_devices(world, told, *devices)
    tokens = np.random.default_rng(0).integers(shortest, longest + 1, packs)
    seconds = tokens / tokens_per_s
    numbers = scheduler.add((int(n), s) for n, s in zip(tokens, seconds, strict=True))
    for number in numbers:
        scheduler.result(number)
    assert seconds.sum() / (64 * world.now_s) >= 0.95


def test_an_earlier_set_is_handed_out_before_a_later_one_also_what_a_lost_device_held(world, told):
    kept, dying = SimulatedDevice(world, "a"), SimulatedDevice(world, "b", dies_s=0.5)
    scheduler = with_devices(world, told, kept, dying)
    earlier = scheduler.add(works([1, 2]))
    later = scheduler.add(works([5, 3]))
    assert [scheduler.result(number) for number in earlier + later] == ["done 1.0", "done 2.0", "done 5.0", "done 3.0"]
    assert (kept.given, dying.given) == ([2.0, 5.0, 1.0, 3.0], [1.0, 3.0])


def test_devices_stay_busy_while_the_caller_takes_results_slowly(world, told):
    """60 blocks of 16 packs of DNABERT-S on two devices; the caller needs 5 ms for each result, which the devices have.

    Handed out longest first over all blocks they were busy 71 % of the time, as two H200 were seen to be.
    """
    taking_s, pace_s, rng = 0.005, 0.0175 / 33_792, np.random.default_rng(0)
    devices = [SimulatedDevice(world, name, call_s=CALL_S, pace_s=pace_s) for name in "ab"]
    scheduler = with_devices(world, told, *devices)
    tokens = rng.integers(33_500, 33_793, (60, 16))
    blocks = [scheduler.add((int(n), n * pace_s) for n in block) for block in tokens]
    kept = []
    for number in itertools.chain.from_iterable(blocks):
        scheduler.result(number)
        world.now_s += taking_s
        kept.append(len(scheduler._done))
    assert tokens.sum() * pace_s / 2 / world.now_s > 0.98
    # results that wait for the caller take memory
    assert max(kept) < 3 * 16
