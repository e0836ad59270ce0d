"""Modal form to set a run as a baseline, or to retire one; both require a reason."""

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
"""Same as in core.store.baselines."""
NO_REASON = "A reason is required."


class PinScreen(FormScreen):
    """`pinned` are the active baselines (StoreView.baselines); `run` must be completed."""

    verb: ClassVar[str] = "Set"

    def __init__(self, run: RunRow, pinned: tuple[Pinned, ...]) -> None:
        super().__init__(f"Baseline: #{run.id} {run_names(run)}")
        self._run = run
        self._pinned = pinned
        self._own = tuple(one for one in pinned if run.id in one.run_ids)

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """Return reason and name, which is filled in."""
        name = self._own[0].name if self._own else DEFAULT
        return (("reason", "reason *", ""), ("name", "name", name))

    def more_buttons(self) -> tuple[Button, ...]:
        """Return the button to retire the baseline, if the run is one."""
        return (Button("Retire", id="unpin", variant="warning", compact=True),) if self._own else ()

    def facts(self) -> Content:
        """Return the current baselines of the run, and those it replaces."""
        name = self.value("name")
        rows = [line(("baseline: ", "dim"), f"{fmt.safe(one.name)!r}, {fmt.safe(one.reason)}") for one in self._own]
        if self._run.group_id is not None:
            rows.append(styled("This run is a repeat: all completed runs of its group become the baseline.", "dim"))
        rows += [
            line(("~ ", "warn"), f"replaces {fmt.safe(name)!r}: {fmt.runs(one.run_ids)}, {fmt.safe(one.reason)}")
            for one in self._replaced(name)
        ]
        return lines(rows or [styled("Later runs with the same model, data and machine are compared with it.", "dim")])

    def problem(self) -> str | None:
        """Return what is missing."""
        if not self.value("name"):
            return f"A name is required; the usual one is {DEFAULT}."
        return None if self.value("reason") else NO_REASON

    def recheck(self) -> None:
        """Disable Retire unless the name is one of the run's own baselines."""
        super().recheck()
        for button in self.query("#unpin").results(Button):
            button.disabled = button.disabled or self.value("name") not in {one.name for one in self._own}

    def begin(self) -> None:
        """Set the baseline, replacing any of the same name and key."""
        name = self.value("name")
        job = partial(self.backend.pin, self._run.id, name=name, reason=self.value("reason"))
        self.work(job, lambda run_ids: f"baseline {name!r}: {fmt.runs(run_ids)}")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "unpin":
            self._retire()
        else:
            super().on_button_pressed(event)

    def _retire(self) -> None:
        name = self.value("name")
        job = partial(self.backend.unpin, name, reason=self.value("reason"))
        self.work(job, lambda _: f"baseline {name!r} retired")

    def _replaced(self, name: str) -> list[Pinned]:
        """Return the baselines of that name with one of the run's keys."""
        return [one for one in self._pinned if one.name == name and one.shares_key(self._run)]
