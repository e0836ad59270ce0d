"""All gates and measures of one run as a text with a cursor; `?` explains the gate in the line of the cursor."""

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.config import Profile
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import Reach, severity_of
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.panels.line_list import LineList
from vp_tui.tui.screens.finding import FindingScreen, FindLine
from vp_tui.tui.text import report

_GAP = re.compile(r"\S {2,}(?=\S)")
"""Between two cells of a table."""
_NAME = re.compile(r"\b[A-Z]\d{1,2}(?:c\b)?(?:-[a-z0-9]+)*\b")
WIDTH = 71


def gate_in(text: str) -> str | None:
    """Return the first gate that a line names; None without one."""
    return next((name for name in _NAME.findall(text) if name in BY_ID), None)


def gate_help(gate_id: str, limits: Thresholds, gates: Profile = "mission") -> Content:
    """Return what a gate measures, what a miss means in a run with these `gates`, and what to do."""
    gate = BY_ID[gate_id]
    judged = []
    if gate.fail is not None:
        judged.append(f"{fmt.limit(limits.fail(gate))} ({_miss(gate, 'fail', gates)}): {gate.fail.note}")
    if gate.warn is not None:
        judged.append(f"{fmt.limit(limits.warn(gate))} ({_miss(gate, 'warn', gates)}): {gate.warn.note}")
    told = (
        ("measures", gate.what),
        ("limit", " ".join(judged) or "none"),
        ("a miss", gate.meaning),
        ("to do", gate.advice),
        ("misses", f"It does not detect {gate.blind_to}."),
    )
    rows = [styled(f"{gate.id}  {gate.title}", "title"), Content("")]
    for name, words in told:
        first, *more = fmt.wrap(words, WIDTH - 11)
        rows += [line((f"  {name:<9}", "info"), first), *(Content(" " * 11 + rest) for rest in more)]
    return lines(rows)


def _miss(gate: Gate, reach: Reach, gates: Profile) -> str:
    found = severity_of(gate, reach, gates)
    return "note" if found == "info" else found


class Lines(LineList):
    """The report line by line; lines that are wider than the screen are wrapped."""

    def __init__(self, text: str) -> None:
        super().__init__(id="report")
        self._text = text
        self._rows: list[str] = []

    @property
    def rows(self) -> Sequence[str]:
        return self._rows

    @property
    def gate(self) -> str | None:
        """Return the gate of the line under the cursor, or of the nearest line above it in its paragraph."""
        for row in range(self.cursor_row, -1, -1):
            if not self._rows[row].strip():
                return None
            if (found := gate_in(self._rows[row])) is not None:
                return found
        return None

    def on_resize(self) -> None:
        bar = 0 if self.show_vertical_scrollbar else self.styles.scrollbar_size_vertical
        width = max(20, self.size.width - bar)
        self._rows = [piece for text in self._text.split("\n") for piece in _wrapped(text, width)]
        self.resize_to(len(self._rows))
        super().on_resize()

    def title_line(self) -> Content:
        return styled("? explains the gate under the cursor, / finds", "dim")

    def row_line(self, row: int) -> Content:
        return Content(self._rows[row])

    def action_open(self) -> None:
        self.screen.action_explain()  # type: ignore[attr-defined]

    def copy_text(self) -> str:
        return self._text


def _wrapped(text: str, width: int) -> list[str]:
    """Return the line in pieces; a row of a table is cut, so that its columns stay below each other."""
    if fmt.columns(text) <= width:
        return [text]
    return [fmt.clip(text, width)] if len(_GAP.findall(text)) > 1 else fmt.wrap(text, width, rest="    ")


class MeasuresScreen(FindingScreen):
    """Text with a cursor; esc, q or m closes it."""

    BINDINGS = bindings("measures")
    AUTO_FOCUS = "#report"

    def __init__(self, snapshot: RunSnapshot) -> None:
        super().__init__()
        self._snapshot = snapshot

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog report"):
            yield Lines(report(self._snapshot))
            yield FindLine()
        yield KeyBar()

    @property
    def list(self) -> Lines:
        return self.query_one(Lines)

    def texts(self) -> Sequence[str]:
        return self.list.rows

    def show_match(self, row: int) -> None:
        self.list.move_cursor(row)

    def action_explain(self) -> None:
        snapshot = self._snapshot
        self.app.push_screen(GateScreen(self.list.gate, snapshot.limits, snapshot.config.get("gates", "mission")))


class GateScreen(ModalScreen[None]):
    """One gate in words; without one, how to choose one. esc, q or ? closes it."""

    BINDINGS = bindings("gate")

    def __init__(self, gate_id: str | None, limits: Thresholds, gates: Profile) -> None:
        super().__init__()
        self._text = (
            gate_help(gate_id, limits, gates)
            if gate_id is not None
            else Content("This line names no gate: move to one of the table, such as M1, and press ? again.")
        )

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog gate"):
            yield Static(self._text, id="gate", markup=False)
        yield KeyBar()
