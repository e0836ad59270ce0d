"""NVML's GPU performance monitoring (GPM): how much of the chip was at work between two moments.

GPM counts in the chip, on Hopper and newer. Its three shares are percent as the driver gives them (NVML API reference,
GPM metrics): of the SMs that had a warp, of the time in which SMs used their tensor cores in any format, and of the
memory bandwidth.
"""

import math
from types import TracebackType
from typing import Any, Final, NamedTuple

import pynvml

_METRICS: Final = (
    ("SM active", pynvml.NVML_GPM_METRIC_SM_UTIL),
    ("tensor active", pynvml.NVML_GPM_METRIC_ANY_TENSOR_UTIL),
    ("DRAM active", pynvml.NVML_GPM_METRIC_DRAM_BW_UTIL),
)


class Shares(NamedTuple):
    """Percent of the time or bandwidth since the reading before, None where it was not told; fields of GpuSample."""

    sm_active: float | None = None
    tensor_active: float | None = None
    dram_active: float | None = None


class Reading(NamedTuple):
    """The shares, and a sentence for each that should have been there and is not."""

    shares: Shares = Shares()
    problems: tuple[str, ...] = ()


def why_not(handle: Any) -> str | None:
    """Why this GPU has no GPM, in few words; None when it has."""
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
        if why_not(self._handle) is None:
            try:
                for _ in range(2):
                    self._buffers.append(pynvml.nvmlGpmSampleAlloc())
            except pynvml.NVMLError as error:
                self._trouble = (f"no GPM: {error}",)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._buffers:
            pynvml.nvmlGpmSampleFree(self._buffers.pop())

    def read(self) -> Reading:
        """The shares since the reading before; none at the first one."""
        if len(self._buffers) < 2:
            return Reading(problems=self._trouble)
        last, newest = self._buffers
        try:
            pynvml.nvmlGpmSampleGet(self._handle, newest)
            reading = _between(last, newest) if self._has_last else Reading()
        except pynvml.NVMLError as error:
            # `last` stays: the next reading covers the time of this one too
            return Reading(problems=(f"no GPM: {error}",))
        self._buffers.reverse()
        self._has_last = True
        return reading


def _between(last: Any, newest: Any) -> Reading:
    asked = pynvml.c_nvmlGpmMetricsGet_t()
    asked.version = pynvml.NVML_GPM_METRICS_GET_VERSION
    asked.numMetrics = len(_METRICS)
    asked.sample1, asked.sample2 = last, newest
    for place, (_, metric) in enumerate(_METRICS):
        asked.metrics[place].metricId = metric
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
    return Reading(Shares(*shares), tuple(problems))
