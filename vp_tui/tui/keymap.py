"""Every key of the dashboard, once: bindings, footer, help and palette are made from this table.

Only printable keys, enter, escape, space, ctrl+ and some letters: ctrl+enter, alt and ctrl+b do not survive tmux.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from textual.binding import Binding
from textual.keys import key_to_character

MAIN_SCREENS = ("live", "runs", "compare", "search", "logs")
PARTS = {
    "runs table": "runs",
    "alerts": "live",
    "chart": "live",
    "module map": "modules",
    "path field": "new run",
    "filter": "runs",
    "columns": "form",
    "sequences": "worst",
}
"""Widgets with keys of their own while they have the focus -> the screen they belong to."""
UNMOVED: Mapping[str, str] = MappingProxyType({})
REST = 9
"""Rank of keys that the key bar shows only when all the others fit."""
QUIET = 10
"""Rank of keys that only the help lists."""
_ALL, _RUN = MAIN_SCREENS, ("live", "runs")
_NOT_SEARCH = ("live", "runs", "compare", "logs")
_NOT_LOGS = ("live", "runs", "compare", "search")


@dataclass(frozen=True, slots=True)
class Key:
    """One key on some screens; `label` is the footer's word, `description` the help's sentence."""

    name: str
    """Second part of the public id in keys.toml: never changed, whatever becomes of the label."""
    key: str
    action: str
    label: str
    description: str
    screens: tuple[str, ...]
    rank: int = 5
    """When space is short the key bar drops the highest rank first; 0 always stays."""
    owner: str = ""
    """First part of the public id, where it is neither `app` for all main screens nor the screen."""

    @property
    def shown(self) -> str:
        """The key as the key bar and the help write it."""
        return shown(self.key)

    def id_on(self, screen: str) -> str:
        """Public id in keys.toml; a key of all five screens has one id for all of them."""
        owner = self.owner or ("app" if set(MAIN_SCREENS) <= set(self.screens) else screen.replace(" ", "-"))
        return f"{owner}.{self.name}"


_SHOWN = {
    "space": "space", "enter": "enter",
    "question_mark": "?", "escape": "esc", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]",
    "comma": ",",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as a reader knows it: ? for question_mark, ^r for ctrl+r."""
    character = key_to_character(key)
    if key in _SHOWN or character is None or not character.isprintable():
        return _SHOWN.get(key, key.replace("ctrl+", "^"))
    return character


_MODAL_TEXTS = ("help", "measures", "alert", "worst", "sequence", "unit", "gate", "lines", "command", "modules")
_FINDING = ("help", "measures", "worst")
"""Texts and lists with a line to find text."""
_SCREENS = (
    Key("live", "1", "app.open_screen('live')", "Live", "the selected run: result, charts, problems", _ALL, rank=0),
    Key("runs", "2", "app.open_screen('runs')", "Runs", "the history of all runs", _ALL, rank=0),
    Key("compare", "3", "app.open_screen('compare')", "Compare", "two runs, or a run and its baseline", _ALL, rank=0),
    Key("search", "4", "app.open_screen('search')", "Search", "the operations to keep in FP32", _ALL, rank=0),
    Key("logs", "5", "app.open_screen('logs')", "Logs", "log and status changes of the run", _ALL, rank=0),
)
_MATCHES = (
    Key("next-match", "n", "next_match(1)", "Next", "next match, while text is looked for", ("live", "compare")),
    Key("previous-match", "N", "next_match(-1)", "Prev", "previous match", ("live", "compare"), rank=REST),
)
"""Before the key of a new run, whose letter they take while text is looked for."""
_NEW = (
    Key("new", "n", "app.new_run", "New", "start a new run, or judge files", _NOT_LOGS, rank=1, owner="app"),
    Key("new", "ctrl+n", "app.new_run", "New", "start a new run, or judge files (n: next match)", ("logs",), REST),
)
_POINTED = ("chart", "module map")
_LIVE = (
    Key("demo", "enter", "app.demo", "Demo", "without any run: make and validate a tiny model", _NOT_SEARCH, rank=1),
    Key(
        "view", "v", "cycle_chart", "View", "enlarge the chart in focus or the first, then the next", ("live",), rank=2
    ),
    Key("worst", "enter", "worst", "Worst", "list the sequences with the lowest similarity", ("live",), rank=2),
    Key("alerts", "a", "toggle_alerts", "Alerts", "enlarge the list of problems and notes, and back", ("live",)),
    Key(
        "back", "escape", "back", "Back", "back to the charts, or to the screen that opened this run", ("live",), rank=1
    ),
    Key("measures", "m", "app.measures", "Measures", "all gate results and metrics", ("live", "search"), rank=4),
    Key("previous", "left_square_bracket", "other_run(-1)", "Prev", "previous active run", ("live",), rank=REST),
    Key("next", "right_square_bracket", "other_run(1)", "Next", "next active run", ("live",), rank=REST),
    Key("pause", "space", "app.pause", "Pause", "pause the display (the run continues)", ("live",), rank=REST),
    Key(
        "open", "enter", "open", "Open", "what it means, what to do, and all of the same cause", ("alerts",), rank=REST
    ),
    Key(
        "modules", "M", "modules", "Map", "map of the model: error and headroom by module and block", ("live",), rank=4
    ),
    Key("right", "right", "point(1)", "Point", "name the next sequence, block or module", _POINTED, rank=3),
    Key("left", "left", "point(-1)", "Point", "name the one before", _POINTED, rank=QUIET),
)
_RUNS = (
    Key("open", "enter", "open", "Open", "show the run under the cursor on the Live screen", ("runs table",), rank=2),
    Key("mark", "space", "select", "Pick", "select or deselect the run; c compares two", ("runs table",), rank=2),
    Key("filter", "slash", "filter", "Filter", "filter the list, e.g. verdict:FAIL since:7d", ("runs",), rank=3),
    Key(
        "sort",
        "o",
        "sort_next",
        "Sort",
        "sort by the next column (< ascending, > descending)",
        ("runs table",),
        rank=REST,
    ),
    Key("tree", "v", "tree", "Tree", "tree by model, data, precision and device, or list", ("runs table",), rank=4),
    Key("close", "left", "fold(False)", "Close", "close the group of the tree", ("runs table",), rank=QUIET),
    Key("unfold", "right", "fold(True)", "Open", "open the group of the tree", ("runs table",), rank=QUIET),
    Key("columns", "C", "columns", "Cols", "choose the columns", ("runs",), rank=REST),
    Key(
        "lines",
        "l",
        "lines",
        "Lines",
        "chart of the selected runs: similarity and speed over time",
        ("runs",),
        rank=REST,
    ),
    Key("reverse", "O", "sort_reverse", "Flip", "flip the sort order", ("runs table",), rank=QUIET),
    Key("tag", "t", "tag", "Tag", "edit the tags and the note of the run", ("runs",), rank=REST),
    Key("delete", "D", "delete", "Delete", "delete the run (asks for its number)", ("runs",), rank=QUIET),
    Key("clear", "escape", "clear", "Clear", "clear the filter, then the selection", ("runs",), rank=QUIET),
)
_OF_A_RUN = (
    Key("compare", "c", "compare", "Compare", "compare with the selected run, or with its baseline", _RUN, rank=3),
    Key("baseline", "b", "pin", "Base", "set the run as a baseline, or retire that baseline", _RUN),
    Key("export", "e", "export", "Export", "write a file: md, csv, json, html, junit", (*_RUN, "compare"), rank=4),
    Key("stop", "x", "app.stop_run", "Stop", "stop the run (asks first)", _RUN, rank=3),
    Key("rerun", "r", "app.rerun", "Rerun", "new run with the settings of this one", _RUN, rank=REST),
    Key("fp32", "F", "app.rerun(True)", "FP32", "the same, and recompute the FP32 reference", _RUN, rank=QUIET),
)
_COMPARE = (
    Key("view", "v", "next_view", "View", "next view: table, charts, worst sequences, settings", ("compare",), rank=2),
    Key(
        "back",
        "escape",
        "back",
        "Back",
        "end the search, or back to the screen before",
        ("compare",),
        rank=1,
    ),
    Key("regressions", "R", "only_worse", "Regressions", "show only what got worse, and back", ("compare",)),
    Key("swap", "s", "swap", "Swap", "swap A and B", ("compare",)),
)
_SEARCH = (
    Key(
        "start",
        "s",
        "start",
        "Start",
        "search in the background; it continues without the dashboard",
        ("search",),
        rank=1,
    ),
    Key("accept", "a", "accept", "Accept", "validate the run again with the confirmed plan", ("search",), rank=2),
    Key("evidence", "enter", "evidence", "Why", "evidence of the operation under the cursor", ("search",), rank=3),
    Key("pin", "p", "pin", "Pin", "always keep this operation in the next search, or not", ("search",), rank=3),
    Key("forbid", "f", "forbid", "Forbid", "never keep this operation in the next search, or not", ("search",), rank=3),
)
_LOGS = (
    Key("view", "v", "next_view", "View", "next view: log and events, log only, events only", ("logs",), rank=2),
    Key("find", "slash", "find", "Find", "find text", ("logs",), rank=3),
    Key("next", "n", "next_match(1)", "Next", "next match", ("logs",), rank=REST),
    Key("previous", "N", "next_match(-1)", "Previous", "previous match", ("logs",), rank=REST),
    Key("follow", "f", "follow", "Follow", "follow the newest line, or stop following", ("logs",), rank=4),
    Key("clear", "escape", "clear", "Clear", "clear the search text", ("logs",), rank=REST),
)
_MOVES = tuple(
    Key(name, key, f"app.simulate_key('{moved}')", label, words, (*_ALL, *_MODAL_TEXTS), rank=QUIET)
    for name, key, moved, label, words in (
        ("down", "j", "down", "Down", "one line down, as the arrow"),
        ("up", "k", "up", "Up", "one line up, as the arrow"),
        ("first", "g", "home", "First", "to the first line, as home"),
        ("last", "G", "end", "Last", "to the last line, as end"),
        ("page-down", "ctrl+d", "pagedown", "Page down", "one page down"),
        ("page-up", "ctrl+u", "pageup", "Page up", "one page up"),
    )
)
"""As in less and vim, on every list and text."""
_EVERYWHERE = (
    *_MOVES,
    Key(
        "copy", "y", "app.copy", "Copy", "copy the focused panel, or the screen, to clipboard and file", _ALL, rank=REST
    ),
    Key("zoom", "z", "app.zoom", "Zoom", "show the focused panel full screen, and back", _ALL, rank=REST),
    Key("help", "question_mark", "app.help", "Help", "focused panel, all keys, all numbers", _ALL, rank=0),
    Key("leave", "q", "app.leave", "Leave", "leave the dashboard (asks while a run is active)", _ALL, rank=0),
)
_MODALS = (
    Key("start", "ctrl+s", "start", "Start", "start the run", ("new run",)),
    Key("back", "escape", "cancel", "Back", "close the form without starting a run", ("new run",)),
    Key("choose", "down", "next_choice(1)", "Choose", "next entry of the list below the field", ("path field",)),
    Key("up", "up", "next_choice(-1)", "Up", "previous entry, or back to the field", ("path field",), rank=REST),
    Key("take", "enter", "take", "Take", "take the selected entry; without one, next field", ("path field",)),
    Key("complete", "tab", "complete", "Complete", "complete the path, or go to the next field", ("path field",)),
    Key("complete", "tab", "complete", "Complete", "complete the field or value, as a shell does", ("filter",)),
    Key("close", "escape", "close_list", "Close", "close the list, then the form", ("path field",), rank=REST),
    Key("mark", "space", "select", "Mark", "show the column, or leave it out", ("columns",)),
    Key("confirm", "ctrl+s", "confirm", "Confirm", "do what the form is for, as its first button", ("form",)),
    Key("back", "escape", "cancel", "Back", "close without changes", ("form",)),
    Key("stay", "escape", "choose('stay')", "Stay", "close the question without doing anything", ("question",)),
    Key("leave", "l", "choose('leave')", "Leave", "leave the dashboard; the run continues", ("question",)),
    Key("stop", "s", "choose('stop')", "Stop", "stop the run", ("question",)),
    Key("start", "y", "choose('start')", "Start", "start the run", ("question",)),
    Key("find", "slash", "find", "Find", "find text", _FINDING),
    Key("find", "slash", "find", "Find", "find text in the alerts, or in the table", ("live", "compare"), rank=QUIET),
    Key("next", "n", "next_match(1)", "Next", "next match", _FINDING),
    Key("previous", "N", "next_match(-1)", "Previous", "previous match", _FINDING, rank=REST),
    Key("back", "escape", "back", "Back", "end the search, or close", _FINDING),
    Key("explain", "question_mark", "explain", "Explain", "explain the gate under the cursor", ("measures",)),
    Key("view", "v", "next_view", "View", "next view: similarity, speed, per length", ("lines",), rank=2),
    Key("toggle", "question_mark", "app.pop_screen", "Back", "close", ("gate",), rank=REST),
    Key(
        "back",
        "escape",
        "app.pop_screen",
        "Back",
        "close",
        ("alert", "sequence", "unit", "gate", "lines", "command", "modules"),
    ),
    Key("leave", "q", "app.pop_screen", "Back", "close", _MODAL_TEXTS, rank=REST),
    Key("toggle", "question_mark", "app.pop_screen", "Back", "close the help", ("help",), rank=REST),
    Key("toggle", "m", "app.pop_screen", "Back", "close the measures", ("measures",), rank=REST),
    Key("open", "enter", "open", "Open", "show the sequence under the cursor", ("sequences",), owner="worst"),
    Key("view", "v", "next_view", "View", "next map: error, headroom, subnormal share", ("modules",), rank=2),
    Key("sequence", "s", "sequence", "Sequence", "show the sequence this is about", ("alert",)),
)

TERMINAL_KEYS: Mapping[str, str] = {"ctrl+z": "suspend_process"}
"""Keys of every program of a terminal, which no user moves and no key bar shows; in a browser's tab they do nothing."""

KEYS: tuple[Key, ...] = (
    *_SCREENS,
    *_MATCHES,
    *_NEW,
    *_LIVE,
    *_RUNS,
    *_OF_A_RUN,
    *_COMPARE,
    *_SEARCH,
    *_LOGS,
    *_EVERYWHERE,
    *_MODALS,
)


def keys_of(screen: str, moved: Mapping[str, str] = UNMOVED) -> tuple[Key, ...]:
    """Return the keys of a screen in the order of the key bar; `moved` are the user's own, by id."""
    mine = (key for key in KEYS if screen in key.screens)
    return tuple(replace(key, key=moved.get(key.id_on(screen), key.key)) for key in mine)


BY_ID: Mapping[str, Key] = {key.id_on(screen): key for key in KEYS for screen in key.screens}


def bindings(screen: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """Return the keys of a screen as Textual bindings; the id lets the user's keymap move them."""
    return [
        Binding(
            key.key, key.action, key.label, key.rank < REST, key.shown, tooltip=key.description, id=key.id_on(screen)
        )
        for key in keys_of(screen)
    ]
