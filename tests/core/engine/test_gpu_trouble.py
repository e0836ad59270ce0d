"""GPUs that are lost, hidden, sliced or broken, and another package's pynvml: a reason each, never the end of a run.

A faked NVML stands for the hardware; on a GPU: tests/gpu/test_gpu_truth_cuda.py.
"""

from types import SimpleNamespace

import pynvml
import pytest

from vp_tui.core.engine import gpu
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.engine.gpu import sampler as sampling
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import AlertRaised

SMALL, LARGE = "GPU-11111111-2222", "GPU-33333333-4444"
MIG = "MIG-aaaaaaaa-bbbb"


def raising(code):
    def fail(*_):
        raise pynvml.NVMLError(code)

    return fail


class FakeTwoGpusForLackOfThem:
    """NVML 0 is a small full card of 2 GiB, NVML 1 one of 24 GiB with eight times the cores."""

    cores = (1024, 8192)

    def __init__(self, monkeypatch):
        self.patch = monkeypatch
        self.set("nvmlInit", lambda: None)
        self.set("nvmlDeviceGetCount", lambda: 2)
        self.set("nvmlDeviceGetHandleByIndex", lambda index: (SMALL, LARGE)[index])
        self.set("nvmlDeviceGetHandleByUUID", self.by_uuid)
        self.set("nvmlDeviceGetUUID", lambda handle: handle)
        self.set("nvmlDeviceGetNumGpuCores", lambda handle: self.cores[handle == LARGE])
        self.set("nvmlDeviceGetMaxClockInfo", lambda *_: 1500)
        self.set("nvmlSystemGetDriverVersion", lambda: "570.1")
        memory = {SMALL: 2048, LARGE: 24576, MIG: 10240}
        self.set("nvmlDeviceGetMemoryInfo", lambda handle: SimpleNamespace(used=0, total=memory[handle] * gpu.MIB))
        for name in ("nvmlDeviceGetUtilizationRates", "nvmlDeviceGetPowerUsage", "nvmlDeviceGetEnforcedPowerLimit"):
            self.set(name, raising(pynvml.NVML_ERROR_NOT_SUPPORTED))

    def set(self, name, answer):
        self.patch.setattr(pynvml, name, answer)

    def by_uuid(self, name):
        if name not in {SMALL, LARGE, MIG}:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return name


@pytest.fixture
def two(monkeypatch):
    return FakeTwoGpusForLackOfThem(monkeypatch)


def total(environment):
    return gpu.read_once(environment).memory_total_mib


@pytest.mark.parametrize(
    ("environment", "mib"),
    [
        ({}, 24576),
        ({"CUDA_VISIBLE_DEVICES": "0"}, 24576),
        ({"CUDA_VISIBLE_DEVICES": "1"}, 2048),
        ({"CUDA_VISIBLE_DEVICES": "1,0"}, 2048),
        ({"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, 2048),
        ({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, 2048),
        ({"CUDA_VISIBLE_DEVICES": SMALL}, 2048),
        ({"CUDA_VISIBLE_DEVICES": SMALL[:10]}, 2048),
        ({"CUDA_VISIBLE_DEVICES": MIG}, 10240),
    ],
)
def test_the_gpu_that_torch_calls_the_first_is_the_one_that_is_read(two, environment, mib):
    assert total(environment) == mib


@pytest.mark.parametrize("shown", ["", "-1", "2", "NoDevFiles", "GPU-none", "-1,0", "9" * 30])
def test_a_hidden_gpu_is_a_reason(two, shown):
    found = gpu.read_once({"CUDA_VISIBLE_DEVICES": shown})
    assert isinstance(found, Unavailable)
    assert "CUDA_VISIBLE_DEVICES" in found.reason


@pytest.mark.parametrize(
    ("shown", "count"),
    [(None, 2), ("0", 1), ("1,0", 2), ("0,2,1", 1), ("-1,0", 0), ("", 0), (f"{SMALL},GPU-none", 1), (MIG, 1)],
)
def test_the_gpus_that_torch_sees_are_those_before_a_wrong_entry(two, shown, count):
    assert gpu.num_visible({} if shown is None else {"CUDA_VISIBLE_DEVICES": shown}) == count


def test_equal_gpus_are_counted_by_the_bus(two):
    two.cores = (1024, 1024)
    assert total({}) == 2048


@pytest.mark.parametrize("function", ["nvmlDeviceGetCount", "nvmlDeviceGetHandleByIndex"])
@pytest.mark.parametrize(
    "code", [pynvml.NVML_ERROR_GPU_IS_LOST, pynvml.NVML_ERROR_NO_PERMISSION, pynvml.NVML_ERROR_UNKNOWN]
)
def test_a_gpu_that_is_lost_or_forbidden_is_a_reason(two, function, code):
    two.set(function, raising(code))
    assert isinstance(gpu.read_once({}), Unavailable)
    assert gpu.num_visible({}) == (0 if function == "nvmlDeviceGetCount" else 2)


def test_a_slice_is_found_by_the_bare_uuid_that_torch_has_and_keeps_its_driver_version(two):
    assert gpu.facts(MIG.removeprefix("MIG-"))["driver"] == "570.1"
    assert gpu.facts(MIG.removeprefix("MIG-"))["nvml"] is None
    assert gpu.facts("unknown")["driver"] == "570.1"
    assert "GPU-unknown" in gpu.facts("unknown")["nvml"]


def test_the_pynvml_of_another_package_costs_readings_and_says_which_file_it_is(two, monkeypatch):
    """As of pynvml 11.4.1 or nvidia-ml-py3, first on PYTHONPATH: they lack what came later."""
    for name in [name for name in dir(pynvml) if "Gpm" in name or "GPM" in name]:
        monkeypatch.delattr(pynvml, name)
    for name in ("nvmlDeviceGetNumGpuCores", "nvmlDeviceGetTotalEccErrors", "nvmlEventSetCreate"):
        monkeypatch.delattr(pynvml, name)
    assert total({}) == 2048
    assert pynvml.__file__ in gpu.facts(LARGE)["gpm"]
    samples = []
    with Sampler(LARGE, samples.append):
        pass
    assert not any(isinstance(one, AlertRaised) for one in samples)


@pytest.fixture
def broken(two, monkeypatch):
    """A GPU with one more uncorrected error at each look, and two Xid events in all."""
    counts, xids = iter(range(5, 1000)), [79, 48]

    def wait(*_):
        if not xids:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_TIMEOUT)
        return SimpleNamespace(eventData=xids.pop())

    two.set("nvmlDeviceGetTotalEccErrors", lambda *_: min(next(counts), 6))
    two.set("nvmlEventSetCreate", lambda: "set")
    two.set("nvmlDeviceRegisterEvents", lambda *_: None)
    two.set("nvmlEventSetWait_v2", wait)
    two.set("nvmlEventSetFree", lambda _: None)
    monkeypatch.setattr(sampling, "PERIOD_SECONDS", 0.005)


def test_uncorrected_memory_errors_and_xid_events_are_alerts_once_each(broken, poll):
    got = []
    with Sampler(LARGE, got.append):
        poll(lambda: len(got) > 8, seconds=10, what="some samples")
    messages = [one.message for one in got if isinstance(one, AlertRaised) and one.severity == "warn"]
    assert len(messages) == 3
    assert [word in " ".join(messages) for word in ("ECC", "Xid 79", "Xid 48")] == [True] * 3
