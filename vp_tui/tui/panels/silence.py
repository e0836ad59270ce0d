"""Has a run stopped saying that it is alive? Told by this screen's own clock: no other machine can be ahead of it."""

from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.panels.header import SILENT_S


class Silence:
    """When the last word of the run on the screen was first seen."""

    def __init__(self) -> None:
        self._last: tuple[str, int | None] | None = None
        self._since_s = 0.0

    def is_silent(self, run: RunRow, now_s: float) -> bool:
        """True for an active run without a new word for SILENT_S; `now_s` is a monotonic clock."""
        word = (run.uuid, run.heartbeat_at_us)
        if word != self._last:
            self._last, self._since_s = word, now_s
        return run.is_active and run.heartbeat_at_us is not None and now_s - self._since_s >= SILENT_S
