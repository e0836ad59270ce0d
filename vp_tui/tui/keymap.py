"""Every key of the dashboard, once: bindings, footer, help and palette are made from this table.

Only printable keys, enter, escape and space: ctrl+enter, alt and ctrl+b do not survive tmux and SSH.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from textual.binding import Binding
from textual.keys import key_to_character

BOARDS = ("live", "runs", "compare", "search", "logs")
PARTS = {"runs table": "runs", "alerts": "live", "path field": "new run"}
"""What has keys of its own while it has the focus, and the screen it is a part of."""
UNMOVED: Mapping[str, str] = MappingProxyType({})
_RUN = ("live", "runs")


@dataclass(frozen=True, slots=True)
class Key:
    """One key on some screens; `label` is the footer's word, `description` the help's sentence."""

    key: str
    action: str
    label: str
    description: str
    screens: tuple[str, ...]
    footer: bool = True
    """False: the key bar shows it only where all the others have room."""
    rank: int = 5
    """Without room the key bar gives up the highest first; 0 always stays."""

    @property
    def shown(self) -> str:
        """The key as the key bar and the help write it."""
        return shown(self.key)

    def id_on(self, screen: str) -> str:
        """The name by which keys.toml moves the key; what works on every screen has one name for all of them."""
        owner = "app" if set(BOARDS) <= set(self.screens) else screen.replace(" ", "-")
        return f"{owner}.{self.label.lower()}"


_SHOWN = {
    "space": "space", "enter": "enter",
    "question_mark": "?", "escape": "esc", "slash": "/", "left_square_bracket": "[", "right_square_bracket": "]",
    "full_stop": ".", "comma": ",",
}  # fmt: skip


def shown(key: str) -> str:
    """A key as a reader knows it: ? for question_mark, ^r for ctrl+r."""
    character = key_to_character(key)
    if key in _SHOWN or character is None or not character.isprintable():
        return _SHOWN.get(key, key.replace("ctrl+", "^"))
    return character


_SCREENS = (
    Key("1", "app.board('live')", "Live", "the chosen run as it goes", BOARDS, rank=0),
    Key("2", "app.board('runs')", "Runs", "the history of all runs", BOARDS, rank=0),
    Key("3", "app.board('compare')", "Compare", "two runs, or a run and its baseline, side by side", BOARDS, rank=0),
    Key("4", "app.board('search')", "Search", "which operations must stay in FP32", BOARDS, rank=0),
    Key("5", "app.board('logs')", "Logs", "what the run wrote, and what happened to it", BOARDS, rank=0),
    Key("n", "app.new_run", "New", "fill in and start a new run", BOARDS, rank=1),
)
_LIVE = (
    Key("v", "cycle_chart", "View", "next chart: similarity, histogram, tokens per second, GPU", ("live",), rank=2),
    Key("enter", "worst", "Worst", "the sequences with the lowest cosine, one by one", ("live",), rank=2),
    Key("a", "toggle_alerts", "Alerts", "more room for findings and alerts, and back", ("live",)),
    Key(
        "m",
        "app.measures",
        "Measures",
        "every gate, every measure, and what they could not have seen",
        ("live", "search"),
        rank=4,
    ),
    Key("left_square_bracket", "other_run(-1)", "Previous", "the active run before this one", ("live",), footer=False),
    Key("right_square_bracket", "other_run(1)", "Next", "the active run after this one", ("live",), footer=False),
    Key("space", "app.pause", "Pause", "hold the picture still; the run goes on", ("live",), footer=False),
    Key("enter", "open", "Open", "sequence, layer and pack of the chosen alert", ("alerts",), footer=False),
)
_RUNS = (
    Key("enter", "open", "Open", "show the run under the cursor on the Live screen", ("runs table",), rank=2),
    Key(
        "space",
        "mark",
        "Mark",
        "mark the run, or take the mark away; c compares two marked ones",
        ("runs table",),
        rank=2,
    ),
    Key("slash", "filter", "Filter", "show only runs that match, as in verdict:FAIL since:7d", ("runs",), rank=3),
    Key(
        "o", "sort_next", "Sort", "sort by the next column: < smallest, > largest first", ("runs table",), footer=False
    ),
    Key("O", "sort_reverse", "Reverse", "the same column, the other way round", ("runs table",), footer=False),
    Key("t", "tag", "Tag", "tags and a note on the run", ("runs",), footer=False),
    Key("D", "delete", "Delete", "delete the run (its number must be typed)", ("runs",), footer=False),
    Key("escape", "clear", "Clear", "take away the filter, then the marks", ("runs",), footer=False),
)
_OF_A_RUN = (
    Key("c", "compare", "Compare", "with the other marked run, else with the baseline that fits", _RUN, rank=3),
    Key("b", "pin", "Baseline", "pin the run as a baseline, with a reason, or give that up", _RUN),
    Key("e", "export", "Export", "write a file: md, csv, json, html, junit", (*_RUN, "compare"), rank=4),
    Key("x", "app.stop_run", "Stop", "stop the run (asks first)", _RUN, rank=3),
    Key("r", "app.rerun", "Rerun", "a new run, filled in like this one", _RUN, footer=False),
    Key("F", "app.rerun(True)", "FP32", "the same, with the FP32 reference encoded anew", _RUN, footer=False),
)
_COMPARE = (
    Key("v", "next_view", "View", "table, charts, worst sequences, configuration", ("compare",), rank=2),
    Key("R", "only_worse", "Regressions", "only what got worse, and back", ("compare",)),
    Key("s", "swap", "Swap", "candidate and baseline change places", ("compare",)),
)
_LOGS = (
    Key("v", "next_view", "View", "log and events by time, the log alone, events alone", ("logs",), rank=2),
    Key("slash", "find", "Find", "look for words", ("logs",), rank=3),
    Key("full_stop", "next_match(1)", "Next", "the next line with the words", ("logs",), footer=False),
    Key("comma", "next_match(-1)", "Previous", "the line before with the words", ("logs",), footer=False),
    Key("f", "follow", "Follow", "stay at the newest line, or stay here", ("logs",), rank=4),
    Key("escape", "clear", "Clear", "take away the words looked for", ("logs",), footer=False),
)
_EVERYWHERE = (
    Key(
        "y", "app.copy", "Copy", "copy the panel in focus, else the screen, to clipboard and file", BOARDS, footer=False
    ),
    Key("z", "app.zoom", "Zoom", "the panel in focus over the whole screen, and back", BOARDS, footer=False),
    Key("question_mark", "app.help", "Help", "what the panel in focus means, all keys, all numbers", BOARDS, rank=0),
    Key("q", "app.leave", "Leave", "leave; asks when a run is active", BOARDS, rank=0),
)
_MODALS = (
    Key("escape", "cancel", "Back", "close the form, nothing is started", ("new run",)),
    Key("down", "next_choice(1)", "Choose", "into the list under the field, and down in it", ("path field",)),
    Key("up", "next_choice(-1)", "Up", "up in the list, and out of it", ("path field",), footer=False),
    Key("enter", "take", "Take", "the line of the list; with none chosen, start the run", ("path field",)),
    Key("tab", "complete", "Complete", "as far as the list agrees, then the next field", ("path field",)),
    Key("escape", "close_list", "Close", "the list first, then the form", ("path field",), footer=False),
    Key("escape", "cancel", "Back", "close, nothing is done", ("form",)),
    Key("escape", "choose('stay')", "Stay", "close the question, nothing happens", ("question",)),
    Key("l", "choose('leave')", "Leave", "leave the dashboard; the run goes on by itself", ("question",)),
    Key("s", "choose('stop')", "Stop", "stop the run", ("question",)),
    Key("escape", "app.pop_screen", "Back", "close", ("help", "measures", "alert", "worst", "sequence")),
    Key("q", "app.pop_screen", "Back", "close", ("help", "measures", "alert", "worst", "sequence"), footer=False),
    Key("question_mark", "app.pop_screen", "Back", "close the help", ("help",), footer=False),
    Key("m", "app.pop_screen", "Back", "close the measures", ("measures",), footer=False),
    Key("enter", "open", "Open", "everything about the sequence under the cursor", ("worst",)),
    Key("s", "sequence", "Sequence", "the sequence the alert is about", ("alert",)),
)

KEYS: tuple[Key, ...] = (*_SCREENS, *_LIVE, *_RUNS, *_OF_A_RUN, *_COMPARE, *_LOGS, *_EVERYWHERE, *_MODALS)


def keys_of(screen: str, moved: Mapping[str, str] = UNMOVED) -> tuple[Key, ...]:
    """The keys that work on a screen, in the order of the key bar; `moved` are a reader's own, by id."""
    mine = (key for key in KEYS if screen in key.screens)
    return tuple(replace(key, key=moved.get(key.id_on(screen), key.key)) for key in mine)


BY_ID: Mapping[str, Key] = {key.id_on(screen): key for key in KEYS for screen in key.screens}


def bindings(screen: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The same as Textual wants them; the id lets a reader's keymap move a key."""
    return [
        Binding(
            key.key,
            key.action,
            key.label,
            key_display=key.shown,
            show=key.footer,
            tooltip=key.description,
            id=key.id_on(screen),
        )
        for key in keys_of(screen)
    ]
