"""A thread that samples one GPU at 2 Hz, and what its samples say about the clocks of a run."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vp_tui.core.engine.gpu.health import Health
from vp_tui.core.engine.gpu.nvml import Gpm, handle_of, sample
from vp_tui.core.events import AlertRaised, GpuSample, now_us

PERIOD_SECONDS = 0.5
_SLOWED = 0x08 | 0x20 | 0x40 | 0x80
"""Hardware slowdown, software and hardware thermal slowdown, power brake: not the ordinary power cap."""
_SLOWED_SHARE = 0.05
"""More samples than this with such a reason spoil a clock."""


class Sampler:
    """Samples one GPU in a thread and hands each sample to `emit`; the null sampler keeps only its reason.

    Use as a context manager. `reason` is None while samples flow. A number of GPM that fails on a GPU that has GPM is
    an alert, once.
    """

    def __init__(self, gpu_uuid: str | None, emit: Callable[[GpuSample | AlertRaised], None], own: int = 0) -> None:
        """`own` other processes on the GPU belong to this run."""
        self._emit, self._own = emit, own
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._busy: list[float] = []
        self._counted = self._slowed = self._shared = self._others = 0
        self._counting = threading.Event()
        self._told: set[str] = set()
        self._handle: Any = None
        self.reason: str | None = "the run uses the CPU"
        if gpu_uuid is not None:
            self._handle, self.reason = handle_of(gpu_uuid)

    def __enter__(self) -> "Sampler":
        if self._handle is not None:
            self._thread = threading.Thread(target=self._work, name="gpu-sampler", daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
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
        return sum(self._busy) / len(self._busy) if self._busy else None

    def spoiled(self) -> str | None:
        """Why the counted time is no measure of speed, None while nothing speaks against it."""
        if self._shared:
            who = f"{self._others} other process{'es' if self._others > 1 else ''}"
            return f"{who} computed on the GPU in {self._shared} of {self._counted} samples"
        if self._counted and self._slowed > _SLOWED_SHARE * self._counted:
            return f"the GPU slowed itself down (heat or hardware) in {self._slowed} of {self._counted} samples"
        return None

    def _without_own(self, found: GpuSample) -> GpuSample:
        if not self._own or found.other_processes is None:
            return found
        return replace(found, other_processes=max(0, found.other_processes - self._own))

    def _note(self, found: GpuSample) -> None:
        self._counted += 1
        self._slowed += bool(found.throttle_reasons & _SLOWED)
        if found.other_processes:
            self._shared += 1
            self._others = max(self._others, found.other_processes)
        if found.utilization is not None:
            self._busy.append(found.utilization)

    def _work(self) -> None:
        with Gpm(self._handle) as gpm, Health(self._handle) as health:
            while not self._stop.is_set():
                reading = gpm.read()
                found = self._without_own(replace(sample(self._handle), **reading.shares._asdict()))
                self._emit(found)
                if self._counting.is_set():
                    self._note(found)
                self._tell(reading.problems)
                for problem in health.problems():
                    self._emit(AlertRaised(at_us=now_us(), kind="gpu", severity="warn", message=problem))
                self._stop.wait(PERIOD_SECONDS)

    def _tell(self, problems: tuple[str, ...]) -> None:
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self._emit(AlertRaised(at_us=now_us(), kind="gpu", severity="info", message=problem))
