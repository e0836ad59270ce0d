"""State of the GPU during a block: clocks, power, activity, and reasons to reject the block.

The software power cap (0x4) is normal under full load and only reported. Thermal slowdown, hardware slowdown, the power
brake and other processes on the GPU reject a block.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from typing import Final

import torch

from vp_tui.core.engine.environment import gpu_uuid
from vp_tui.core.engine.gpu import Sampler
from vp_tui.core.engine.gpu.nvml import Gpm, handle_of
from vp_tui.core.events import AlertRaised, GpuSample, now_us

REASONS: Final = {
    0x01: "idle",
    0x02: "clocks set by an application",
    0x04: "power-capped",
    0x08: "hardware slowdown",
    0x10: "sync boost",
    0x20: "software thermal slowdown",
    0x40: "hardware thermal slowdown",
    0x80: "power brake",
    0x100: "display clocks",
}
"""NVML's clocks-event-reasons, in words."""

_REJECTING: Final = 0x08 | 0x20 | 0x40 | 0x80


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """Means over samples; a field that the GPU does not report is None."""

    samples: int
    sm_clock_mhz: float | None
    power_w: float | None
    temperature_c: float | None
    utilization: float | None
    """NVML: percent of time with a kernel running."""
    sm_active: float | None
    """GPM: percent of SM time with a resident warp."""
    tensor_active: float | None
    """GPM: percent of time with an active tensor pipe."""
    dram_active: float | None
    """GPM: percent of the memory bandwidth."""
    throttle_reasons: int
    """Union of the bits of all samples."""
    other_processes: int
    """Maximum number of other processes that used the GPU."""


_MEANS: Final = (
    "sm_clock_mhz", "power_w", "temperature_c", "utilization", "sm_active", "tensor_active", "dram_active",
)  # fmt: skip


def throttle_words(reasons: int) -> tuple[str, ...]:
    return tuple(words for bit, words in REASONS.items() if reasons & bit)


def rejection(found: Conditions | None) -> str | None:
    if found is None:
        return None
    if found.other_processes:
        return f"other processes on the GPU: {found.other_processes}"
    slowed = throttle_words(found.throttle_reasons & _REJECTING)
    return ", ".join(slowed) or None


def mean_conditions(samples: Sequence[GpuSample]) -> Conditions | None:
    return _merged(samples, len(samples))


def over_blocks(found: Sequence[Conditions]) -> Conditions | None:
    """Return the conditions of several blocks, equally weighted; None without blocks."""
    return _merged(found, sum(one.samples for one in found))


def _merged(found: Sequence[GpuSample] | Sequence[Conditions], samples: int) -> Conditions | None:
    if not found:
        return None
    return Conditions(
        samples=samples,
        throttle_reasons=reduce(or_, (one.throttle_reasons for one in found)),
        other_processes=max(one.other_processes or 0 for one in found),
        **{name: _mean([getattr(one, name) for one in found]) for name in _MEANS},
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


class GpuMonitor:
    """Sampler of a device's GPU that also reads GPM counters at both ends of a block; on a CPU it has only `reason`.

    Use as a context manager, in one thread.
    """

    def __init__(self, device: torch.device) -> None:
        self.samples: list[GpuSample] = []
        self.notes: list[str] = []
        """Missing telemetry, one sentence each."""
        uuid = gpu_uuid(device)
        self._sampler = Sampler(uuid, self._note)
        # a reader of its own: at two samples a second a block has less than one
        self._gpm = None if uuid is None or self._sampler.reason else Gpm(handle_of(uuid)[0])
        self._open = ExitStack()

    @property
    def reason(self) -> str | None:
        return self._sampler.reason

    def __enter__(self) -> "GpuMonitor":
        self._open.enter_context(self._sampler)
        if self._gpm is not None:
            self._open.enter_context(self._gpm)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _note(self, event: GpuSample | AlertRaised) -> None:
        if isinstance(event, GpuSample):
            self.samples.append(event)
        else:
            self.notes.append(event.message)

    def begin(self) -> None:
        if self._gpm is not None:
            self._gpm.read()

    def end(self, since_us: int) -> Conditions | None:
        """Return the block's conditions: GPM since `begin`, the rest sampled since `since_us`; None without samples."""
        found = mean_conditions(self.between(since_us, now_us()))
        if found is None or self._gpm is None:
            return found
        return replace(found, **self._gpm.read().shares._asdict())

    def between(self, start_us: int, stop_us: int) -> tuple[GpuSample, ...]:
        return tuple(sample for sample in self.samples if start_us <= sample.at_us <= stop_us)
