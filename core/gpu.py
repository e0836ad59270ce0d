"""GPU telemetry through NVML: a sampler thread at 2 Hz, or a reason why there is none.

NVML numbers devices by PCI order and ignores CUDA_VISIBLE_DEVICES, so a device is always found by its UUID.
Utilization says that some kernel ran in the sample period, no more: > 80 % is necessary, not sufficient.
"""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any

import pynvml

from vp_tui.core.events import GpuSample, now_us

PERIOD_SECONDS = 0.5
MIB = 1024 * 1024
_SLOWED = 0x08 | 0x20 | 0x40 | 0x80
"""Hardware slowdown, software and hardware thermal slowdown, power brake: not the ordinary power cap."""
_SLOWED_SHARE = 0.05
"""More samples than this with such a reason spoil a clock."""


class Sampler:
    """Samples one GPU in a thread and hands each sample to `emit`; the null sampler keeps only its reason.

    Use as a context manager. `reason` is None while samples flow.
    """

    def __init__(self, gpu_uuid: str | None, emit: Callable[[GpuSample], None]) -> None:
        self._emit = emit
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy: list[float] = []
        self._counted = self._slowed = self._processes = 0
        self._counting = threading.Event()
        self.reason: str | None = "the run uses the CPU" if gpu_uuid is None else None
        self._handle = self._open(gpu_uuid) if gpu_uuid is not None else None

    def _open(self, gpu_uuid: str) -> Any:
        handle, self.reason = _handle_of(gpu_uuid)
        return handle

    def __enter__(self) -> "Sampler":
        if self._handle is not None:
            self._thread = threading.Thread(target=self._work, name="gpu-sampler", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def count(self) -> None:
        """From now on the samples count towards `mean_utilization` and `spoiled`."""
        self._counting.set()

    def stop_counting(self) -> None:
        """Samples go on, and count no more."""
        self._counting.clear()

    def mean_utilization(self) -> float | None:
        """Mean utilization in percent over the counted samples, None when there are none."""
        return sum(self._busy) / len(self._busy) if self._busy else None

    def spoiled(self) -> str | None:
        """Why the counted time is no measure of speed, None while nothing speaks against it."""
        if self._processes > 1:
            return f"{self._processes} processes computed on the GPU at once"
        if self._counted and self._slowed > _SLOWED_SHARE * self._counted:
            return f"the GPU slowed itself down (heat or hardware) in {self._slowed} of {self._counted} samples"
        return None

    def _note(self, sample: GpuSample) -> None:
        self._counted += 1
        self._slowed += bool(sample.throttle_reasons & _SLOWED)
        self._processes = max(self._processes, _num_processes(self._handle))
        if sample.utilization is not None:
            self._busy.append(sample.utilization)

    def _work(self) -> None:
        while not self._stop.is_set():
            sample = _sample(self._handle)
            self._emit(sample)
            if self._counting.is_set():
                self._note(sample)
            self._stop.wait(PERIOD_SECONDS)


def read_once() -> GpuSample | str:
    """One sample of the first GPU, or why there is none."""
    problem = _initialize()
    if problem is not None:
        return problem
    if pynvml.nvmlDeviceGetCount() == 0:
        return "NVML sees no GPU on this machine"
    return _sample(pynvml.nvmlDeviceGetHandleByIndex(0))


def facts(gpu_uuid: str) -> dict[str, Any]:
    """Name, driver and power limit of a GPU as NVML has them, or the reason why not."""
    handle, problem = _handle_of(gpu_uuid)
    if handle is None:
        return {"nvml": problem}
    return {
        "driver": _asked(pynvml.nvmlSystemGetDriverVersion),
        "power_limit_w": _scaled(_asked(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle), 1e-3),
        "nvml": None,
    }


def _initialize() -> str | None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return f"no NVML: {error}"
    return None


def _handle_of(gpu_uuid: str) -> tuple[Any, str | None]:
    problem = _initialize()
    if problem is not None:
        return None, problem
    name = gpu_uuid if gpu_uuid.startswith(("GPU-", "MIG-")) else f"GPU-{gpu_uuid}"
    try:
        return pynvml.nvmlDeviceGetHandleByUUID(name), None
    except pynvml.NVMLError as error:
        return None, f"NVML does not know {name}: {error}"


def _sample(handle: Any) -> GpuSample:
    memory = _asked(pynvml.nvmlDeviceGetMemoryInfo, handle)
    rates = _asked(pynvml.nvmlDeviceGetUtilizationRates, handle)
    return GpuSample(
        at_us=now_us(),
        utilization=float(rates.gpu) if rates is not None else None,
        memory_used_mib=memory.used / MIB if memory is not None else None,
        memory_total_mib=memory.total / MIB if memory is not None else None,
        power_w=_scaled(_asked(pynvml.nvmlDeviceGetPowerUsage, handle), 1e-3),
        power_limit_w=_scaled(_asked(pynvml.nvmlDeviceGetEnforcedPowerLimit, handle), 1e-3),
        sm_clock_mhz=_scaled(_asked(pynvml.nvmlDeviceGetClockInfo, handle, pynvml.NVML_CLOCK_SM), 1.0),
        temperature_c=_scaled(_asked(pynvml.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU), 1.0),
        throttle_reasons=int(_asked(pynvml.nvmlDeviceGetCurrentClocksThrottleReasons, handle) or 0),
    )


def _num_processes(handle: Any) -> int:
    """Processes with a compute context on the GPU, ours among them where the driver tells."""
    return len(_asked(pynvml.nvmlDeviceGetComputeRunningProcesses, handle) or ())


def _asked(question: Callable[..., Any], *arguments: Any) -> Any:
    """The answer, or None where this GPU does not report it."""
    try:
        return question(*arguments)
    except pynvml.NVMLError:
        return None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else float(value) * factor
