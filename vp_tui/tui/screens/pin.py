"""Modal form to pin a run as a baseline, or to give one up; both need a reason."""

from functools import partial
from typing import ClassVar

from textual.content import Content
from textual.widgets import Button

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.messages import Pinned
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.screens.form import FormScreen

DEFAULT = "default"
"""As core.store.baselines has it."""
NO_REASON = "say why: the reason is kept with the baseline"


class PinScreen(FormScreen):
    """`pinned` are the active baselines (StoreView.baselines); `run` must have come through."""

    verb: ClassVar[str] = "Pin"

    def __init__(self, run: RunRow, pinned: tuple[Pinned, ...]) -> None:
        super().__init__(f"Baseline: #{run.id} {run_names(run)}")
        self._run = run
        self._pinned = pinned
        self._own = tuple(one for one in pinned if run.id in one.run_ids)

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """The name is nearly always there already."""
        name = self._own[0].name if self._own else DEFAULT
        return (("reason", "reason *", ""), ("name", "name", name))

    def more_buttons(self) -> tuple[Button, ...]:
        """Only a run that is pinned can be given up."""
        return (Button("Give up", id="unpin", variant="warning", compact=True),) if self._own else ()

    def facts(self) -> Content:
        """What is pinned now, and what becomes of it."""
        name = self.value("name")
        rows = [line(("pinned: ", "dim"), f"{fmt.safe(one.name)!r}, {fmt.safe(one.reason)}") for one in self._own]
        if self._run.group_id is not None:
            rows.append(styled("a repeat stands for its group: all its completed runs are pinned", "dim"))
        rows += [
            line(("~ ", "warn"), f"replaces {fmt.safe(name)!r}: {fmt.runs(one.run_ids)}, {fmt.safe(one.reason)}")
            for one in self._replaced(name)
        ]
        return lines(rows or [styled("later runs with the same model, data and machine are held against it", "dim")])

    def problem(self) -> str | None:
        """Name and reason are needed."""
        if not self.value("name"):
            return f"a baseline needs a name; the usual one is {DEFAULT}"
        return None if self.value("reason") else NO_REASON

    def recheck(self) -> None:
        """A name that the run is not pinned under cannot be given up."""
        super().recheck()
        for button in self.query("#unpin").results(Button):
            button.disabled = button.disabled or self.value("name") not in {one.name for one in self._own}

    def begin(self) -> None:
        """Pin, whatever it replaces."""
        name = self.value("name")
        job = partial(self.backend.pin, self._run.id, name=name, reason=self.value("reason"))
        self.work(job, lambda run_ids: f"baseline {name!r}: {fmt.runs(run_ids)}")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Giving up has a button of its own."""
        if event.button.id == "unpin":
            self._give_up()
        else:
            super().on_button_pressed(event)

    def _give_up(self) -> None:
        name = self.value("name")
        job = partial(self.backend.unpin, name, reason=self.value("reason"))
        self.work(job, lambda _: f"baseline {name!r} is given up")

    def _replaced(self, name: str) -> list[Pinned]:
        """The baselines of that name with one of the run's keys."""
        return [one for one in self._pinned if one.name == name and one.shares_key(self._run)]
