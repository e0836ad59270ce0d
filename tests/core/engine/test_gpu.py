"""NVML as it is asked, and the sampler; an NVML that is faked stands for the GPU this machine lacks.

On a GPU: tests/gpu/test_gpu_truth_cuda.py.
"""

import os
import threading
from types import SimpleNamespace

import pynvml
import pytest

from vp_tui.core.engine import gpu
from vp_tui.core.engine.gpu import Sampler, nvml
from vp_tui.core.engine.gpu import sampler as sampling
from vp_tui.core.errors import Unavailable

UUID = "GPU-00000000-1111-2222-3333-444444444444"
OURS, THEIRS = SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=os.getpid() + 1)


def refuse(*_):
    raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)


def no_library():
    raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)


@pytest.fixture
def no_nvml(monkeypatch):
    """A machine without the NVIDIA driver, wherever the test runs."""
    monkeypatch.setattr(pynvml, "nvmlInit", no_library)


@pytest.fixture
def fake_gpu(monkeypatch):
    """A machine with one GPU that reports everything but its power."""
    answers = {
        "nvmlInit": lambda: None,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": lambda index: f"handle {index}",
        "nvmlDeviceGetHandleByUUID": lambda uuid: uuid if uuid == UUID else refuse(),
        "nvmlSystemGetDriverVersion": lambda: "570.1",
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(used=3 * gpu.MIB, total=4 * gpu.MIB),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=87),
        "nvmlDeviceGetPowerUsage": refuse,
        "nvmlDeviceGetEnforcedPowerLimit": lambda _: 700_000,
        "nvmlDeviceGetClockInfo": lambda *_: 1980,
        "nvmlDeviceGetTemperature": lambda *_: 54,
        "nvmlDeviceGetCurrentClocksThrottleReasons": lambda _: 4,
        "nvmlDeviceGetComputeRunningProcesses": lambda _: [OURS],
        "nvmlGpmQueryDeviceSupport": lambda _: SimpleNamespace(isSupportedDevice=0),
    }
    for name, answer in answers.items():
        monkeypatch.setattr(pynvml, name, answer)


def test_a_cpu_run_has_a_null_sampler_that_says_so():
    samples = []
    with Sampler(None, samples.append) as sampler:
        sampler.count()
        assert sampler.reason == "the run uses the CPU"
    assert samples == []
    assert sampler.mean_utilization() is None


def test_without_nvml_the_sampler_is_null_and_keeps_the_reason(no_nvml):
    samples = []
    with Sampler(UUID, samples.append) as sampler:
        assert sampler.reason.startswith("no NVML: ")
    assert samples == []


def test_without_nvml_a_single_reading_and_the_facts_are_the_reason(no_nvml):
    assert gpu.read_once().reason.startswith("no NVML: ")
    assert gpu.facts(UUID)["nvml"].startswith("no NVML: ")


def test_a_gpu_that_nvml_does_not_know_is_a_reason(fake_gpu):
    sampler = Sampler("GPU-other", print)
    assert sampler.reason.startswith("NVML does not know GPU-other: ")


def test_a_machine_without_a_gpu_says_so(fake_gpu, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 0)
    assert gpu.read_once() == Unavailable("NVML sees no GPU on this machine")


def test_what_a_gpu_does_not_report_is_none_beside_what_it_does(fake_gpu):
    sample = gpu.read_once()
    assert (sample.utilization, sample.memory_used_mib, sample.memory_total_mib) == (87.0, 3.0, 4.0)
    assert (sample.power_w, sample.power_limit_w) == (None, 700.0)
    assert (sample.sm_clock_mhz, sample.temperature_c, sample.throttle_reasons) == (1980.0, 54.0, 4)


def test_torchs_bare_uuid_is_found_under_nvmls_name(fake_gpu):
    assert gpu.facts(UUID.removeprefix("GPU-")) == {
        "driver": "570.1",
        "power_limit_w": 700.0,
        "gpm": "no GPM: needs a Hopper GPU or newer",
        "nvml": None,
    }


def test_samples_flow_until_the_sampler_is_left_and_count_only_when_told(fake_gpu, monkeypatch):
    monkeypatch.setattr(sampling, "PERIOD_SECONDS", 0.005)
    samples, several = [], threading.Event()

    def emit(sample):
        samples.append(sample)
        if len(samples) % 3 == 0:
            several.set()

    with Sampler(UUID, emit) as sampler:
        assert sampler.reason is None
        assert several.wait(10)
        assert sampler.mean_utilization() is None
        sampler.count()
        several.clear()
        assert several.wait(10)
    seen = len(samples)
    assert sampler.mean_utilization() == 87.0
    assert not any(thread.name == "gpu-sampler" for thread in threading.enumerate())
    assert len(samples) == seen


def counted(samples, **more):
    """A sampler that has counted every one of its samples, five at least."""
    enough = threading.Event()

    def emit(sample):
        samples.append(sample)
        if len(samples) > 4:
            enough.set()

    sampler = Sampler(UUID, emit, **more)
    sampler.count()
    with sampler:
        assert enough.wait(10)
    return sampler


@pytest.fixture
def hurried(monkeypatch):
    monkeypatch.setattr(sampling, "PERIOD_SECONDS", 0.001)


def test_a_gpu_that_slows_itself_down_spoils_the_clocks(fake_gpu, hurried, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCurrentClocksThrottleReasons", lambda _: 0x40)
    assert "slowed itself down" in counted([]).spoiled()


def test_the_ordinary_power_cap_and_our_own_process_do_not_spoil_the_clocks(fake_gpu, hurried):
    samples = []
    assert counted(samples).spoiled() is None
    assert {sample.other_processes for sample in samples} == {0}


def test_other_processes_on_the_gpu_spoil_the_clocks_and_the_samples_with_them_are_counted(
    fake_gpu, hurried, monkeypatch
):
    answers = iter(((OURS, THEIRS, THEIRS), (OURS,), (OURS, THEIRS)))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda _: next(answers, (OURS,)))
    samples = []
    found = counted(samples)
    assert [sample.other_processes for sample in samples[:4]] == [2, 0, 1, 0]
    assert found.spoiled() == f"2 other processes computed on the GPU in 2 of {len(samples)} samples"


def test_the_process_of_this_run_that_encodes_on_the_gpu_does_not_spoil_the_clocks(fake_gpu, hurried, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda _: (OURS, THEIRS))
    samples = []
    assert counted(samples, own=1).spoiled() is None
    assert {sample.other_processes for sample in samples} == {0}


def test_a_single_other_process_is_told_in_the_singular(fake_gpu, hurried, monkeypatch):
    answers = iter(((OURS, THEIRS),))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda _: next(answers, (OURS,)))
    samples = []
    words = counted(samples).spoiled()
    assert words == f"1 other process computed on the GPU in 1 of {len(samples)} samples"


@pytest.mark.parametrize(
    ("pids", "sees_host_pids", "expected"),
    [
        ([7, 8], True, 1),
        ([7], True, 0),
        ([7, 0, 0], False, 2),
        ([8, 9], True, 2),
        ([8, 9], False, 1),
        ([8], False, 0),
        ([], True, 0),
        ([], False, None),
    ],
    ids=[
        "ours and another",
        "ours alone",
        "pids that the driver hides are others",
        "no context of ours yet",
        "a container: one of them is ours",
        "a container: it is ours",
        "nobody",
        "a container that hides them all",
    ],
)
def test_other_processes_are_those_that_cannot_be_us(pids, sees_host_pids, expected):
    assert nvml.others(pids, 7, sees_host_pids=sees_host_pids) == expected


def test_a_gpu_that_tells_no_processes_leaves_them_open(fake_gpu, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", refuse)
    assert gpu.read_once().other_processes is None


def test_the_namespace_of_the_machine_is_known_by_its_number(monkeypatch):
    for inode, expected in ((0xEFFFFFFC, True), (4026532000, False)):
        monkeypatch.setattr(nvml.os, "stat", lambda _, inode=inode: SimpleNamespace(st_ino=inode))
        assert nvml._sees_host_pids() is expected


def test_what_comes_after_counting_does_not_spoil_the_clocks(fake_gpu, hurried, monkeypatch):
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", lambda _: [OURS, THEIRS])
    samples, enough = [], threading.Event()

    def emit(sample):
        samples.append(sample)
        if len(samples) > 4:
            enough.set()

    with Sampler(UUID, emit) as sampler:
        sampler.count()
        sampler.stop_counting()
        assert enough.wait(10)
        # a sample that was being taken when counting stopped may still count; a later one may not
        before = sampler._counted
        samples.clear()
        enough.clear()
        assert enough.wait(10)
        assert sampler._counted == before
