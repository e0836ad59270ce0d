"""Turns, rejected blocks, failures; and the conditions that reject. A made GPU stands for the one this machine lacks.

On a real one: tests/gpu/test_bench_cuda.py.
"""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from vp_tui.core.bench import contest as contests
from vp_tui.core.bench.conditions import Watch, over_blocks, rejection, summed_up, throttle_words
from vp_tui.core.bench.contest import Contestant, Pace, contest, warm_up
from vp_tui.core.engine.gpu.gpm import Reading, Shares
from vp_tui.core.errors import ResourceError
from vp_tui.core.events import GpuSample, now_us

QUICK = Pace(settle_s=0.0, warm_up_s=0.0, blocks=4, window=2)
SAMPLE = GpuSample(
    at_us=0,
    utilization=100.0,
    memory_used_mib=None,
    memory_total_mib=None,
    power_w=690.0,
    power_limit_w=700.0,
    sm_clock_mhz=1400.0,
    temperature_c=60.0,
    throttle_reasons=0x4,
    sm_active=96.0,
    tensor_active=None,
    dram_active=20.0,
    other_processes=0,
)


class MadeWatch(Watch):
    """Stands for a GPU: one sample per block, as the list says."""

    def __init__(self, samples):
        super().__init__(torch.device("cpu"))
        self._made = iter(samples)

    def between(self, start_us, stop_us):
        assert start_us <= stop_us <= now_us()
        return (next(self._made),)


class FakeGpmForLackOfAGpu:
    """Counts its readings; each one's share of SMs is how many there were before it."""

    def __init__(self):
        self.readings = 0

    def read(self):
        self.readings += 1
        return Reading(Shares(sm_active=float(self.readings)))


def logging(log, name):
    return Contestant(name=name, work=lambda: log.append(name))


def test_turns_alternate_so_that_drift_falls_on_both_sides():
    log = []
    contest([logging(log, "a"), logging(log, "b")], QUICK, print)
    # two runs of warm-up each, then A B, B A, A B, B A
    assert log == list("aabb" + "abba" * 2)


def test_a_contest_that_is_stopped_keeps_the_blocks_it_has_and_begins_no_other():
    log = []
    enough = replace(QUICK, is_over=lambda: len(log) == 7)
    entries = contest([logging(log, "a"), logging(log, "b")], enough, print)
    assert log == list("aabb" + "abb")
    assert {name: sorted(entry.accepted) for name, entry in entries.items()} == {"a": [0], "b": [0, 1]}


def test_a_long_contest_says_how_far_it_is(monkeypatch):
    told = []
    monkeypatch.setattr(contests, "_TELL_EVERY_S", 0.0)
    log = []
    contest([logging(log, "a")], replace(QUICK, is_over=lambda: len(log) == 5), told.append)
    assert told == [f"round {number} of 4" for number in (1, 2, 3)]


def test_every_contestant_gets_its_blocks_and_its_warm_up():
    entries = contest([logging([], "a"), logging([], "b")], QUICK, print)
    assert {name: len(entry.blocks) for name, entry in entries.items()} == {"a": 4, "b": 4}
    assert all(len(entry.warm_up.seconds) == 2 for entry in entries.values())
    assert all(block.conditions is None for entry in entries.values() for block in entry.blocks)


def test_work_goes_on_untimed_before_a_block_until_things_have_settled():
    log = []
    entries = contest([logging(log, "a")], replace(QUICK, settle_s=0.02, blocks=1), print)
    assert len(log) > 10
    assert entries["a"].blocks[0].seconds < 0.02


@pytest.mark.parametrize(("work_s", "settles_with"), [(1.0, "lead"), (0.001, "work")])
def test_what_takes_longer_than_settling_is_settled_for_with_less_of_it(monkeypatch, work_s, settles_with):
    """The clock of a block is a fake, because this machine's is not to be told what to say."""
    log = []
    monkeypatch.setattr(contests, "timed", lambda work: work() or work_s)
    one = Contestant(name="a", work=lambda: log.append("work"), lead=lambda: log.append("lead"))
    contest([one], replace(QUICK, settle_s=0.01, blocks=1), print)
    warm_up_and_block = 3
    assert log[2] == settles_with
    assert log[-1] == "work"
    assert log.count("work") == (warm_up_and_block if settles_with == "lead" else len(log))


def test_shares_of_a_block_are_read_at_both_of_its_ends():
    watch = MadeWatch([SAMPLE] * 9)
    watch._gpm = FakeGpmForLackOfAGpu()
    log = []
    one = Contestant(name="a", work=lambda: log.append(watch._gpm.readings))
    entry = contest([one], replace(QUICK, blocks=2), print, watch)["a"]
    # two runs of warm-up, then one reading before each block and one behind it
    assert log == [0, 0, 1, 3]
    assert [block.conditions.sm_active for block in entry.blocks] == [2.0, 4.0]
    assert entry.blocks[0].conditions.power_w == 690.0


def test_who_fails_leaves_with_the_text_and_the_others_go_on():
    told = []

    def broken():
        raise ResourceError("no room left\nsecond line")

    entries = contest([Contestant(name="bad", work=broken), logging([], "good")], QUICK, told.append)
    assert entries["bad"].error == "no room left"
    assert entries["bad"].blocks == []
    assert len(entries["good"].blocks) == 4
    assert told == ["bad failed: no room left"]


def test_a_failure_in_the_middle_keeps_the_blocks_before_it():
    calls = iter(range(100))

    def sometimes():
        if next(calls) == 4:
            raise torch.OutOfMemoryError("too much")

    entry = contest([Contestant(name="a", work=sometimes)], QUICK, lambda _: None)["a"]
    assert entry.error == "OutOfMemoryError: too much"
    assert len(entry.blocks) == 2


def test_a_mistake_of_ours_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        contest([Contestant(name="a", work=interrupted)], QUICK, print)


def test_what_surrounds_a_turn_is_entered_for_each_and_left_again():
    log = []

    @contextmanager
    def around():
        log.append("in")
        yield
        log.append("out")

    contest([Contestant(name="a", work=lambda: log.append("work"), around=around)], replace(QUICK, blocks=2), print)
    assert log == ["in", "work", "work", "out", *["in", "work", "out"] * 2]


def test_a_spoiled_block_is_rejected_counted_and_made_up_for():
    hot = replace(SAMPLE, throttle_reasons=0x44)
    watch = MadeWatch([SAMPLE, hot, SAMPLE, SAMPLE, SAMPLE])
    entry = contest([logging([], "a")], QUICK, print, watch)["a"]
    assert entry.rejected == 1
    assert sorted(entry.accepted) == [0, 2, 3, 4]
    assert entry.blocks[1].rejected == "hardware thermal slowdown"
    assert entry.blocks[0].conditions.power_w == 690.0


def test_blocks_that_are_always_spoiled_end_after_twice_the_rounds():
    watch = MadeWatch([replace(SAMPLE, other_processes=2)] * 99)
    entry = contest([logging([], "a")], QUICK, print, watch)["a"]
    assert (len(entry.blocks), entry.rejected, entry.accepted) == (8, 8, {})
    assert entry.blocks[0].rejected == "other processes on the GPU: 2"


@pytest.mark.parametrize(
    ("reasons", "words"),
    [
        (0x08, "hardware slowdown"),
        (0x20, "software thermal slowdown"),
        (0x40, "hardware thermal slowdown"),
        (0x80, "power brake"),
        (0xA4, "software thermal slowdown, power brake"),
    ],
)
def test_heat_and_power_brake_reject(reasons, words):
    assert rejection(summed_up([SAMPLE, replace(SAMPLE, throttle_reasons=reasons)])) == words


@pytest.mark.parametrize("reasons", [0, 0x1, 0x2, 0x4, 0x10, 0x100])
def test_the_power_cap_and_what_is_no_slowdown_do_not_reject(reasons):
    assert rejection(summed_up([replace(SAMPLE, throttle_reasons=reasons)])) is None


def test_the_power_cap_is_told():
    assert throttle_words(0x4) == ("power-capped",)
    assert rejection(None) is None


def test_conditions_are_means_and_what_is_not_reported_stays_unknown():
    found = summed_up([SAMPLE, replace(SAMPLE, sm_clock_mhz=1600.0, dram_active=None, other_processes=None)])
    assert (found.samples, found.sm_clock_mhz, found.dram_active, found.tensor_active) == (2, 1500.0, 20.0, None)
    assert found.other_processes == 0
    assert summed_up([]) is None
    whole = over_blocks([found, summed_up([replace(SAMPLE, sm_clock_mhz=1700.0, throttle_reasons=0x20)])])
    assert (whole.samples, whole.sm_clock_mhz, whole.throttle_reasons) == (3, 1600.0, 0x24)
    assert over_blocks([]) is None


def test_a_watch_on_a_cpu_has_a_reason_and_no_samples():
    with Watch(torch.device("cpu")) as watch:
        assert "CPU" in watch.reason
        assert watch.between(0, now_us()) == ()


def test_warm_up_ends_when_it_is_steady_or_the_time_is_up(monkeypatch):
    seconds = iter([5.0, 1.0, 1.0, 1.0, 1.0, 9.0])
    monkeypatch.setattr(contests, "timed", lambda _: next(seconds))
    found = warm_up(print, Pace(settle_s=0, warm_up_s=100.0, window=2))
    assert found.steady
    assert found.seconds == (5.0, 1.0, 1.0, 1.0, 1.0)
    seconds = iter([5.0, 4.0, 3.0, 2.0, 1.0])
    found = warm_up(print, Pace(settle_s=0, warm_up_s=12.0, window=2))
    assert not found.steady
    assert found.seconds == (5.0, 4.0, 3.0)
