"""Screen 5: log, status changes and alerts of the run."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input

from vp_tui.core import text as fmt
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.tui.keymap import bindings
from vp_tui.tui.log_file import LogTail
from vp_tui.tui.marks import level_of, line, lines, styled
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.panels.log_rows import KINDS, TITLES, Kind, rows
from vp_tui.tui.panels.log_view import LogView
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.screens.looking_screen import LookingScreen

if TYPE_CHECKING:
    from vp_tui.core.store.transitions import StatusChange


@dataclass(frozen=True, slots=True)
class Found:
    """What is read of a run."""

    tail: LogTail
    changes: "tuple[StatusChange, ...]"


class LogsScreen(LookingScreen[Found]):
    """Log, status changes and alerts of the run on the Live screen."""

    BINDINGS = bindings("logs")
    AUTO_FOCUS = "#log"
    ALLOW_IN_MAXIMIZED_VIEW = f"{LookingScreen.ALLOW_IN_MAXIMIZED_VIEW}, #log-title, #find"

    def __init__(self) -> None:
        super().__init__()
        self._kind: Kind = "both"
        self._tail: LogTail | None = None
        self._changes: tuple[StatusChange, ...] = ()

    def body(self) -> list[Widget]:
        find = Input(placeholder="find text; enter returns to the log", id="find", compact=True)
        # a blinking cursor costs bytes over SSH
        find.cursor_blink = False
        return [Panel(id="empty"), Panel(id="log-title"), LogView(id="log"), find]

    # -- reading

    def look(self, snapshot: RunSnapshot) -> Callable[[], Found]:
        return partial(self._look, snapshot.run.id, snapshot.folder, self._tail)

    def _look(self, run_id: int, folder: str, known: LogTail | None) -> Found:
        return Found(self.backend.log_tail(folder, known), self.backend.timeline(run_id))

    def keep(self, found: Found) -> bool:
        self._tail, self._changes = found.tail, found.changes
        return True

    def forget(self) -> None:
        self._tail, self._changes = None, ()

    # -- showing

    @property
    def _view(self) -> LogView:
        return self.query_one("#log", LogView)

    def fill(self) -> None:
        if self._snapshot is not None:
            self._view.show(rows(self._kind, self._tail, self._changes, self._snapshot.alerts), self._kind)
            self._show_title()

    def _show_title(self) -> None:
        if self._snapshot is None:
            return
        state = [TITLES[self._kind], "following" if self._view.following else "not following (f)"]
        if self._kind != "events" and self._tail is not None and self._tail.trouble is None:
            state.append(extent(self._tail))
        if needle := self.query_one("#find", Input).value:
            # first: a narrow screen cuts off the end
            state.insert(0, self._found(needle))
        shown = [title(self._snapshot.run), styled(";  ".join(state), "dim")]
        log = self._tail.trouble if self._tail is not None and self._kind != "events" else None
        shown += [line(("~ ", "warn"), fmt.safe(words)) for words in (log, self._trouble) if words]
        self.query_one("#log-title", Panel).show(lines(shown))

    def _found(self, needle: str) -> str:
        number = self._view.match_number
        place = f"{fmt.exact(number)} of " if number is not None else ""
        return f"{fmt.clip(fmt.safe(needle), 20)!r}: {place}{fmt.plural(len(self._view.matches), 'line')}"

    # -- keys

    def action_next_view(self) -> None:
        self._kind = KINDS[(KINDS.index(self._kind) + 1) % len(KINDS)]
        self.fill()

    def action_follow(self) -> None:
        self._view.toggle_following()

    def action_find(self) -> None:
        self.add_class("-finding")
        self.query_one("#find", Input).focus()

    def action_next_match(self, step: int) -> None:
        """Go to the next match; without a search text ask for one."""
        if not self.query_one("#find", Input).value:
            self.action_find()
        self._view.next_match(step)

    def action_clear(self) -> None:
        self.query_one("#find", Input).value = ""
        self.remove_class("-finding")
        self._view.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._view.look_for(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if not event.value:
            self.remove_class("-finding")
        self._view.focus()

    def on_log_view_moved(self) -> None:
        self._show_title()


def title(run: RunRow) -> Content:
    # green beside FAIL would say that all is well
    status = level_of(run.status) if run.verdict in {None, "PASS"} else "plain"
    phase = f"  {fmt.safe(run.phase)}" if run.phase else ""
    verdict = line(" ", (run.verdict, level_of(run.verdict))) if run.verdict else ""
    why = f"  {fmt.safe(run.status_reason)}" if run.status_reason and not run.is_active else ""
    return line((f"#{run.id} ", "title"), run_names(run), "  ", (run.status.upper(), status), verdict, phase, why)


def extent(tail: LogTail) -> str:
    """Return how much of the file is shown."""
    shown = len(tail.lines)
    if not tail.num_lines:
        return "run.log is empty"
    if shown == tail.num_lines:
        return f"{fmt.plural(shown, 'line')} of run.log"
    return f"last {fmt.exact(shown)} lines of {fmt.short(tail.num_lines)} of run.log"
