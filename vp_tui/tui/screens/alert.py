"""Modal: one problem or note in full, with its meaning, what to do next, and what else has the same cause."""

from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.core import text as fmt
from vp_tui.core.events import AlertRaised, Finding
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.report.issues import NOTHING_TO_DO, Issue
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.backend import Backend
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.alerts import in_words, severity, since_start
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.sequence import SequenceScreen

MEANINGS: dict[str, tuple[str, str]] = {
    "nan": (
        "The candidate run produced NaN: a value left the range of its number format, and all later values are "
        "meaningless. One such sequence fails the run (V1).",
        "Find the first layer with NaN: a layer that overflows must stay in FP32, or use bf16. Press s for the "
        "sequence, m for the layers closest to overflow.",
    ),
    "inf": (
        "The candidate run produced Inf: a value exceeded the largest number of its format. One such sequence fails "
        "the run (V1).",
        "As for NaN: find the layer and keep it in FP32, or use bf16, which has the range of FP32.",
    ),
    "cosine": (
        "The similarity between the candidate and the reference embedding is at or below the limit. One such "
        "sequence fails the run (M1).",
        "Press s for the sequence, enter on the Live screen for the worst ones. Do they share a length or a "
        "composition? F repeats the run with a recomputed reference.",
    ),
    "reference": (
        "About the FP32 reference of this run: cached from an earlier run, or recomputed.",
        "If you doubt the cached reference, press F: the same run with a recomputed reference.",
    ),
    "input": (
        "Some sequences of the file were changed or skipped: ids, residues or lengths.",
        "Check that this is what you want to validate; else correct the file and press r.",
    ),
    "memory": (
        "The device ran out of memory, so the packed batches were made smaller. Accuracy is not affected; throughput "
        "may be lower.",
        "For comparable throughput, stop other processes on the device or press r and reduce the token budget.",
    ),
    "gpu": (
        "GPU telemetry was not available: utilization, memory, power and clock are missing and not checked.",
        "Run `vp-tui doctor` to see why. The accuracy verdict is not affected.",
    ),
    "device": (
        "About the devices of a run on several: one was lost or is slow, or what each of them encoded.",
        "What a lost device held was encoded again on the others; the speed of such a run is not comparable.",
    ),
    "model": (
        "About the checkpoint or the code that runs it: what was found or replaced, or a corruption injected on "
        "purpose.",
        "Check that this is what you want to validate.",
    ),
    "precision": (
        "About the number format: rounding of the weights, or why another precision than requested is used.",
        "If the rollback variable is the reason, unset it and press r.",
    ),
    "store": (
        "Not all rows could be written to the store in time; the run continues.",
        "Check whether the disk is full or slow: `vp-tui doctor`.",
    ),
}
UNKNOWN = ("", "See the log (5).")
MOST_OTHERS = 200
"""Lines of the same cause; all are in the exported run."""


class AlertScreen(ModalScreen[None]):
    """Text with its own scrolling; s opens the sequence."""

    BINDINGS = bindings("alert")

    def __init__(self, backend: Backend, snapshot: RunSnapshot, issue: Issue) -> None:
        super().__init__()
        self._backend, self._snapshot, self._issue = backend, snapshot, issue

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog detail"):
            yield Panel(id="alert")
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#alert", Panel).show(issue_words(self._issue, self._snapshot))

    @property
    def _sequence_id(self) -> str | None:
        """The first sequence that an alert of this cause names."""
        every = (self._issue.lead, *self._issue.others)
        return next((one.sequence_id for one in every if isinstance(one, AlertRaised) and one.sequence_id), None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for the sequence of a cause that names none."""
        return action != "sequence" or self._sequence_id is not None

    def action_sequence(self) -> None:
        if self._sequence_id is not None:
            self.app.push_screen(SequenceScreen(self._backend, self._snapshot, self._sequence_id))


def issue_words(issue: Issue, snapshot: RunSnapshot) -> Content:
    """Return the lead in full, then one line for each of the same cause."""
    lead = alert_words(issue.lead, snapshot)
    if not issue.others:
        return lead
    started = snapshot.run.started_at_us
    more = len(issue.others) - MOST_OTHERS
    rows = [lead, Content(""), styled(f"Same cause ({fmt.exact(len(issue.others))})", "title")]
    rows += [in_words(one, started) for one in issue.others[:MOST_OTHERS]]
    return lines([*rows, styled(f"and {fmt.exact(more)} more", "dim")] if more > 0 else rows)


def alert_words(what: AlertRaised | Finding, snapshot: RunSnapshot) -> Content:
    """Return facts, message, meaning and what to do."""
    name = what.kind if isinstance(what, AlertRaised) else what.gate
    rows = [line(severity(what), (f" {fmt.safe(name)}", "title"))]
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


def meaning(entry: AlertRaised | Finding) -> tuple[str, str]:
    """Return the meaning and what to do next; a finding has the text of its gate."""
    if isinstance(entry, AlertRaised):
        return MEANINGS.get(entry.kind, UNKNOWN)
    gate = BY_ID.get(entry.gate)
    if gate is None:
        return UNKNOWN
    advice = NOTHING_TO_DO if entry.severity == "info" else gate.advice
    return gate.meaning, f"{advice} m shows all gates. {entry.gate} does not detect {gate.blind_to}."
