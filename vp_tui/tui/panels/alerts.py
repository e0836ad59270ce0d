"""Findings and alerts, newest last, each with its severity."""

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import level_of, line, styled
from vp_tui.tui.panels.panel import show_title

MOST = 200
"""Lines shown at most; all of them are in the exported run."""


@dataclass(frozen=True, slots=True)
class AlertEntry:
    """One line; `key` is its position in the run, which never changes: alerts are only added."""

    key: str
    what: AlertRaised | Finding


def entries(snapshot: RunSnapshot, kept: AlertEntry | None = None) -> tuple[AlertEntry, ...]:
    """Return alerts in order, then findings of the verdict; of older alerts only the one that is `kept`."""
    newest = snapshot.alerts[-MOST:]
    # a snapshot, too, may hold only the newest ones
    first = raised(snapshot) - len(newest)
    found = [AlertEntry(f"a{first + place}", alert) for place, alert in enumerate(newest)]
    found += [AlertEntry(f"f{place}", finding) for place, finding in enumerate(snapshot.findings)]
    is_lost = kept is not None and all(entry.key != kept.key for entry in found)
    return (kept, *found) if kept is not None and is_lost else tuple(found)


def raised(snapshot: RunSnapshot) -> int:
    return max(snapshot.run.num_alerts, len(snapshot.alerts))


def title(snapshot: RunSnapshot) -> str:
    """Return the counts, for the frame and the line above the list."""
    words = f"alerts: {fmt.exact(raised(snapshot))}"
    if snapshot.findings:
        words += f", findings: {fmt.exact(len(snapshot.findings))}"
    if raised(snapshot) > MOST:
        words += f" (last {MOST} shown)"
    return words


def since_start(alert: AlertRaised, started_at_us: int | None) -> str:
    return fmt.duration((alert.at_us - started_at_us) / 1e6 if started_at_us is not None else None)


def in_words(what: AlertRaised | Finding, started_at_us: int | None) -> Content:
    head = (f"{what.severity.upper():<5}", level_of(what.severity))
    if isinstance(what, Finding):
        return line(head, (f"{fmt.safe(what.gate)} ", "dim"), fmt.safe(what.text))
    # most messages name them already
    place = " ".join(fmt.safe(part) for part in (what.stratum, what.sequence_id) if part and part not in what.message)
    when = since_start(what, started_at_us)
    return line(head, (f"{when} ", "dim"), f"{place}: " if place else "", fmt.safe(what.message))


class AlertList(OptionList):
    """The list; stays at the newest entry, or at the selected one once the user has moved."""

    BINDINGS = bindings("alerts")
    topic = "alerts"

    @dataclass
    class Opened(Message):
        """Show one entry in full."""

        what: AlertRaised | Finding

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._entries: tuple[AlertEntry, ...] = ()
        self._run: str | None = None
        self._started_at_us: int | None = None
        self.mode = ""
        """Said behind the title, from the next view on."""

    @property
    def chosen(self) -> AlertEntry | None:
        return self._entries[self.highlighted] if self.highlighted is not None and self._entries else None

    def show(self, snapshot: RunSnapshot) -> None:
        """Fill it; does nothing without new entries."""
        show_title(self, title(snapshot) + self.mode)
        is_other = snapshot.run.uuid != self._run
        self._started_at_us = snapshot.run.started_at_us
        if is_other:
            self._run, self._entries = snapshot.run.uuid, ()
        kept = None if self._is_at_newest else self.chosen
        found = entries(snapshot, kept)
        if found != self._entries or is_other:
            self._fill(found, kept, had_cursor=self.highlighted is not None)

    @property
    def _is_at_newest(self) -> bool:
        return self.highlighted is None or self.highlighted >= len(self._entries) - 1

    def _fill(self, found: tuple[AlertEntry, ...], kept: AlertEntry | None, *, had_cursor: bool) -> None:
        known = len(self._entries)
        was_at_end = self.scroll_offset.y >= self.max_scroll_y
        if known and found[:known] == self._entries:
            self.add_options([self._option(entry) for entry in found[known:]])
        else:
            nothing = Option(styled("no alerts", "dim"), disabled=True)
            self.set_options([self._option(entry) for entry in found] or [nothing])
        self._entries = found
        place = next((place for place, entry in enumerate(found) if kept is not None and entry.key == kept.key), None)
        if place is not None:
            self.highlighted = place
        elif had_cursor and found:
            self.highlighted = len(found) - 1
        elif was_at_end:
            self.scroll_end(animate=False, immediate=False)

    def _option(self, entry: AlertEntry) -> Option:
        return Option(in_words(entry.what, self._started_at_us), id=entry.key)

    def on_resize(self) -> None:
        """Keep the selected entry visible; line breaks are known after painting."""
        self.call_after_refresh(self._scroll_to_entry)

    def _scroll_to_entry(self) -> None:
        if self._is_at_newest:
            self.scroll_end(animate=False)
        else:
            self.scroll_to_highlight()

    def on_focus(self) -> None:
        if self.highlighted is None and self._entries:
            self.highlighted = len(self._entries) - 1

    def action_open(self) -> None:
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen.what))

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def texts(self) -> list[str]:
        """Return each line, for a search."""
        return [in_words(entry.what, self._started_at_us).plain for entry in self._entries]

    def copy_text(self) -> str:
        return "".join(f"{in_words(entry.what, self._started_at_us).plain}\n" for entry in self._entries)
