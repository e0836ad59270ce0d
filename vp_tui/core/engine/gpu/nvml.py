"""What NVML says about a GPU at one moment; what a GPU does not report is None.

NVML numbers devices by PCI order and ignores CUDA_VISIBLE_DEVICES, so a device is always found by its UUID. GPU
performance monitoring (GPM) counts in the chip, on Hopper and newer, between two moments: percent of the SMs that had a
warp, of the time in which SMs used their tensor cores in any format, and of the memory bandwidth.
"""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pynvml

from vp_tui.core.engine.gpu.visible import count_visible, first_visible
from vp_tui.core.errors import Unavailable
from vp_tui.core.events import GpuSample, now_us

# by name: a pynvml of another package, first on the path, lacks the newer ones
_METRICS: Final = (
    ("SM active", "NVML_GPM_METRIC_SM_UTIL"),
    ("tensor active", "NVML_GPM_METRIC_ANY_TENSOR_UTIL"),
    ("DRAM active", "NVML_GPM_METRIC_DRAM_BW_UTIL"),
)


class Shares(NamedTuple):
    """Percent of the time or bandwidth since the reading before, None where it was not told; fields of GpuSample."""

    sm_active: float | None = None
    tensor_active: float | None = None
    dram_active: float | None = None


class GpmReading(NamedTuple):
    """The shares, and a sentence for each that should have been there and is not."""

    shares: Shares = Shares()
    problems: tuple[str, ...] = ()


def why_no_gpm(handle: Any) -> str | None:
    """Why this GPU has no GPM, in few words; None when it has."""
    if not all(hasattr(pynvml, name) for name in ("nvmlGpmQueryDeviceSupport", *(name for _, name in _METRICS))):
        return f"no GPM: {pynvml.__file__} is not NVIDIA's nvidia-ml-py; uninstall the package pynvml"
    try:
        supported = pynvml.nvmlGpmQueryDeviceSupport(handle).isSupportedDevice
    except pynvml.NVMLError as error:
        return f"no GPM: {error}"
    return None if supported else "no GPM: needs a Hopper GPU or newer"


class Gpm:
    """Two buffers for the counters of one GPU, which take turns; a context manager, of one thread.

    NVML wants more than 100 ms between two readings. On a GPU without GPM every reading is empty.
    """

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._buffers: list[Any] = []
        self._trouble: tuple[str, ...] = ()
        self._has_last = False

    def __enter__(self) -> "Gpm":
        if why_no_gpm(self._handle) is None:
            try:
                for _ in range(2):
                    self._buffers.append(pynvml.nvmlGpmSampleAlloc())
            except pynvml.NVMLError as error:
                self._trouble = (f"no GPM: {error}",)
        return self

    def __exit__(self, *_: object) -> None:
        while self._buffers:
            _asked("nvmlGpmSampleFree", self._buffers.pop())

    def read(self) -> GpmReading:
        """The shares since the reading before; none at the first one."""
        if len(self._buffers) < 2:
            return GpmReading(problems=self._trouble)
        last, newest = self._buffers
        try:
            pynvml.nvmlGpmSampleGet(self._handle, newest)
            reading = _between(last, newest) if self._has_last else GpmReading()
        except pynvml.NVMLError as error:
            # `last` stays: the next reading covers the time of this one too
            return GpmReading(problems=(f"no GPM: {error}",))
        self._buffers.reverse()
        self._has_last = True
        return reading


def _between(last: Any, newest: Any) -> GpmReading:
    asked = pynvml.c_nvmlGpmMetricsGet_t()
    asked.version = pynvml.NVML_GPM_METRICS_GET_VERSION
    asked.numMetrics = len(_METRICS)
    asked.sample1, asked.sample2 = last, newest
    for place, (_, metric) in enumerate(_METRICS):
        asked.metrics[place].metricId = getattr(pynvml, metric)
    pynvml.nvmlGpmMetricsGet(asked)
    shares: list[float | None] = []
    problems: list[str] = []
    for place, (name, _) in enumerate(_METRICS):
        found = asked.metrics[place]
        if found.nvmlReturn == pynvml.NVML_SUCCESS:
            shares.append(found.value if math.isfinite(found.value) else None)
        else:
            shares.append(None)
            problems.append(f"no GPM {name}: {pynvml.NVMLError(found.nvmlReturn)}")
    return GpmReading(Shares(*shares), tuple(problems))


MIB: Final = 1024 * 1024
_INITIAL_PID_NAMESPACE: Final = 0xEFFFFFFC
"""Inode of /proc/self/ns/pid outside of every container (PROC_PID_INIT_INO of linux/proc_ns.h)."""


def read_once(environment: Mapping[str, str] = os.environ) -> GpuSample | Unavailable:
    """Return one sample of the GPU that torch calls cuda:0; GPM needs two, so its numbers are None."""
    problem = _initialize()
    if problem is not None:
        return Unavailable(problem)
    try:
        handle = first_visible(environment)
    except pynvml.NVMLError as error:
        return Unavailable(f"NVML cannot read the GPU: {error}")
    return handle if isinstance(handle, Unavailable) else sample(handle)


def num_visible(environment: Mapping[str, str] = os.environ) -> int:
    """Return the number of GPUs that CUDA would show, as far as NVML can tell: 0 where it does not answer."""
    if _initialize() is not None:
        return 0
    try:
        return count_visible(environment)
    except pynvml.NVMLError:
        return 0


def facts(gpu_uuid: str) -> dict[str, Any]:
    """Driver, power limit, and why there is no GPM (None: there is), as NVML has them, or why NVML has none."""
    handle, problem = handle_of(gpu_uuid)
    found: dict[str, Any] = {"driver": _asked("nvmlSystemGetDriverVersion"), "nvml": problem}
    if handle is None:
        return {name: value for name, value in found.items() if value is not None}
    return found | {
        "power_limit_w": _scaled(_asked("nvmlDeviceGetEnforcedPowerLimit", handle), 1e-3),
        "gpm": why_no_gpm(handle),
    }


def handle_of(gpu_uuid: str) -> tuple[Any, str | None]:
    """NVML's handle of a GPU or MIG slice, or None and the reason; torch gives the UUID without its kind."""
    problem = _initialize()
    if problem is not None:
        return None, problem
    is_whole = gpu_uuid.startswith(("GPU-", "MIG-"))
    names = [gpu_uuid] if is_whole else [f"GPU-{gpu_uuid}", f"MIG-{gpu_uuid}"]
    reason = ""
    for name in names:
        try:
            return pynvml.nvmlDeviceGetHandleByUUID(name), None
        except pynvml.NVMLError as error:
            reason = reason or f"NVML does not know {name}: {error}"
    return None, reason


def sample(handle: Any) -> GpuSample:
    """One reading, without GPM's numbers."""
    memory = _asked("nvmlDeviceGetMemoryInfo", handle)
    rates = _asked("nvmlDeviceGetUtilizationRates", handle)
    return GpuSample(
        at_us=now_us(),
        utilization=float(rates.gpu) if rates is not None else None,
        memory_used_mib=memory.used / MIB if memory is not None else None,
        memory_total_mib=memory.total / MIB if memory is not None else None,
        power_w=_scaled(_asked("nvmlDeviceGetPowerUsage", handle), 1e-3),
        power_limit_w=_scaled(_asked("nvmlDeviceGetEnforcedPowerLimit", handle), 1e-3),
        sm_clock_mhz=_scaled(_asked("nvmlDeviceGetClockInfo", handle, pynvml.NVML_CLOCK_SM), 1.0),
        temperature_c=_scaled(_asked("nvmlDeviceGetTemperature", handle, pynvml.NVML_TEMPERATURE_GPU), 1.0),
        throttle_reasons=int(_asked("nvmlDeviceGetCurrentClocksThrottleReasons", handle) or 0),
        other_processes=_other_processes(handle),
    )


def others(pids: Sequence[int], own: int, *, sees_host_pids: bool) -> int | None:
    """How many of the processes with a compute context are not ours; None where that cannot be told.

    In a container the driver tells pids of the host, of the container, or none at all, as its version has it. So:
    with our pid in the list, all others; without it and outside of a container we hold no context yet, and all are
    others; inside of one, one of the list must be ours (until our context is made that is one too few), and an empty
    list tells nothing. Processes that the driver hides from a container are never counted.
    """
    if own in pids:
        return sum(pid != own for pid in pids)
    if sees_host_pids:
        return len(pids)
    return len(pids) - 1 if pids else None


def _other_processes(handle: Any) -> int | None:
    running = _asked("nvmlDeviceGetComputeRunningProcesses", handle)
    if running is None:
        return None
    return others([process.pid for process in running], os.getpid(), sees_host_pids=_sees_host_pids())


def _sees_host_pids() -> bool:
    """Whether this process lives in the pid namespace of the machine, as the driver does; not so in a container."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino == _INITIAL_PID_NAMESPACE
    except OSError:
        return False


def _initialize() -> str | None:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return f"no NVML: {error}"
    return None


def _asked(question: str, *arguments: Any) -> Any:
    """The answer to a function of NVML, or None where this GPU does not report it or this pynvml does not know it."""
    try:
        return getattr(pynvml, question)(*arguments)
    except (pynvml.NVMLError, AttributeError):
        return None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else float(value) * factor
