"""Modal: the sequences of a run with the lowest similarity, one per line; enter opens one."""

from collections.abc import Sequence
from functools import partial

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from vp_tui.core import text as fmt
from vp_tui.core.events import SequenceResult
from vp_tui.core.report import headings as words
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.backend import Backend
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import MARKS, Level, line, styled
from vp_tui.tui.messages import dashboard
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.sequence_words import Metric, numbers
from vp_tui.tui.screens.finding import FindingScreen, FindLine
from vp_tui.tui.screens.sequence import SequenceScreen

MOST = 50
AGAIN_S = 1.0
"""Seconds between two reads while the run is active."""
ID_LEAST, ID_MOST = 8, 40
FIXED = (
    (words.STRATUM, 7), ("tokens", 6), (words.SIMILARITY, 10), (words.DIFFERENCE, 10), (words.NORM, 9),
    (words.NAN, 5), (words.INF, 5),
)  # fmt: skip
NARROW = (words.STRATUM, words.SIMILARITY, words.NAN, words.INF)
"""Columns shown on narrow screens."""


class SequenceList(OptionList):
    """The lines; `open` selects the line under the cursor."""

    BINDINGS = bindings("sequences")

    def action_open(self) -> None:
        """Select, as a click does."""
        self.action_select()


class WorstScreen(FindingScreen):
    """Read from the store when it opens, and again while the run is active."""

    BINDINGS = bindings("worst")

    def __init__(self, backend: Backend, snapshot: RunSnapshot) -> None:
        super().__init__()
        self._backend, self._snapshot = backend, snapshot
        self._results: tuple[SequenceResult, ...] = ()

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog detail list"):
            yield Panel(id="about")
            yield Panel(id="columns")
            yield SequenceList(id="sequences", markup=False)
            yield FindLine()
        yield KeyBar()

    @property
    def list(self) -> SequenceList:
        return self.query_one(SequenceList)

    def texts(self) -> Sequence[str]:
        return [result.sequence_id for result in self._results]

    def show_match(self, row: int) -> None:
        self.list.highlighted = row

    def on_mount(self) -> None:
        self._say("Reading ...")
        self._read()
        if self._snapshot.run.is_active:
            self.set_interval(AGAIN_S, self._look_again)

    def _read(self) -> None:
        work = partial(self._backend.worst, self._snapshot.run.id, MOST)
        run_job(self, "worst", work, self._fill, self._fail)

    def _look_again(self) -> None:
        view = dashboard(self).view
        newest = view.snapshot if view is not None else None
        if newest is not None and newest.run.uuid == self._snapshot.run.uuid and newest.run != self._snapshot.run:
            self._snapshot = newest
            self._read()

    def on_resize(self) -> None:
        if self._results:
            self._fill(self._results)

    def _say(self, told: str) -> None:
        run = self._snapshot.run
        self.query_one("#about", Panel).show(line((f"Worst sequences of #{run.id}", "title"), f"  {told}"))

    def _fail(self, told: str) -> None:
        self.query_one("#about", Panel).show(line(("! ", "fail"), fmt.safe(told)))

    def _fill(self, results: tuple[SequenceResult, ...]) -> None:
        sequences = self.query_one(SequenceList)
        # keep the selected sequence, at the top the worst one
        at = self._results[sequences.highlighted].seq_idx if sequences.highlighted else None
        self._results = results
        self._say(_about(self._snapshot, len(results)))
        width = sequences.scrollable_content_region.width - 1
        sequences.set_options(Option(row) for row in table(results, self._snapshot, width))
        if results:
            room, shown = _columns(width)
            titles = f"{'sequence':<{room}}" + "".join(f" {name:>{size}}" for name, size in shown.items())
            self.query_one("#columns", Panel).show(styled(titles, "title"))
            places = [place for place, result in enumerate(results) if result.seq_idx == at]
            sequences.highlighted = places[0] if places else 0

    def action_open(self) -> None:
        """Open the line under the cursor, even if the list lost the focus."""
        self.query_one(SequenceList).action_select()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        result = self._results[event.option_index]
        self.app.push_screen(SequenceScreen(self._backend, self._snapshot, result.sequence_id, result))


def _about(snapshot: RunSnapshot, count: int) -> str:
    run = snapshot.run
    if not count:
        if run.archived_at_us is not None:
            return "rows per sequence were archived"
        return "no sequence compared yet" if run.is_active else "no sequence was compared"
    so_far = f" of {fmt.exact(run.done)} compared so far" if run.is_active else ""
    return f"NaN/Inf first, then lowest similarity: {fmt.exact(count)}{so_far}"


def _columns(width: int) -> tuple[int, dict[str, int]]:
    """Return the width of the id, and the other columns that fit."""
    shown = dict(FIXED)
    if width < ID_LEAST + sum(size + 1 for size in shown.values()):
        shown = {name: size for name, size in FIXED if name in NARROW}
    left = width - sum(size + 1 for size in shown.values())
    return max(ID_LEAST, min(ID_MOST, left)), shown


def table(results: Sequence[SequenceResult], snapshot: RunSnapshot, width: int) -> list[Content]:
    room, shown = _columns(width)
    return [_row(result, snapshot, room, shown) for result in results]


def _row(result: SequenceResult, snapshot: RunSnapshot, room: int, shown: dict[str, int]) -> Content:
    cells = {one.name: one for one in numbers(result, snapshot.limits)}
    cells["stratum"] = Metric("stratum", fmt.safe(result.stratum), "")
    cells["tokens"] = Metric("tokens", fmt.exact(result.num_tokens), "")
    parts = [_cell(cells[name], size) for name, size in shown.items()]
    name = fmt.clip(fmt.safe(result.sequence_id), room)
    return line(name, " " * (room - fmt.columns(name)), *parts)


def _cell(number: Metric, size: int) -> Content:
    level: Level = "plain" if number.level == "good" else number.level
    return styled(f" {MARKS.get(level, '') + number.value:>{size}}", level)
