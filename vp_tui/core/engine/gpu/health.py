"""Errors of the GPU itself during a run: memory that ECC could not correct, and Xid events of the driver."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import pynvml

_MOST_EVENTS: Final = 16
"""Events taken at one look; a broken GPU may raise them without end."""


class Health:
    """What has happened to one GPU since this object was made; of one thread. A context manager."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self._events: Any = None
        self._uncorrected: int | None = None

    def __enter__(self) -> "Health":
        self._uncorrected = self._count()
        try:
            events = pynvml.nvmlEventSetCreate()
        except (pynvml.NVMLError, AttributeError):
            return self
        try:
            pynvml.nvmlDeviceRegisterEvents(self._handle, pynvml.nvmlEventTypeXidCriticalError, events)
        except (pynvml.NVMLError, AttributeError):
            # not supported, or not permitted in this container
            pynvml.nvmlEventSetFree(events)
            return self
        self._events = events
        return self

    def __exit__(self, *_: object) -> None:
        if self._events is not None:
            # a lost GPU refuses even that
            with contextlib.suppress(pynvml.NVMLError):
                pynvml.nvmlEventSetFree(self._events)
            self._events = None

    def problems(self) -> Iterator[str]:
        """Yield a sentence for each new problem since the last call."""
        count = self._count()
        if count is not None and self._uncorrected is not None and count > self._uncorrected:
            yield (
                f"GPU memory errors that ECC could not correct: {count - self._uncorrected} during this run; its "
                "numbers cannot be trusted: run it again on another GPU"
            )
        self._uncorrected = count if count is not None else self._uncorrected
        for number in self._xids():
            yield (
                f"the driver reports Xid {number} for this GPU (NVIDIA's list of Xid errors says what it means); run "
                "again on another GPU if results are missing or not finite"
            )

    def _count(self) -> int | None:
        try:
            return int(
                pynvml.nvmlDeviceGetTotalEccErrors(
                    self._handle, pynvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED, pynvml.NVML_VOLATILE_ECC
                )
            )
        except (pynvml.NVMLError, AttributeError):
            return None

    def _xids(self) -> Iterator[int]:
        for _ in range(_MOST_EVENTS if self._events is not None else 0):
            try:
                yield int(pynvml.nvmlEventSetWait_v2(self._events, 0).eventData)
            except (pynvml.NVMLError, AttributeError):
                # NVML_ERROR_TIMEOUT: there is no further one
                return
