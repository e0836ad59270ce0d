"""Heartbeat timeout of a run, by the clock of this process: clocks of other machines may differ."""

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.panels.header import SILENT_S


class Silence:
    """When the last heartbeat of the run on the screen was first seen."""

    def __init__(self) -> None:
        self._last: tuple[str, int | None] | None = None
        self._since_s = 0.0

    def is_silent(self, run: RunRow, now_s: float) -> bool:
        """Return True for an active run without a new heartbeat for SILENT_S; `now_s` is a monotonic clock."""
        heartbeat = (run.uuid, run.heartbeat_at_us)
        if heartbeat != self._last:
            self._last, self._since_s = heartbeat, now_s
        return run.is_active and run.heartbeat_at_us is not None and now_s - self._since_s >= SILENT_S
