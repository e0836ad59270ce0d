"""Screen 4: the search for the operations to keep in a higher precision: before it, while it runs, and its result."""

from collections.abc import Callable, Mapping
from functools import partial

from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.widget import Widget

from vp_tui.core import text as fmt
from vp_tui.core.inputs.units import IN_BLOCK
from vp_tui.core.runs.search.launch import SearchState
from vp_tui.core.runs.search.records import DEFAULT_BUDGET, SearchResult
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.tui.jobs import run_job
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import MARKS, line, lines
from vp_tui.tui.messages import OpenRun, dashboard
from vp_tui.tui.panels import precision_map, search_choices, search_words, unit_words
from vp_tui.tui.panels.panel import Panel, Readable
from vp_tui.tui.panels.precision_map import PrecisionMap, Wish
from vp_tui.tui.panels.search_choices import ChoicesChart
from vp_tui.tui.panels.search_hints import hints
from vp_tui.tui.screens.looking_screen import LookingScreen
from vp_tui.tui.screens.unit import UnitScreen

CHART_FROM = (120, 40)
"""Size of the terminal from which there is room for the chart."""
NO_MAP = "the map comes with the result of a search"


class SearchBody(VerticalScroll, can_focus=True):
    """The text, with its own scrolling."""

    topic = "search"


class SearchScreen(LookingScreen[SearchState]):
    """The search of the run on the Live screen."""

    BINDINGS = bindings("search")
    AUTO_FOCUS = "#search"
    ALLOW_IN_MAXIMIZED_VIEW = f"{LookingScreen.ALLOW_IN_MAXIMIZED_VIEW}, #search-title, #unit-words"

    def __init__(self) -> None:
        super().__init__()
        self._state: SearchState | None = None
        self._wishes: dict[int, dict[str, Wish]] = {}
        """By run: the marks that the reader has changed since its last search."""

    def body(self) -> list[Widget]:
        return [
            Panel(id="empty"),
            Panel(id="search-title"),
            SearchBody(Panel(id="search-text"), id="search"),
            PrecisionMap(id="map"),
            Panel(id="legend"),
            Panel(id="unit-words"),
            Container(Readable(id="choices", topic="choices"), ChoicesChart(id="tradeoff"), id="plans"),
        ]

    # -- reading

    def look(self, snapshot: RunSnapshot) -> Callable[[], SearchState]:
        return partial(self.backend.search_state, snapshot.folder)

    def keep(self, found: SearchState) -> bool:
        is_new = found != self._state
        self._state = found
        return is_new

    def forget(self) -> None:
        self._state = None

    def not_looked(self, words: str) -> None:
        """Show why in place of the search."""
        self._state = None
        super().not_looked(words)

    # -- showing

    @property
    def _result(self) -> SearchResult | None:
        """Return the result on the screen; None before and during a search."""
        return None if self._state is None or self._state.is_running else self._state.result

    @property
    def _has_map(self) -> bool:
        kind = self._snapshot.model.get("kind") if self._snapshot is not None else None
        if self._result is None or not IN_BLOCK.get(kind or "hf"):
            return False
        # marks can be taken away even where they left nothing to look at
        return bool(self._result.evidence or self._marks or self._asked)

    def fill(self) -> None:
        if self._snapshot is None:
            return
        had_map = self.has_class("-map")
        self.set_class(self._has_map, "-map")
        is_large = self.size.width >= CHART_FROM[0] and self.size.height >= CHART_FROM[1]
        self.set_class(is_large and self._has_map, "-chart")
        self._show_title(self._snapshot)
        self._show_text(self._snapshot)
        self._show_map()
        if had_map != self._has_map:
            self.query_one("#map" if self._has_map else "#search").focus()

    def _show_title(self, snapshot: RunSnapshot) -> None:
        rows = [search_words.title(snapshot, self._state, is_unreadable=self._trouble is not None)]
        if self._result is not None:
            changed = self._marks != self._asked
            keys = {f"{name}_key": self._key(name) for name in ("start", "accept", "forbid")}
            rows += search_words.after(self._result, is_changed=changed, **keys)
        self.query_one("#search-title", Panel).show(lines(rows))

    def _show_text(self, snapshot: RunSnapshot) -> None:
        """Show what stands below the title where there is no map."""
        rows: list[Content] = []
        if self._trouble is not None:
            rows = [line((f"{MARKS['fail']} ", "fail"), fmt.safe(self._trouble))]
        elif self._state is not None and self._state.is_running:
            rows = search_words.progress(self._state)
        elif self._state is not None:
            if self._state.result is None:
                rows = [*search_words.before(snapshot, self._state, self._key("start")), Content("")]
            rows += hints(snapshot, self._key("measures"))
        self.query_one("#search-text", Panel).show(lines(rows))

    def _show_map(self) -> None:
        snapshot, result = self._snapshot, self._result
        if snapshot is None or result is None or not self._has_map:
            return
        found = precision_map.grid(snapshot.model["kind"], snapshot.model["layers"], result, self._marks)
        self.query_one("#map", PrecisionMap).show(found)
        marks = precision_map.legend(
            result, self.size.width - 2, pin_key=self._key("pin"), forbid_key=self._key("forbid")
        )
        self.query_one("#legend", Panel).show(marks)
        self.query_one("#choices", Panel).show(lines(search_choices.table(result)))
        self.query_one(ChoicesChart).show(result)
        self._show_unit()

    def _show_unit(self) -> None:
        unit, result = self.query_one("#map", PrecisionMap).unit, self._result
        if unit is not None and result is not None:
            self.query_one("#unit-words", Panel).show(lines(unit_words.brief(unit, result, self._marks.get(unit))))

    def on_line_list_moved(self) -> None:
        self._show_unit()

    def _key(self, name: str) -> str:
        """Return a key as it is now, moved or not."""
        return search_words.key_of(name, dashboard(self).moved)

    # -- marks

    @property
    def _asked(self) -> Mapping[str, Wish]:
        """Return the marks of the last search."""
        question = self._state.question if self._state is not None else None
        if question is None:
            return {}
        pinned: dict[str, Wish] = dict.fromkeys(question.pinned, "pinned")
        return pinned | dict.fromkeys(question.forbidden, "forbidden")

    @property
    def _marks(self) -> Mapping[str, Wish]:
        """Return the marks as the next search takes them."""
        mine = self._wishes.get(self._snapshot.run.id) if self._snapshot is not None else None
        return self._asked if mine is None else mine

    def _mark(self, wish: Wish) -> None:
        """Set the mark of the unit under the cursor, or take it away."""
        unit = self.query_one("#map", PrecisionMap).unit
        if self._snapshot is None or unit is None or not self._has_map:
            self.say(NO_MAP)
            return
        marks = dict(self._marks)
        if marks.pop(unit, None) != wish:
            marks[unit] = wish
        self._wishes[self._snapshot.run.id] = marks
        self.fill()

    # -- keys

    def action_pin(self) -> None:
        self._mark("pinned")

    def action_forbid(self) -> None:
        self._mark("forbidden")

    def action_evidence(self) -> None:
        unit, result = self.query_one("#map", PrecisionMap).unit, self._result
        if unit is None or result is None or not self._has_map:
            self.say(NO_MAP)
            return
        self.app.push_screen(UnitScreen(unit_words.full(unit, result, self._marks.get(unit))))

    def action_start(self) -> None:
        """Start a search in the background with the marks of the map."""
        snapshot, state = self._snapshot, self._state
        if snapshot is None or state is None:
            self.say(self._trouble or "no run is shown")
            return
        answer = search_words.eligible(snapshot, self._key("start"))
        if state.is_running or not answer.is_possible:
            self.say("this run is being searched" if state.is_running else answer.words)
            return
        marks = self._marks
        spent = state.result.trials if state.result is not None and state.result.status == "budget" else 0
        work = partial(
            self.backend.start_search,
            snapshot.run.id,
            snapshot.folder,
            budget=spent + DEFAULT_BUDGET,
            faster=answer.faster,
            pin=[unit for unit, wish in marks.items() if wish == "pinned"],
            forbid=[unit for unit, wish in marks.items() if wish == "forbidden"],
        )
        run_job(self, "start search", work, partial(self._started, snapshot.run.id))

    def _started(self, run_id: int, _: None) -> None:
        self._wishes.pop(run_id, None)
        self.read()

    def action_accept(self) -> None:
        """Validate the run again with the confirmed plan, and show that run."""
        snapshot, result = self._snapshot, self._result
        if snapshot is None or result is None or result.plan is None or result.status != "confirmed":
            self.say("there is no confirmed plan to accept")
            return
        work = partial(self.backend.accept_plan, snapshot.run.id, result.plan)
        run_job(self, "accept", work, lambda run_id: self.post_message(OpenRun(run_id)))
