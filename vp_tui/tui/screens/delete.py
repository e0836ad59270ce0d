"""Modal form to delete a run: shows what is deleted and asks for the number of the run."""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Holdings
from vp_tui.tui.jobs import run_job
from vp_tui.tui.marks import line
from vp_tui.tui.messages import Pinned
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.screens.form import FormScreen


def why_kept(run: RunRow, pinned: Sequence[Pinned]) -> str | None:
    """Return why the run cannot be deleted; `pinned` are the baselines it belongs to."""
    if run.is_active:
        return f"#{run.id} is {run.status}: stop it first with x"
    if pinned:
        names = ", ".join(repr(one.name) for one in pinned)
        return f"#{run.id} belongs to baseline {names}: retire it first with b"
    return None


class DeleteScreen(FormScreen):
    """A deleted run cannot be restored."""

    verb: ClassVar[str] = "Delete"

    def __init__(self, run: RunRow) -> None:
        super().__init__(f"Delete #{run.id} {run_names(run)}?")
        self._run = run
        self._holdings: Holdings | None = None

    def on_mount(self) -> None:
        super().on_mount()
        run_job(self, "holdings", partial(self.backend.holdings, self._run.id), self._take)

    def _take(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self.recheck()

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """Return the field for the number: typing it prevents accidents."""
        return (("number", "run number", ""),)

    def facts(self) -> Content:
        """Return the rows and files to be deleted."""
        found = self._holdings
        if found is None:
            return line(("Calculating size ...", "dim"))
        return line(
            ("! ", "fail"),
            f"Permanently deletes {fmt.exact(found.sequences)} sequences, {fmt.exact(self._run.num_alerts)} alerts, "
            f"{fmt.exact(found.files)} files ({fmt.size(found.bytes)})",
        )

    def problem(self) -> str | None:
        """Return a request for the number, unless it is right."""
        return None if self.value("number") == str(self._run.id) else f"Type {self._run.id} to delete it"

    def begin(self) -> None:
        """Delete."""
        self.work(partial(self.backend.delete, self._run.id), lambda _: f"#{self._run.id} deleted")
