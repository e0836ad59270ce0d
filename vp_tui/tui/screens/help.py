"""Help: the focused panel, all numbers, all keys as they are now, and how to move keys."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1, M1_P01, M4, M5
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.report import headings as words
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.explain import OF_SCREEN, explanation
from vp_tui.tui.keymap import BY_ID, KEYS, PARTS, UNMOVED, bindings, keys_of, shown
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.key_bar import KeyBar
from vp_tui.tui.screens.finding import FindingScreen, FindLine
from vp_tui.tui.user_commands import FIELDS, UserCommand

WIDTH = 71
"""Columns inside the frame, without its scrollbar, at 80 columns."""
_TITLES = {
    "runs table": "Runs, in the table",
    "alerts": "Live, in the alerts",
    "filter": "Runs, in the filter",
    "path field": "New run, in a field with a path",
    "form": "Forms",
    "columns": "Forms, in the list of columns",
    "question": "Questions",
    "measures": "Measures",
    "gate": "A gate, in Measures",
    "command": "Output of a command",
    "lines": "Selected runs in one chart",
    "alert": "An alert",
    "worst": "The worst sequences",
    "sequences": "The worst sequences, in the list",
    "sequence": "A sequence",
    "unit": "An operation of the precision map",
    "chart": "Live, in a chart",
    "modules": "The map of the model",
    "module map": "The map of the model, in the map",
}
_NAME = 18


def topic_of(screen: Screen[object], name: str) -> str:
    """Return the topic of the focused panel, else that of the screen."""
    focused = screen.focused
    nodes = focused.ancestors_with_self if focused is not None else ()
    return next((topic for node in nodes if (topic := getattr(node, "topic", None))), OF_SCREEN[name])


def topic_help(topic: str, limits: Thresholds) -> Content:
    """Return meaning, good values, what to do."""
    text = explanation(topic, limits)
    rows = [styled(text.title, "title"), *_words("  ", text.meaning)]
    for name, told in (("good", text.good), ("to do", text.todo)):
        first, *more = fmt.wrap(told, WIDTH - 8)
        rows += [line((f"  {name:<6}", "info"), first), *(Content(" " * 8 + rest) for rest in more)]
    return lines([*rows, Content("")])


def keys_here(screen: str, moved: Mapping[str, str] = UNMOVED) -> Content:
    """Return the keys of the screen, of its parts, and of every screen."""
    rows = [row for place in (screen, *_parts(screen)) for row in _section(place, moved, of_all=False)]
    return lines([*rows, *_section(screen, moved, of_all=True)])


def keys_elsewhere(screen: str, moved: Mapping[str, str] = UNMOVED) -> Content:
    """Return the keys of all other screens and forms, in the order of the table."""
    here = {screen, *_parts(screen)}
    others = dict.fromkeys(name for key in KEYS for name in key.screens if name not in here)
    return lines([row for place in others for row in _section(place, moved, of_all=False)])


def _parts(screen: str) -> tuple[str, ...]:
    return tuple(part for part, owner in PARTS.items() if owner == screen)


def _section(screen: str, moved: Mapping[str, str], *, of_all: bool) -> list[Content]:
    title = "On every screen" if of_all else _TITLES.get(screen, screen.capitalize())
    keys = [key for key in keys_of(screen, moved) if key.id_on(screen).startswith("app.") == of_all]
    if not keys:
        return []
    rows = [styled(title, "title")]
    for key in keys:
        first, *more = fmt.wrap(key.description, WIDTH - 22)
        rows.append(line((f"  {key.shown:<7}", "info"), f"{key.label:<13}", (first, "dim")))
        rows += [line((" " * 22 + rest, "dim")) for rest in more]
    return [*rows, Content("")]


def moving_help(path: Path | None, commands: Sequence[UserCommand] = ()) -> Content:
    """Return where keys.toml is, which ids it takes, and the commands of the user."""
    place = str(path) if path is not None else "keys.toml next to the store"
    words = f'One line per key in {place}, read at start-up, e.g. "live.view" = "V". Names:'
    rows = [styled("Changing keys", "title"), *_words("  ", words), *_words("    ", ", ".join(sorted(BY_ID)))]
    how = (
        '[[command]] with key, name and run puts a command of your shell on a key, e.g. run = "vp-tui show {id} | mail '
        f'-s {{name}} me". It runs in the background; its output and exit code are shown. Fields: {", ".join(FIELDS)}.'
    )
    rows += [Content(""), styled("Your commands", "title"), *_words("  ", how)]
    rows += [line((f"  {shown(one.key):<7}", "info"), fmt.safe(one.name)) for one in commands]
    return lines([*rows, Content("")])


def _words(indent: str, text: str) -> list[Content]:
    return [Content(row) for row in fmt.wrap(fmt.safe(text), WIDTH, first=indent, rest=indent)]


def number_help(limits: Thresholds) -> Content:
    """Return one sentence per number, with the limits in force."""
    rows = [styled("Numbers", "title")]
    for name, told in _numbers(limits):
        first, *more = fmt.wrap(told, WIDTH - _NAME)
        rows.append(line((f"  {name:<{_NAME - 2}}", "info"), first))
        rows += [Content(" " * _NAME + rest) for rest in more]
    rows += [
        Content(""),
        styled("Marks", "title"),
        line(("  !", "fail"), " failed   ", ("~", "warn"), " warning   ", ("-", "dim"), " unknown"),
        Content(""),
    ]
    return lines(rows)


def _numbers(limits: Thresholds) -> tuple[tuple[str, str], ...]:
    fail, warn = fmt.limit(limits.fail(M1)), fmt.limit(limits.fail(M1_P01))
    return (
        ("SAFE SO FAR", f"no sequence at or below {fail}, no NaN, no Inf yet; the verdict is given at the end"),
        (words.COMPARED, "sequences compared / planned, per stratum (by length: short, medium, long)"),
        (
            words.LOWEST_SHORT,
            f"lowest cosine similarity to the reference; {fail} or below fails the run (M1); NaN: a sequence has NaN "
            "or Inf; 1.0000000: less than 5e-8 below 1",
        ),
        (words.MARGIN, f"how many times nearer to 1 than {fail} that is: (1 - {fail}) / (1 - similarity)"),
        (words.FIRST_PERCENTILE_SHORT, f"1st percentile of the similarity; below {warn} is a warning (M1)"),
        (words.MEAN, "mean similarity"),
        (words.BELOW, "sequences at or below the limit, without those with NaN or Inf"),
        ("Measures", "report of the run: all gates, their values, and whether they detect injected corruption"),
        ("NaN, Inf", "sequences with such a value in any candidate output; one fails the run (V1)"),
        (words.TOKENS_SHORT, "tokens per second of the candidate, device time only, without warm-up and loading"),
        (words.SPEEDUP, "tok/s of the candidate over tok/s of the reference; the 95% interval holds within this run"),
        (
            "end to end",
            f"the same including reading, packing and copies; both must reach {fmt.limit(limits.fail(P1))}x (P1)",
        ),
        (
            words.DIFFERENCE,
            f"|y-x|/|x|, of a stratum the 99th percentile; above {fmt.percent(limits.fail(M4))} is a note (M4)",
        ),
        (words.NORM, f"|y|/|x| - 1, largest deviation; beyond {fmt.percent(limits.fail(M5))} is a note (M5)"),
        ("distance from 1", "1 - similarity, lower is better: 0.000012 is a similarity of 0.999988"),
        (
            "util",
            "share of time in which the GPU ran any kernel: necessary, not sufficient; "
            f"the mean should reach {fmt.limit(limits.fail(P1_GPU))}% (P1)",
        ),
        ("MFU", "model FLOPS utilization: share of the GPU's nominal peak used by the model's arithmetic"),
    )


class HelpScreen(FindingScreen):
    """Text with its own scrolling; esc, q or ? closes it."""

    BINDINGS = bindings("help")

    def __init__(
        self,
        topic: str,
        screen: str,
        *,
        limits: Thresholds,
        moved: Mapping[str, str] = UNMOVED,
        commands: Sequence[UserCommand] = (),
        path: Path | None = None,
    ) -> None:
        super().__init__()
        self._parts = {
            "topic": topic_help(topic, limits),
            "keys": keys_here(screen, moved),
            "numbers": number_help(limits),
            "elsewhere": keys_elsewhere(screen, moved),
            "moving": moving_help(path, commands),
        }

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog help"):
            with VerticalScroll(id="help-text"):
                for name, text in self._parts.items():
                    yield Static(text, id=name, markup=False)
            yield FindLine()
        yield KeyBar()

    @property
    def list(self) -> VerticalScroll:
        return self.query_one("#help-text", VerticalScroll)

    def texts(self) -> Sequence[str]:
        return [row for text in self._parts.values() for row in text.plain.split("\n")]

    def show_match(self, row: int) -> None:
        self.list.scroll_to(y=row, animate=False, immediate=True)
