"""Base of the main screens that read files of the shown run: its log, its search."""

from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.jobs import run_job
from vp_tui.tui.messages import StoreView
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.main_screen import MainScreen

LOOK_S = 1.5
"""Seconds between two reads, since the files grow without a write to the store."""

_Found = TypeVar("_Found")


class LookingScreen(MainScreen, Generic[_Found]):
    """Reads in a thread while it is in front, one read at a time, as the first one of a long file takes a while."""

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: RunSnapshot | None = None
        self._is_reading = False
        self._trouble: str | None = None
        """Why the last read failed."""

    def look(self, snapshot: RunSnapshot) -> Callable[[], _Found]:
        """Return the read, which is called in a thread."""
        raise NotImplementedError

    def keep(self, found: _Found) -> bool:
        """Keep what was read; return False where nothing is new."""
        raise NotImplementedError

    def forget(self) -> None:
        """Drop what was read, which is of another run."""
        raise NotImplementedError

    def fill(self) -> None:
        """Show what is known; nothing without a run."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self.set_interval(LOOK_S, self.read)

    def show(self, view: StoreView) -> None:
        """Show the run and read its files; a text if there is no run."""
        self.set_class(view.snapshot is None, "-empty")
        if view.snapshot is None:
            self._snapshot = None
            self.query_one("#empty", Panel).show(self.empty_words(view))
            return
        if self._snapshot is None or self._snapshot.run.id != view.snapshot.run.id:
            self._trouble = None
            self.forget()
        self._snapshot = view.snapshot
        self.fill()
        self.read()

    def read(self) -> None:
        """Begin a read, unless one is going on or the screen is not in front."""
        snapshot = self._snapshot
        if snapshot is None or self._is_reading or not self.is_current:
            return
        self._is_reading = True
        run_job(self, "look", self.look(snapshot), partial(self._looked, snapshot.run.id), self.not_looked)

    def _looked(self, run_id: int, found: _Found) -> None:
        self._is_reading = False
        if self._snapshot is None or self._snapshot.run.id != run_id:
            # another run was selected meanwhile
            self.read()
            return
        had_trouble, self._trouble = self._trouble is not None, None
        if self.keep(found) or had_trouble:
            self.fill()

    def not_looked(self, words: str) -> None:
        """Show why nothing could be read."""
        self._is_reading = False
        self._trouble = words
        self.fill()
