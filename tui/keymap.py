"""Every key of the dashboard, once: bindings, footer and help are made from this table.

Only printable keys, enter, escape and space: ctrl+enter, alt and ctrl+b do not survive tmux and SSH.
"""

from dataclasses import dataclass

from textual.binding import Binding

BOARDS = ("live", "runs")


@dataclass(frozen=True, slots=True)
class Key:
    """One key on some screens; `label` is the footer's word, `description` the help's sentence."""

    key: str
    action: str
    label: str
    description: str
    screens: tuple[str, ...]
    footer: bool = True

    @property
    def shown(self) -> str:
        """The key as the footer and the help write it."""
        return {"question_mark": "?", "escape": "esc"}.get(self.key, self.key)


KEYS: tuple[Key, ...] = (
    Key("1", "app.board('live')", "Live", "the chosen run as it goes", BOARDS),
    Key("2", "app.board('runs')", "Runs", "the history of all runs", BOARDS),
    Key("enter", "open", "Open", "show the marked run on the Live screen", ("runs table",)),
    Key("n", "app.new_run", "New", "fill in and start a new run", BOARDS),
    Key("r", "app.rerun", "Rerun", "a new run, filled in like the shown one", ("live",), footer=False),
    Key("x", "app.stop_run", "Stop", "stop the run (asks first)", BOARDS),
    Key("v", "cycle_chart", "View", "next chart: similarity, tokens per second", ("live",)),
    Key("a", "toggle_alerts", "Alerts", "more room for findings and alerts, and back", ("live",)),
    Key("m", "app.measures", "Measures", "every gate, every measure, and what they could not have seen", ("live",)),
    Key("o", "sort_next", "Sort", "sort by the next column, marked with <", ("runs table",)),
    Key("space", "app.pause", "Pause", "hold the picture still; the run goes on", ("live",), footer=False),
    Key("question_mark", "app.help", "Help", "these keys, and what the numbers mean", BOARDS),
    Key("q", "app.leave", "Leave", "leave; asks when a run is active", BOARDS),
    Key("escape", "cancel", "Back", "close the form, nothing is started", ("new run",)),
    Key("escape", "choose('stay')", "Stay", "close the question, nothing happens", ("question",)),
    Key("l", "choose('leave')", "Leave", "leave the dashboard; the run goes on by itself", ("question",)),
    Key("s", "choose('stop')", "Stop", "stop the run", ("question",)),
    Key("escape", "app.pop_screen", "Back", "close the help", ("help",)),
    Key("q", "app.pop_screen", "Back", "close the help", ("help",), footer=False),
    Key("question_mark", "app.pop_screen", "Back", "close the help", ("help",), footer=False),
    Key("escape", "app.pop_screen", "Back", "close the measures", ("measures",)),
    Key("q", "app.pop_screen", "Back", "close the measures", ("measures",), footer=False),
    Key("m", "app.pop_screen", "Back", "close the measures", ("measures",), footer=False),
)


def keys_of(screen: str) -> tuple[Key, ...]:
    """The keys that work on a screen, in the order of the footer."""
    return tuple(key for key in KEYS if screen in key.screens)


def bindings(screen: str) -> list[Binding | tuple[str, str] | tuple[str, str, str]]:
    """The same as Textual wants them; the id lets a user's keymap move a key."""
    return [
        Binding(
            key.key,
            key.action,
            key.label,
            key_display=key.shown,
            show=key.footer,
            tooltip=key.description,
            id=f"{screen.replace(' ', '-')}.{key.label.lower()}",
        )
        for key in keys_of(screen)
    ]
