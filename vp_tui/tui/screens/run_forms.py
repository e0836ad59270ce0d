"""Modal forms for one run: set it as a baseline or retire one, its tags and note, and its deletion."""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.content import Content
from textual.widgets import Button

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.backend import Holdings
from vp_tui.tui.jobs import run_job
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.messages import Pinned
from vp_tui.tui.screens.form import RunFormScreen

DEFAULT = "default"
"""Same as in core.store.baselines."""
NO_REASON = "A reason is required."

GAPS = " ,\t"
QUOTE = '"'


class PinScreen(RunFormScreen):
    """`pinned` are the active baselines (StoreView.baselines); `run` must be completed."""

    heading: ClassVar[str] = "Baseline: {}"
    verb: ClassVar[str] = "Set"

    def __init__(self, run: RunRow, pinned: tuple[Pinned, ...]) -> None:
        super().__init__(run)
        self._pinned = pinned
        self._own = tuple(one for one in pinned if run.id in one.run_ids)

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        name = self._own[0].name if self._own else DEFAULT
        return (("reason", "reason *", ""), ("name", "name", name))

    def more_buttons(self) -> tuple[Button, ...]:
        return (Button("Retire", id="unpin", variant="warning", compact=True),) if self._own else ()

    def facts(self) -> Content:
        name = self.value("name")
        rows = [line(("baseline: ", "dim"), f"{fmt.safe(one.name)!r}, {fmt.safe(one.reason)}") for one in self._own]
        if self.run.group_id is not None:
            rows.append(styled("This run is a repeat: all completed runs of its group become the baseline.", "dim"))
        rows += [
            line(("~ ", "warn"), f"replaces {fmt.safe(name)!r}: {fmt.runs(one.run_ids)}, {fmt.safe(one.reason)}")
            for one in self._replaced(name)
        ]
        return lines(rows or [styled("Later runs with the same model, data and machine are compared with it.", "dim")])

    def problem(self) -> str | None:
        if not self.value("name"):
            return f"A name is required; the usual one is {DEFAULT}."
        return None if self.value("reason") else NO_REASON

    def recheck(self) -> None:
        """Disable Retire unless the name is one of the run's own baselines."""
        super().recheck()
        for button in self.query("#unpin").results(Button):
            button.disabled = button.disabled or self.value("name") not in {one.name for one in self._own}

    def begin(self) -> None:
        name = self.value("name")
        job = partial(self.backend.pin, self.run.id, name=name, reason=self.value("reason"))
        self.work(job, lambda run_ids: f"baseline {name!r}: {fmt.runs(run_ids)}")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id != "unpin":
            super().on_button_pressed(event)
            return
        name = self.value("name")
        job = partial(self.backend.unpin, name, reason=self.value("reason"))
        self.work(job, lambda _: f"baseline {name!r} retired")

    def _replaced(self, name: str) -> list[Pinned]:
        """Return the baselines of that name with one of the run's keys."""
        return [one for one in self._pinned if one.name == name and one.shares_key(self.run)]


def tags_of(text: str) -> dict[str, str]:
    """Return `gpu=h200, release="1.4 beta"` as a mapping; spaces and commas separate.

    Raises:
        UsageError: a tag has no key or no =, a key is repeated, or a quote is not closed.
    """
    splitter = shlex.shlex(text, posix=True, punctuation_chars=False)
    splitter.whitespace, splitter.whitespace_split = GAPS, True
    splitter.quotes, splitter.commenters = QUOTE, ""
    try:
        words = list(splitter)
    except ValueError as error:
        raise UsageError('unclosed quote: write gpu="H 200"') from error
    for word in words:
        if "=" not in word or word.startswith("="):
            raise UsageError(f"tag {word!r} is not key=value")
    found = dict(word.split("=", 1) for word in words)
    if len(found) < len(words):
        raise UsageError("a key is repeated; a run has one value per key")
    return found


def text_of(tags: Mapping[str, str]) -> str:
    """Return the tags as text that tags_of reads."""
    return " ".join(_quoted(f"{key}={value}") for key, value in tags.items())


def _quoted(word: str) -> str:
    if not any(letter in word for letter in (*GAPS, QUOTE, "\\")):
        return word
    escaped = word.replace("\\", "\\\\").replace(QUOTE, f"\\{QUOTE}")
    return f"{QUOTE}{escaped}{QUOTE}"


class AnnotateScreen(RunFormScreen):
    """The line holds all tags of the run: one that is removed there is deleted."""

    heading: ClassVar[str] = "Tags and note: {}"

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        return (("tags", "tags", text_of(self.run.tags)), ("note", "note", self.run.note or ""))

    def facts(self) -> Content:
        return styled("key=value, separated by spaces or commas; the filter tag.gpu:h200 finds gpu=h200", "dim")

    def problem(self) -> str | None:
        try:
            tags_of(self.value("tags"))
        except UsageError as error:
            return str(error)
        return None

    def begin(self) -> None:
        tags, note = tags_of(self.value("tags")), self.value("note") or None
        job = partial(self.backend.annotate, self.run.id, tags, note)
        self.work(job, lambda _: f"#{self.run.id}: {fmt.plural(len(tags), 'tag')}, {'a note' if note else 'no note'}")


def why_not_pinned(run: RunRow) -> str | None:
    """Return why the run cannot be a baseline."""
    return None if run.status == "completed" else f"#{run.id} is {run.status}: only a completed run can be a baseline"


def why_kept(run: RunRow, pinned: Sequence[Pinned]) -> str | None:
    """Return why the run cannot be deleted; `pinned` are the baselines it belongs to."""
    if run.is_active:
        return f"#{run.id} is {run.status}: stop it first with x"
    if pinned:
        names = ", ".join(repr(one.name) for one in pinned)
        return f"#{run.id} belongs to baseline {names}: retire it first with b"
    return None


class DeleteScreen(RunFormScreen):
    """A deleted run cannot be restored."""

    heading: ClassVar[str] = "Delete {}?"
    verb: ClassVar[str] = "Delete"

    def __init__(self, run: RunRow) -> None:
        super().__init__(run)
        self._holdings: Holdings | None = None

    def on_mount(self) -> None:
        super().on_mount()
        run_job(self, "holdings", partial(self.backend.holdings, self.run.id), self._take)

    def _take(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self.recheck()

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        # typing the number prevents accidents
        return (("number", "run number", ""),)

    def facts(self) -> Content:
        found = self._holdings
        if found is None:
            return line(("Calculating size ...", "dim"))
        return line(
            ("! ", "fail"),
            f"Permanently deletes {fmt.plural(found.sequences, 'sequence')}, "
            f"{fmt.plural(self.run.num_alerts, 'alert')}, "
            f"{fmt.plural(found.files, 'file')} ({fmt.size(found.bytes)})",
        )

    def problem(self) -> str | None:
        return None if self.value("number") == str(self.run.id) else f"Type {self.run.id} to delete it"

    def begin(self) -> None:
        self.work(partial(self.backend.delete, self.run.id), lambda _: f"#{self.run.id} deleted")
