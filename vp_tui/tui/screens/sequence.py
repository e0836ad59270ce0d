"""Modal: one sequence: its metrics with limits, its alerts and its residues."""

from functools import partial

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen

from vp_tui.core import text as fmt
from vp_tui.core.events import SequenceResult
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, styled
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.sequence_words import alerts_of, letters, measured

READING = "Reading ..."


class SequenceScreen(ModalScreen[None]):
    """Without `result` the row is read from the store; the residues always from the input file."""

    BINDINGS = bindings("sequence")

    def __init__(
        self, backend: Backend, snapshot: RunSnapshot, sequence_id: str, result: SequenceResult | None = None
    ) -> None:
        super().__init__()
        self._backend, self._snapshot = backend, snapshot
        self._sequence_id, self._result = sequence_id, result

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog detail"):
            yield Panel(id="name")
            yield Panel(id="measured")
            yield Panel(id="heading-alerts", classes="heading")
            yield Panel(id="its-alerts")
            yield Panel(id="heading-letters", classes="heading")
            yield Panel(id="letters")
        yield KeyBar()

    def on_mount(self) -> None:
        run = self._snapshot.run
        self._show("heading-alerts", styled("Alerts", "title"))
        self._show("its-alerts", alerts_of(self._snapshot, self._sequence_id))
        self._show("heading-letters", line(("Sequence", "title"), (f"  {fmt.safe(run.input)}", "dim")))
        self._show("letters", styled(READING, "dim"))
        if self._result is not None:
            self._show_result(self._result)
        else:
            self._show("name", styled(fmt.safe(self._sequence_id), "title"))
            self._show("measured", styled(READING, "dim"))
            work = partial(self._backend.sequence, run.id, self._sequence_id)
            run_job(self, "row", work, self._show_result, partial(self._say, "measured"))
        read = partial(self._backend.letters, run.input, self._sequence_id)
        run_job(self, "letters", read, self._show_letters, partial(self._say, "letters"))

    def _show(self, name: str, content: Content) -> None:
        self.query_one(f"#{name}", Panel).show(content)

    def _say(self, name: str, words: str) -> None:
        self._show(name, line(("! ", "fail"), fmt.safe(words)))

    def _show_result(self, result: SequenceResult | None) -> None:
        run = self._snapshot.run
        where = f"  {fmt.safe(result.stratum)}, {fmt.plural(result.num_tokens, 'token')}" if result is not None else ""
        arms = f"  #{run.id}, {fmt.safe(run.precision)} vs {fmt.safe(run.reference)}"
        self._show("name", line((fmt.safe(self._sequence_id), "title"), where, (arms, "dim")))
        self._show("measured", measured(result, self._snapshot.limits))

    def _show_letters(self, found: str | None) -> None:
        if found is None:
            self._say("letters", "not found in the file, which has changed since the run")
        else:
            self._show("letters", letters(found))
