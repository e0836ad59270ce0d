"""Help: the key table of the screen it was asked on, and what the numbers mean."""

from textwrap import wrap

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Footer, Static

from vp_tui.core.thresholds import Thresholds
from vp_tui.tui import format as fmt
from vp_tui.tui.keymap import bindings, keys_of
from vp_tui.tui.marks import line, lines, styled

WORDS_WIDTH = 58
"""Columns beside the name of a number when the terminal has 80."""
SECTIONS = (
    ("Live", "live"),
    ("Runs", "runs"),
    ("Runs, in the table", "runs table"),
    ("New run", "new run"),
    ("Questions", "question"),
)


def key_help() -> Content:
    """Every key of every screen, from the one table."""
    rows: list[Content] = []
    for title, screen in SECTIONS:
        rows.append(styled(title, "title"))
        rows += [
            line((f"  {key.shown:<7}", "info"), f"{key.label:<8}", (key.description, "dim")) for key in keys_of(screen)
        ]
        rows.append(Content(""))
    return lines(rows)


def number_help() -> Content:
    """One sentence per number, with the limits as they stand in the configuration."""
    limits = Thresholds()
    rows = [styled("Numbers", "title")]
    for name, words in _numbers(limits):
        first, *more = wrap(words, WORDS_WIDTH)
        rows.append(line((f"  {name:<12}", "info"), first))
        rows += [Content(" " * 14 + rest) for rest in more]
    rows += [
        Content(""),
        styled("Marks", "title"),
        line(("  !", "fail"), " fails a gate   ", ("~", "warn"), " worth a look   ", ("-", "dim"), " not known"),
    ]
    return lines(rows)


def _numbers(limits: Thresholds) -> tuple[tuple[str, str], ...]:
    fail, warn = fmt.limit(limits.cosine_fail), fmt.limit(limits.cosine_p01_warn)
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
        ("m", "the Measures report: every gate, what it measured, and whether it can see damage at all"),
        ("NaN, Inf", "sequences with such a value in any output of the candidate; one fails the run (V1)"),
        ("tok/s", "tokens per second of the candidate, device work only, warm-up and loading apart"),
        ("x FP32", "tok/s of the candidate over tok/s of the reference"),
        ("end to end", f"the same with reading, packing and copies; both must reach {fmt.limit(limits.speedup)}x (P1)"),
        ("rel.L2 p99", f"99th percentile of |y-x|/|x|; above {fmt.small(limits.relative_l2_p99_warn)} warns (M4)"),
        ("norm-1", f"|y|/|x| - 1, the farthest; beyond {fmt.small(limits.norm_ratio_warn)} warns (M5)"),
        ("1 - cosine", "the chart: lower is better, each step of the axis is ten times; ! marks NaN or Inf"),
        (
            "util",
            "share of time in which the GPU ran anything: high is needed, and not enough; "
            f"the mean should reach {fmt.percent(limits.gpu_utilization)} (P1)",
        ),
    )


class HelpScreen(ModalScreen[None]):
    """Scrolls; esc, q or ? closes."""

    BINDINGS = bindings("help")

    def compose(self) -> ComposeResult:
        """One long text."""
        with VerticalScroll(classes="dialog help"):
            yield Static(key_help(), id="keys", markup=False)
            yield Static(number_help(), id="numbers", markup=False)
        yield Footer(show_command_palette=False)
