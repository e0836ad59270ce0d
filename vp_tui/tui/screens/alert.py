"""Modal: one alert or finding in full, with its meaning and what to do next."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.backend import Backend
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import level_of, line, lines, styled
from vp_tui.tui.panels.alert_words import meaning
from vp_tui.tui.panels.alerts import since_start
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.sequence import SequenceScreen


class AlertScreen(ModalScreen[None]):
    """Text with its own scrolling; s opens the sequence."""

    BINDINGS = bindings("alert")

    def __init__(self, backend: Backend, snapshot: RunSnapshot, what: AlertRaised | Finding) -> None:
        super().__init__()
        self._backend, self._snapshot, self._what = backend, snapshot, what

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog detail"):
            yield Panel(id="alert")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#alert", Panel).show(alert_words(self._what, self._snapshot))

    def action_sequence(self) -> None:
        """Open the sequence, if the alert names one."""
        sequence_id = self._what.sequence_id if isinstance(self._what, AlertRaised) else None
        if sequence_id is None:
            self.app.notify(
                "this alert is not about a single sequence; enter on the Live screen lists the worst",
                severity="warning",
            )
            return
        self.app.push_screen(SequenceScreen(self._backend, self._snapshot, sequence_id))


def alert_words(what: AlertRaised | Finding, snapshot: RunSnapshot) -> Content:
    """Return facts, message, meaning and what to do."""
    name = what.kind if isinstance(what, AlertRaised) else what.gate
    rows = [line((what.severity.upper(), level_of(what.severity)), (f"  {fmt.safe(name)}", "title"))]
    rows += [line((f"{name:<10}", "dim"), fmt.safe(value)) for name, value in _facts(what, snapshot) if value]
    message = what.message if isinstance(what, AlertRaised) else what.text
    rows += [Content(""), Content(fmt.safe(message))]
    for heading, words in zip(("Meaning", "What to do"), meaning(what), strict=True):
        rows += [Content(""), styled(heading, "title"), Content(words)] if words else []
    return lines(rows)


def _facts(what: AlertRaised | Finding, snapshot: RunSnapshot) -> Iterator[tuple[str, str | None]]:
    yield "run", f"#{snapshot.run.id}"
    yield "stratum", what.stratum
    if isinstance(what, Finding):
        return
    since = since_start(what, snapshot.run.started_at_us)
    yield "time", f"{since} after start, {fmt.date_time(what.at_us)}"
    yield "sequence", what.sequence_id
    yield "block", str(what.block) if what.block is not None else None
    yield "batch", str(what.pack) if what.pack is not None else None
    yield "layer", what.layer
