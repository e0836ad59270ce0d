"""Screen 2: the history of all runs."""

from functools import partial

from textual.content import Content
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.errors import Unavailable
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.deltas import delta, pair
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.messages import StoreView, dashboard
from vp_tui.tui.panels.filter_bar import FilterBar
from vp_tui.tui.panels.overlay import LETTERS
from vp_tui.tui.panels.panel import Panel
from vp_tui.tui.panels.runs_columns import RunLine, detail
from vp_tui.tui.panels.runs_table import RunsTable
from vp_tui.tui.screens.columns import ColumnsScreen
from vp_tui.tui.screens.export import ExportScreen
from vp_tui.tui.screens.main_screen import MainScreen
from vp_tui.tui.screens.overlay import OverlayScreen
from vp_tui.tui.screens.run_forms import AnnotateScreen, DeleteScreen, PinScreen, why_kept, why_not_pinned

NO_MATCH = "No run matches: esc clears the filter, / edits it"
NO_RUN = "no run is selected"
_OF_RUNS = frozenset({"filter", "tag", "delete", "compare", "pin", "export", "columns", "lines"})


class RunsScreen(MainScreen):
    """Filter, table of runs, and details of the run under the cursor."""

    BINDINGS = bindings("runs")
    AUTO_FOCUS = "#runs"

    def __init__(self) -> None:
        super().__init__()
        self._view: StoreView | None = None
        self._selected_ids: frozenset[int] = frozenset()
        self._query = ""
        """The active filter: `_found` is its result."""
        self._wanted = ""
        """The filter requested last, active once its result is there."""
        self._found: tuple[RunRow, ...] = ()
        self._older: tuple[RunRow, ...] = ()
        """Runs older than the oldest one of the view, which is limited."""
        self._older_than: int | None = None

    def body(self) -> list[Widget]:
        return [FilterBar(id="filter-bar"), Panel(id="empty"), RunsTable(id="runs"), Panel(id="detail")]

    # -- show

    def show(self, view: StoreView) -> None:
        """Fill the table; query an active filter again, once per view."""
        if view is not self._view:
            self._view = view
            if self._wanted:
                self._ask(self._wanted)
            self._ask_older(view)
        self._fill()

    def _fill(self) -> None:
        view, table = self._view, self.query_one(RunsTable)
        if view is None:
            return
        runs = self._found if self._query else self._all
        self.set_class(not runs, "-empty")
        self.query_one("#empty", Panel).show(Content(NO_MATCH) if self._query else self.empty_words(view))
        self.query_one(FilterBar).show_in_force(self._query, len(runs), len(self._all))
        made = (
            RunLine(run=run, delta=delta(run, view.baselines), is_selected=run.id in self._selected_ids) for run in runs
        )
        table.show(tuple(made), self.size.width)
        if self.focused is None and runs:
            # a table without rows is hidden and so loses the focus
            table.focus()
        self._show_detail()

    @property
    def _all(self) -> tuple[RunRow, ...]:
        return (*self._view.runs, *self._older) if self._view is not None else ()

    @property
    def _selected(self) -> list[RunRow]:
        """The selected runs that still exist, shown or not."""
        known = {run.id: run for run in (*self._all, *self._found)}
        return [known[run_id] for run_id in sorted(self._selected_ids) if run_id in known]

    def on_line_list_moved(self) -> None:
        self._show_detail()

    def _show_detail(self) -> None:
        current = self.query_one(RunsTable).current
        words = detail(current, len(self._selected)) if current is not None else Content("")
        self.query_one("#detail", Panel).show(words)

    def chosen(self, view: StoreView) -> RunRow | None:
        # keys are asked about before the screen has its table
        table = next(iter(self.query(RunsTable)), None)
        return table.chosen if table is not None else None

    # -- filter

    def action_filter(self) -> None:
        self.query_one(FilterBar).open(self._query, self._all)

    def on_filter_bar_asked(self, message: FilterBar.Asked) -> None:
        self._wanted = message.query
        if not self._wanted:
            self._show_all()
        elif self._wanted == self._query:
            self._leave_line()
        else:
            self._ask(self._wanted)

    def action_clear(self) -> None:
        """Close the filter line, else clear the filter, else the selection."""
        if self.query_one(FilterBar).is_open:
            self._wanted = self._query
            self._leave_line()
        elif self._query:
            self._show_all()
        else:
            self._selected_ids = frozenset()
            self._fill()

    def _ask(self, query: str) -> None:
        run_job(self, "filter", partial(self.backend.history, query), partial(self._take, query), self._refused)

    def _take(self, query: str, found: tuple[RunRow, ...]) -> None:
        if query != self._wanted:
            return
        is_new = query != self._query
        table = self.query_one(RunsTable)
        before = table.chosen
        self._query, self._found = query, found
        self._fill()
        if is_new:
            self._leave_line()
            if before not in found:
                table.move_cursor(0)

    def _refused(self, words: str) -> None:
        self._wanted = self._query
        self.query_one(FilterBar).refuse(words)

    def _show_all(self) -> None:
        self._wanted = self._query = ""
        self._found = ()
        self._fill()
        self._leave_line()

    def _leave_line(self) -> None:
        self.query_one(FilterBar).close_input()
        self.query_one(RunsTable).focus()

    def _ask_older(self, view: StoreView) -> None:
        """Read the runs before those of the view, once."""
        oldest = view.runs[-1].id if view.runs else 1
        if oldest == self._older_than:
            return
        self._older_than = oldest
        if oldest > 1:
            run_job(self, "older", partial(self.backend.history, f"id<{oldest}"), self._take_older)

    def _take_older(self, older: tuple[RunRow, ...]) -> None:
        self._older = older
        self._fill()

    # -- keys

    def on_runs_table_selection_toggled(self, message: RunsTable.SelectionToggled) -> None:
        self._selected_ids = self._selected_ids ^ {message.run_id}
        self._fill()

    def action_compare(self) -> None:
        """Compare two selected runs; or the selected one and the one under the cursor; or that one and its baseline."""
        if self._view is None:
            return
        chosen = pair(self._selected, self.query_one(RunsTable).chosen, self._view)
        if isinstance(chosen, Unavailable):
            self.say(chosen.reason)
        else:
            self.post_message(chosen)

    def action_columns(self) -> None:
        table = self.query_one(RunsTable)
        screen = ColumnsScreen(table.chosen_titles, table.shown_titles)
        self.app.push_screen(screen, self._choose_columns)

    def _choose_columns(self, titles: tuple[str, ...] | None) -> None:
        if titles is not None:
            self.query_one(RunsTable).choose_columns(titles)

    def action_lines(self) -> None:
        """Show the selected runs in one chart; without a selection the run under the cursor."""
        run = self.query_one(RunsTable).chosen
        runs = self._selected or ([run] if run is not None else [])
        if len(runs) > len(LETTERS):
            self.say(f"{len(runs)} runs are selected; a chart shows at most {len(LETTERS)}")
        elif runs:
            self.app.push_screen(OverlayScreen(self.backend, [one.id for one in runs]))
        else:
            self.say(NO_RUN)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return False for a key that does nothing on an empty screen."""
        if action == "clear" and self.is_mounted:
            return bool(self._query or self._selected_ids or self.query_one(FilterBar).is_open)
        # the newest view: this screen may not have been filled yet
        view = dashboard(self).view
        return bool(view is not None and view.runs) or action not in _OF_RUNS

    def action_pin(self) -> None:
        run = self._current()
        if run is None or self._view is None:
            return
        reason = why_not_pinned(run)
        if reason is None:
            self.app.push_screen(PinScreen(run, self._view.baselines))
        else:
            self.say(reason)

    def action_tag(self) -> None:
        run = self._current()
        if run is not None:
            self.app.push_screen(AnnotateScreen(run), self._written)

    def action_delete(self) -> None:
        run = self._current()
        if run is None or self._view is None:
            return
        reason = why_kept(run, self._view.pinned(run))
        if reason is None:
            self.app.push_screen(DeleteScreen(run), partial(self._deleted, run.id))
        else:
            self.say(reason)

    def _deleted(self, run_id: int, is_deleted: bool | None) -> None:
        """Deselect the run: its number may be used again."""
        if is_deleted:
            self._selected_ids = self._selected_ids - {run_id}
        self._written(is_deleted)

    def _written(self, is_written: bool | None) -> None:
        """Read the older runs again: they are not part of the view."""
        if is_written and self._view is not None:
            self._older_than = None
            self._ask_older(self._view)

    def action_export(self) -> None:
        run = self._current()
        runs = self._selected or ([run] if run is not None else [])
        if runs:
            ids = tuple(one.id for one in runs)
            words = fmt.runs(ids)
            self.app.push_screen(ExportScreen(words, partial(self.backend.write_runs, ids), words.replace("#", "")))

    def _current(self) -> RunRow | None:
        run = self.query_one(RunsTable).chosen
        if run is None:
            self.say(NO_RUN)
        return run
