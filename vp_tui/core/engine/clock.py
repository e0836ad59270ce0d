"""Seconds of device work: timed by events on CUDA, so that nothing waits, by the host's clock on a CPU."""

import time
from typing import Any

import torch


class Clock:
    """Seconds between start and stop, summed over any number of them; `seconds` waits for the moment of `close`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._began_s = 0.0
        self._total_s = 0.0
        self._pairs: list[tuple[Any, Any]] = []
        self._closed: Any = None

    def start(self) -> None:
        """A stretch begins with what is queued next."""
        if self.device.type == "cuda":
            self._pairs.append((_event(timing=True), _event(timing=True)))
            self._record(self._pairs[-1][0])
        else:
            self._began_s = time.perf_counter()

    def stop(self) -> None:
        """The stretch ends with what was queued last."""
        if self.device.type == "cuda":
            self._record(self._pairs[-1][1])
        else:
            self._total_s += time.perf_counter() - self._began_s

    def close(self) -> None:
        """Everything that was queued so far is waited for."""
        if self.device.type == "cuda":
            self._closed = _event(timing=False)
            self._record(self._closed)

    def seconds(self) -> float:
        """The sum, once the device has come to where `close` was called."""
        if self._closed is not None:
            self._closed.synchronize()
        milliseconds: float = sum(first.elapsed_time(last) for first, last in self._pairs)
        return self._total_s + milliseconds / 1e3

    def _record(self, event: Any) -> None:
        event.record(torch.cuda.current_stream(self.device))


def _event(*, timing: bool) -> Any:
    make: Any = torch.cuda.Event
    return make(enable_timing=timing)
