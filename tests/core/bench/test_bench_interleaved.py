"""Interleaving, rejected blocks, failures, and conditions that reject. A made GPU stands for a real one.

On a real one: tests/gpu/test_bench_cuda.py.
"""

from dataclasses import replace

import pytest
import torch

from vp_tui.core.bench import interleaved
from vp_tui.core.bench.conditions import GpuMonitor, mean_conditions, over_blocks, rejection, throttle_words
from vp_tui.core.bench.interleaved import Protocol, WorkItem, measure_interleaved, warm_up
from vp_tui.core.engine.gpu.nvml import GpmReading, Shares
from vp_tui.core.errors import ResourceError
from vp_tui.core.events import GpuSample, now_us

QUICK = Protocol(settle_s=0.0, warm_up_s=0.0, blocks=4, window=2)
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


class MadeMonitor(GpuMonitor):
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
        return GpmReading(Shares(sm_active=float(self.readings)))


def logging(log, name):
    return WorkItem(name=name, work=lambda: log.append(name))


def test_the_order_alternates_so_that_drift_affects_both_sides():
    log = []
    measure_interleaved([logging(log, "a"), logging(log, "b")], QUICK, print)
    # two runs of warm-up each, then A B, B A, A B, B A
    assert log == list("aabb" + "abba" * 2)


def test_a_stopped_measurement_keeps_its_blocks_and_starts_no_other():
    log = []
    enough = replace(QUICK, should_stop=lambda: len(log) == 7)
    timings = measure_interleaved([logging(log, "a"), logging(log, "b")], enough, print)
    assert log == list("aabb" + "abb")
    assert {name: sorted(timings.accepted) for name, timings in timings.items()} == {"a": [0], "b": [0, 1]}


def test_a_long_measurement_logs_its_rounds(monkeypatch):
    told = []
    monkeypatch.setattr(interleaved, "_LOG_EVERY_S", 0.0)
    log = []
    measure_interleaved([logging(log, "a")], replace(QUICK, should_stop=lambda: len(log) == 5), told.append)
    assert told == [f"round {number} of 4" for number in (1, 2, 3)]


def test_every_item_gets_its_blocks_and_its_warm_up():
    timings = measure_interleaved([logging([], "a"), logging([], "b")], QUICK, print)
    assert {name: len(timings.blocks) for name, timings in timings.items()} == {"a": 4, "b": 4}
    assert all(len(timings.warm_up.seconds) == 2 for timings in timings.values())
    assert all(block.conditions is None for timings in timings.values() for block in timings.blocks)


def test_work_goes_on_untimed_before_a_block_until_things_have_settled():
    log = []
    timings = measure_interleaved([logging(log, "a")], replace(QUICK, settle_s=0.02, blocks=1), print)
    assert len(log) > 10
    assert timings["a"].blocks[0].seconds < 0.02


@pytest.mark.parametrize(("work_s", "settles_with"), [(1.0, "lead"), (0.001, "work")])
def test_what_takes_longer_than_settling_is_settled_for_with_less_of_it(monkeypatch, work_s, settles_with):
    """The clock of a block is a fake, because this machine's is not to be told what to say."""
    log = []
    monkeypatch.setattr(interleaved, "timed", lambda work: work() or work_s)
    one = WorkItem(name="a", work=lambda: log.append("work"), lead=lambda: log.append("lead"))
    measure_interleaved([one], replace(QUICK, settle_s=0.01, blocks=1), print)
    warm_up_and_block = 3
    assert log[2] == settles_with
    assert log[-1] == "work"
    assert log.count("work") == (warm_up_and_block if settles_with == "lead" else len(log))


def test_shares_of_a_block_are_read_at_both_of_its_ends():
    monitor = MadeMonitor([SAMPLE] * 9)
    monitor._gpm = FakeGpmForLackOfAGpu()
    log = []
    one = WorkItem(name="a", work=lambda: log.append(monitor._gpm.readings))
    timings = measure_interleaved([one], replace(QUICK, blocks=2), print, monitor)["a"]
    # two runs of warm-up, then one reading before each block and one behind it
    assert log == [0, 0, 1, 3]
    assert [block.conditions.sm_active for block in timings.blocks] == [2.0, 4.0]
    assert timings.blocks[0].conditions.power_w == 690.0


def test_who_fails_leaves_with_the_text_and_the_others_go_on():
    told = []

    def broken():
        raise ResourceError("no room left\nsecond line")

    timings = measure_interleaved([WorkItem(name="bad", work=broken), logging([], "good")], QUICK, told.append)
    assert timings["bad"].error == "no room left"
    assert timings["bad"].blocks == []
    assert len(timings["good"].blocks) == 4
    assert told == ["bad failed: no room left"]


def test_a_failure_in_the_middle_keeps_the_blocks_before_it():
    calls = iter(range(100))

    def sometimes():
        if next(calls) == 4:
            raise torch.OutOfMemoryError("too much")

    timings = measure_interleaved([WorkItem(name="a", work=sometimes)], QUICK, lambda _: None)["a"]
    assert timings.error == "OutOfMemoryError: too much"
    assert len(timings.blocks) == 2


def test_a_mistake_of_ours_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure_interleaved([WorkItem(name="a", work=interrupted)], QUICK, print)


def test_a_spoiled_block_is_rejected_counted_and_made_up_for():
    hot = replace(SAMPLE, throttle_reasons=0x44)
    monitor = MadeMonitor([SAMPLE, hot, SAMPLE, SAMPLE, SAMPLE])
    timings = measure_interleaved([logging([], "a")], QUICK, print, monitor)["a"]
    assert timings.rejected == 1
    assert sorted(timings.accepted) == [0, 2, 3, 4]
    assert timings.blocks[1].rejected == "hardware thermal slowdown"
    assert timings.blocks[0].conditions.power_w == 690.0


def test_blocks_that_are_always_spoiled_end_after_twice_the_rounds():
    monitor = MadeMonitor([replace(SAMPLE, other_processes=2)] * 99)
    timings = measure_interleaved([logging([], "a")], QUICK, print, monitor)["a"]
    assert (len(timings.blocks), timings.rejected, timings.accepted) == (8, 8, {})
    assert timings.blocks[0].rejected == "other processes on the GPU: 2"


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
    assert rejection(mean_conditions([SAMPLE, replace(SAMPLE, throttle_reasons=reasons)])) == words


@pytest.mark.parametrize("reasons", [0, 0x1, 0x2, 0x4, 0x10, 0x100])
def test_the_power_cap_and_what_is_no_slowdown_do_not_reject(reasons):
    assert rejection(mean_conditions([replace(SAMPLE, throttle_reasons=reasons)])) is None


def test_the_power_cap_is_told():
    assert throttle_words(0x4) == ("power-capped",)
    assert rejection(None) is None


def test_conditions_are_means_and_what_is_not_reported_stays_unknown():
    found = mean_conditions([SAMPLE, replace(SAMPLE, sm_clock_mhz=1600.0, dram_active=None, other_processes=None)])
    assert (found.samples, found.sm_clock_mhz, found.dram_active, found.tensor_active) == (2, 1500.0, 20.0, None)
    assert found.other_processes == 0
    assert mean_conditions([]) is None
    whole = over_blocks([found, mean_conditions([replace(SAMPLE, sm_clock_mhz=1700.0, throttle_reasons=0x20)])])
    assert (whole.samples, whole.sm_clock_mhz, whole.throttle_reasons) == (3, 1600.0, 0x24)
    assert over_blocks([]) is None


def test_a_watch_on_a_cpu_has_a_reason_and_no_samples():
    with GpuMonitor(torch.device("cpu")) as monitor:
        assert "CPU" in monitor.reason
        assert monitor.between(0, now_us()) == ()


def test_warm_up_ends_when_it_is_steady_or_the_time_is_up(monkeypatch):
    seconds = iter([5.0, 1.0, 1.0, 1.0, 1.0, 9.0])
    monkeypatch.setattr(interleaved, "timed", lambda _: next(seconds))
    found = warm_up(print, Protocol(settle_s=0, warm_up_s=100.0, window=2))
    assert found.steady
    assert found.seconds == (5.0, 1.0, 1.0, 1.0, 1.0)
    seconds = iter([5.0, 4.0, 3.0, 2.0, 1.0])
    found = warm_up(print, Protocol(settle_s=0, warm_up_s=12.0, window=2))
    assert not found.steady
    assert found.seconds == (5.0, 4.0, 3.0)
