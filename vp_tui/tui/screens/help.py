"""Help: the panel in focus in words, every number, every key as it is now, and how to move keys."""

from collections.abc import Mapping
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from vp_tui.core import text as fmt
from vp_tui.core.gates.embeddings import M1, M1_P01, M4, M5
from vp_tui.core.gates.goals import P1, P1_GPU
from vp_tui.core.thresholds import Thresholds
from vp_tui.tui.explain import OF_SCREEN, explanation
from vp_tui.tui.keymap import BY_ID, KEYS, PARTS, UNMOVED, bindings, keys_of
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.key_bar import KeyBar

WIDTH = 71
"""Columns inside the frame, beside its scrollbar, when the terminal has 80."""
_TITLES = {
    "runs table": "Runs, in the table",
    "alerts": "Live, in the alerts",
    "path field": "New run, in a field with a path",
    "form": "Forms",
    "question": "Questions",
    "measures": "Measures",
    "alert": "An alert",
    "worst": "The worst sequences",
    "sequence": "A sequence",
}
_NAME = 14


def topic_of(screen: Screen[object], board: str) -> str:
    """What the panel in focus is about; with no panel in focus, what the screen is about."""
    focused = screen.focused
    nodes = focused.ancestors_with_self if focused is not None else ()
    return next((topic for node in nodes if (topic := getattr(node, "topic", None))), OF_SCREEN[board])


def topic_help(topic: str, limits: Thresholds) -> Content:
    """What the number means, what is good, what to do."""
    text = explanation(topic, limits)
    rows = [styled(text.title, "title"), *_words("  ", text.meaning)]
    for name, words in (("good", text.good), ("to do", text.todo)):
        first, *more = fmt.wrap(words, WIDTH - 8)
        rows += [line((f"  {name:<6}", "info"), first), *(Content(" " * 8 + rest) for rest in more)]
    return lines([*rows, Content("")])


def keys_here(board: str, moved: Mapping[str, str] = UNMOVED) -> Content:
    """The keys that work in front: of the screen, of its parts, and of every screen."""
    rows = [row for screen in (board, *_parts(board)) for row in _section(screen, moved, of_all=False)]
    return lines([*rows, *_section(board, moved, of_all=True)])


def keys_elsewhere(board: str, moved: Mapping[str, str] = UNMOVED) -> Content:
    """The keys of all other screens and questions, in the order of the table."""
    here = {board, *_parts(board)}
    others = dict.fromkeys(name for key in KEYS for name in key.screens if name not in here)
    return lines([row for screen in others for row in _section(screen, moved, of_all=False)])


def _parts(board: str) -> tuple[str, ...]:
    return tuple(part for part, screen in PARTS.items() if screen == board)


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


def moving_help(path: Path | None) -> Content:
    """Where a reader's own keys go, and what can be moved."""
    place = str(path) if path is not None else "keys.toml beside the store"
    words = f'One line per key in {place}, read at the start, as in "live.view" = "V". These are the names:'
    rows = [styled("Other keys", "title"), *_words("  ", words), *_words("    ", ", ".join(sorted(BY_ID)))]
    return lines([*rows, Content("")])


def _words(indent: str, text: str) -> list[Content]:
    return [Content(row) for row in fmt.wrap(fmt.safe(text), WIDTH, first=indent, rest=indent)]


def number_help(limits: Thresholds) -> Content:
    """One sentence per number, with the limits in force."""
    rows = [styled("Numbers", "title")]
    for name, words in _numbers(limits):
        first, *more = fmt.wrap(words, WIDTH - _NAME)
        rows.append(line((f"  {name:<{_NAME - 2}}", "info"), first))
        rows += [Content(" " * _NAME + rest) for rest in more]
    rows += [
        Content(""),
        styled("Marks", "title"),
        line(("  !", "fail"), " fails a gate   ", ("~", "warn"), " worth a look   ", ("-", "dim"), " not known"),
        Content(""),
    ]
    return lines(rows)


def _numbers(limits: Thresholds) -> tuple[tuple[str, str], ...]:
    fail, warn = fmt.limit(limits.fail(M1)), fmt.limit(limits.fail(M1_P01))
    return (
        ("PASS so far", f"no sequence at or below {fail}, no NaN, no Inf yet; the verdict comes at the end"),
        ("done", "sequences compared / planned, per stratum (by length: short, medium, long)"),
        (
            "worst cos",
            f"lowest cosine similarity to the reference; {fail} or below fails the run (M1); "
            "digits are cut, not rounded, and 1-4e-08 means 4e-08 below 1",
        ),
        ("p1 cos", f"1% of the sequences lie below this; under {warn} is a warning (M1)"),
        ("mean cos", "mean cosine similarity"),
        (f"<={fail}", "sequences at or below the limit, broken ones included"),
        ("Measures", "the report of the run: every gate, what it measured, and whether it can see damage at all"),
        ("NaN, Inf", "sequences with such a value in any output of the candidate; one fails the run (V1)"),
        ("tok/s", "tokens per second of the candidate, device work only, warm-up and loading apart"),
        ("x FP32", "tok/s of the candidate over tok/s of the reference"),
        (
            "end to end",
            f"the same with reading, packing and copies; both must reach {fmt.limit(limits.fail(P1))}x (P1)",
        ),
        ("rel.L2 p99", f"99th percentile of |y-x|/|x|; above {fmt.error(limits.warn(M4))} warns (M4)"),
        ("norm-1", f"|y|/|x| - 1, the farthest; beyond {fmt.error(limits.warn(M5))} warns (M5)"),
        ("1 - cosine", "the chart: lower is better, each step of the axis is ten times; ! marks NaN or Inf"),
        (
            "util",
            "share of time in which the GPU ran anything: high is needed, and not enough; "
            f"the mean should reach {fmt.limit(limits.fail(P1_GPU))}% (P1)",
        ),
        ("MFU", "share of the GPU's nominal peak that the model's own arithmetic reached while encoding"),
    )


class HelpScreen(ModalScreen[None]):
    """Scrolls; esc, q or ? closes."""

    BINDINGS = bindings("help")

    def __init__(
        self,
        topic: str,
        board: str,
        *,
        limits: Thresholds,
        moved: Mapping[str, str] = UNMOVED,
        path: Path | None = None,
    ) -> None:
        super().__init__()
        self._parts = {
            "topic": topic_help(topic, limits),
            "keys": keys_here(board, moved),
            "numbers": number_help(limits),
            "elsewhere": keys_elsewhere(board, moved),
            "moving": moving_help(path),
        }

    def compose(self) -> ComposeResult:
        """One long text, the nearest first."""
        with VerticalScroll(classes="dialog help"):
            for name, text in self._parts.items():
                yield Static(text, id=name, markup=False)
        yield KeyBar()
