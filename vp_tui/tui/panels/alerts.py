"""Problems and notes of the run on the screen, one line per cause (core.report.issues), the most severe on top."""

from dataclasses import dataclass

from textual.content import Content
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.report.issues import Issue, issues
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import level_of, line, styled
from vp_tui.tui.panels.panel import show_title

MOST = 200
"""Lines shown at most; all of them are in the exported run."""


def title(found: tuple[Issue, ...]) -> str:
    """Return the counts, for the frame and the line above the list."""
    if not found:
        return "no problems, no notes"
    problems = sum(one.severity != "info" for one in found)
    notes = sum(one.severity == "info" and isinstance(one.lead, Finding) for one in found)
    facts = len(found) - problems - notes
    words = [fmt.plural(count, noun) for count, noun in ((problems, "problem"), (notes, "note")) if count]
    told = ", ".join([*words, *([f"{facts} info"] if facts else [])])
    return f"{told} (the first {MOST} are shown)" if len(found) > MOST else told


def since_start(alert: AlertRaised, started_at_us: int | None) -> str:
    return fmt.duration((alert.at_us - started_at_us) / 1e6 if started_at_us is not None else None)


def severity(what: AlertRaised | Finding) -> Content:
    """Return FAIL, WARN, NOTE (a finding that changes nothing) or INFO (about the run) in five columns."""
    word = "NOTE" if isinstance(what, Finding) and what.severity == "info" else what.severity.upper()
    return styled(f"{word:<5}", level_of(what.severity))


def in_words(what: AlertRaised | Finding, started_at_us: int | None) -> Content:
    """Return one alert or finding as one line."""
    if isinstance(what, Finding):
        return line(severity(what), (f"{fmt.safe(what.gate)} ", "dim"), fmt.safe(what.text))
    # most messages name them already
    place = " ".join(fmt.safe(part) for part in (what.stratum, what.sequence_id) if part and part not in what.message)
    when = since_start(what, started_at_us)
    return line(severity(what), (f"{when} ", "dim"), f"{place}: " if place else "", fmt.safe(what.message))


def issue_words(issue: Issue) -> Content:
    """Return severity, what was found and where, and the next step."""
    gate = (f"{fmt.safe(issue.lead.gate)} ", "dim") if isinstance(issue.lead, Finding) else ""
    text = issue.text if issue.text.endswith((".", "!", "?")) or not issue.next_step else f"{issue.text}."
    return line(severity(issue.lead), gate, text, (f" {issue.next_step}" if issue.next_step else "", "dim"))  # type: ignore[arg-type]


class AlertList(OptionList):
    """The list; the cursor stays on its cause while others come."""

    BINDINGS = bindings("alerts")
    topic = "alerts"

    @dataclass
    class Opened(Message):
        """Show one entry in full."""

        issue: Issue

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._issues: tuple[Issue, ...] = ()
        self._run: str | None = None
        self.mode = ""
        """Said behind the title, from the next view on."""

    @property
    def chosen(self) -> Issue | None:
        return self._issues[self.highlighted] if self.highlighted is not None and self._issues else None

    def show(self, snapshot: RunSnapshot) -> None:
        """Fill it; does nothing without news."""
        found = issues(snapshot)
        show_title(self, title(found) + self.mode)
        is_other = snapshot.run.uuid != self._run
        if is_other:
            self._run = snapshot.run.uuid
        if found[:MOST] != self._issues or is_other:
            self._fill(found[:MOST], None if is_other else self.chosen)

    def _fill(self, found: tuple[Issue, ...], chosen: Issue | None) -> None:
        is_same_text = [issue_words(one) for one in found] == [issue_words(one) for one in self._issues]
        self._issues = found
        if is_same_text and found:
            # more of the same cause: the lines stay
            return
        had_cursor = self.highlighted is not None
        self.set_options([Option(issue_words(one), id=one.key) for one in found])
        places = [place for place, one in enumerate(found) if chosen is not None and one.key == chosen.key]
        self.highlighted = places[0] if places else 0 if had_cursor and found else None
        if not places:
            self.scroll_home(animate=False)

    def on_resize(self) -> None:
        """Keep the selected entry visible; line breaks are known after painting."""
        self.call_after_refresh(self.scroll_to_highlight)

    def on_focus(self) -> None:
        if self.highlighted is None and self._issues:
            self.highlighted = 0

    def action_open(self) -> None:
        if self.chosen is not None:
            self.post_message(self.Opened(self.chosen))

    def on_option_list_option_selected(self) -> None:
        self.action_open()

    def texts(self) -> list[str]:
        """Return each line, for a search."""
        return [issue_words(one).plain for one in self._issues]

    def copy_text(self) -> str:
        return "".join(f"{issue_words(one).plain}\n" for one in self._issues)
