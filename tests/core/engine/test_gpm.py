"""GPM by a fake: it stands for the driver's counters, which only a Hopper GPU has; ctypes structures are NVML's own.

On a GPU: tests/gpu/test_gpu_truth_cuda.py.
"""

import ctypes
import math
import threading
from types import SimpleNamespace

import pynvml
import pytest

from vp_tui.core.engine.gpu import PERIOD_SECONDS, Sampler, nvml
from vp_tui.core.engine.gpu import sampler as sampling
from vp_tui.core.engine.gpu.nvml import Gpm, GpmReading, Shares
from vp_tui.core.events import AlertRaised, GpuSample

SM, TENSOR, DRAM = 2, 5, 10
"""NVML_GPM_METRIC_SM_UTIL, _ANY_TENSOR_UTIL, _DRAM_BW_UTIL in nvml.h."""


class FakeGpmForLackOfAGpu:
    """Counts its buffers, remembers which pairs were asked for, and answers from `values` and `codes` by metric."""

    def __init__(self):
        self.supported = 1
        self.values = {SM: 96.5, TENSOR: 61.25, DRAM: 33.0}
        self.codes = {}
        self.live, self.taken, self.pairs = set(), [], []
        self.fails = set()
        """Numbers of readings that fail, from 0."""

    def query(self, _):
        return SimpleNamespace(isSupportedDevice=self.supported)

    def alloc(self):
        address = 0x1000 + len(self.live)
        self.live.add(address)
        return ctypes.cast(address, pynvml.c_nvmlGpmSample_t)

    def free(self, buffer):
        self.live.remove(self.address(buffer))

    def get(self, handle, buffer):
        assert handle == "handle"
        self.taken.append(self.address(buffer))
        if len(self.taken) - 1 in self.fails:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_UNKNOWN)

    def metrics(self, asked):
        assert asked.version == 1
        self.pairs.append((self.address(asked.sample1), self.address(asked.sample2)))
        for place in range(asked.numMetrics):
            metric = asked.metrics[place]
            metric.nvmlReturn = self.codes.get(metric.metricId, 0)
            metric.value = self.values.get(metric.metricId, math.nan)
        return asked

    @staticmethod
    def address(buffer):
        return ctypes.cast(buffer, ctypes.c_void_p).value


@pytest.fixture
def fake(monkeypatch):
    made = FakeGpmForLackOfAGpu()
    for name, answer in {
        "nvmlGpmQueryDeviceSupport": made.query,
        "nvmlGpmSampleAlloc": made.alloc,
        "nvmlGpmSampleFree": made.free,
        "nvmlGpmSampleGet": made.get,
        "nvmlGpmMetricsGet": made.metrics,
    }.items():
        monkeypatch.setattr(pynvml, name, answer)
    return made


def test_the_first_reading_has_nothing_to_compare_with_and_the_next_has_the_shares_in_percent(fake):
    with Gpm("handle") as counters:
        assert counters.read() == GpmReading()
        assert counters.read() == GpmReading(Shares(sm_active=96.5, tensor_active=61.25, dram_active=33.0))


def test_two_buffers_take_turns_and_the_newer_one_is_always_the_second(fake):
    with Gpm("handle") as counters:
        for _ in range(4):
            counters.read()
        assert len(fake.live) == 2
    assert fake.pairs == list(zip(fake.taken[:-1], fake.taken[1:], strict=True))
    assert fake.taken[0] == fake.taken[2] != fake.taken[1] == fake.taken[3]


def test_what_was_allocated_is_freed_also_after_an_error(fake):
    def broken():
        with Gpm("handle") as counters:
            counters.read()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    assert len(fake.taken) == 1
    assert fake.live == set()


def test_a_metric_with_an_error_code_is_missing_beside_the_others_and_says_which_it_is(fake):
    fake.codes[TENSOR] = pynvml.NVML_ERROR_NOT_SUPPORTED
    with Gpm("handle") as counters:
        counters.read()
        shares, problems = counters.read()
    assert shares == Shares(sm_active=96.5, dram_active=33.0)
    assert [words.startswith("no GPM tensor active: ") for words in problems] == [True]


def test_a_share_that_is_no_number_is_missing(fake):
    del fake.values[DRAM]
    with Gpm("handle") as counters:
        counters.read()
        assert counters.read().shares.dram_active is None


def test_a_reading_that_fails_is_skipped_and_the_next_covers_its_time(fake):
    fake.fails = {1}
    with Gpm("handle") as counters:
        counters.read()
        shares, problems = counters.read()
        assert (shares, problems[0][:8]) == (Shares(), "no GPM: ")
        assert counters.read().shares.sm_active == 96.5
    assert fake.pairs == [(fake.taken[0], fake.taken[2])]


def test_a_gpu_without_gpm_says_so_in_words_and_nothing_is_allocated(fake):
    fake.supported = 0
    assert nvml.why_no_gpm("handle") == "no GPM: needs a Hopper GPU or newer"
    with Gpm("handle") as counters:
        assert counters.read() == GpmReading()
    assert fake.taken == []


def test_a_driver_that_does_not_know_gpm_is_a_reason(fake, monkeypatch):
    def unknown(_):
        raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND)

    monkeypatch.setattr(pynvml, "nvmlGpmQueryDeviceSupport", unknown)
    assert nvml.why_no_gpm("handle").startswith("no GPM: ")


def test_a_buffer_that_cannot_be_had_is_a_problem_and_the_other_is_freed(fake, monkeypatch):
    def scarce():
        if fake.live:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_MEMORY)
        return fake.alloc()

    monkeypatch.setattr(pynvml, "nvmlGpmSampleAlloc", scarce)
    with Gpm("handle") as counters:
        assert counters.read().problems[0].startswith("no GPM: ")
    assert fake.live == set()


def test_the_sampler_leaves_nvml_the_time_it_wants_between_two_readings():
    assert PERIOD_SECONDS > 0.1


@pytest.fixture
def sampled(fake, monkeypatch):
    """sampled() -> what a sampler emits until it has emitted four samples."""
    monkeypatch.setattr(sampling, "PERIOD_SECONDS", 0.001)
    monkeypatch.setattr(sampling, "handle_of", lambda _: ("handle", None))
    monkeypatch.setattr(sampling, "sample", lambda _: GpuSample(**dict.fromkeys(FIELDS), at_us=1, throttle_reasons=0))

    def run():
        emitted, enough = [], threading.Event()

        def emit(event):
            emitted.append(event)
            if sum(isinstance(one, GpuSample) for one in emitted) > 3:
                enough.set()

        with Sampler("GPU-1", emit):
            assert enough.wait(10)
        return emitted

    return run


FIELDS = ("utilization", "memory_used_mib", "memory_total_mib", "power_w", "power_limit_w", "sm_clock_mhz",
          "temperature_c")  # fmt: skip


def test_a_sampler_puts_the_shares_into_its_samples_from_the_second_on(sampled, fake):
    shares = [(one.sm_active, one.tensor_active, one.dram_active) for one in sampled()]
    assert shares[0] == (None, None, None)
    assert set(shares[1:]) == {(96.5, 61.25, 33.0)}
    assert fake.live == set()


def test_a_share_that_fails_for_good_is_one_alert_and_the_samples_go_on(sampled, fake):
    fake.codes[DRAM] = pynvml.NVML_ERROR_NO_PERMISSION
    emitted = sampled()
    (told,) = [event for event in emitted if isinstance(event, AlertRaised)]
    assert (told.kind, told.severity) == ("gpu", "info")
    assert told.message.startswith("no GPM DRAM active: ")


def test_a_gpu_without_gpm_raises_no_alert(sampled, fake):
    fake.supported = 0
    assert {type(event) for event in sampled()} == {GpuSample}
