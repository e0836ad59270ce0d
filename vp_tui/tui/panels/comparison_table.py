"""The three tables of a comparison: differences, sequences that lost most, and differing settings.

Imported once there is a comparison: its imports are too slow for the first frame.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.regression.verdicts import ORDER, Item, Outcome
from vp_tui.core.report.comparison import ComparisonReport, Fact
from vp_tui.core.report.evidence import WorstPair
from vp_tui.core.report.page import FAILED, count_words
from vp_tui.tui.panels.comparison import level
from vp_tui.tui.panels.rows import Grid, GridColumn, GridRow

WORSE: Final[frozenset[Outcome]] = FAILED | {"SUSPECT"}
_SHORT: Final = {
    "cosine_error": "median 1-cosine",
    "cosine_passing": "seqs passing",
    "below_limit": "at/below limit",
    "complete": "seqs compared",
}
"""Titles of at most 16 columns, so that the interval fits at 80 columns."""
_JUDGED: Final = (
    GridColumn(title="verdict"),
    GridColumn(title="metric", stretches=True),
    GridColumn(title="scope"),
    GridColumn(title="base", align="right", spare=1, in_detail=True),
    GridColumn(title="cand", align="right"),
    GridColumn(title="change", align="right"),
    GridColumn(title="95% interval", align="right", spare=2, in_detail=True),
    GridColumn(title="limit", align="right", spare=3),
    GridColumn(title="p", align="right", spare=4),
    GridColumn(title="n", align="right", spare=5),
)
_WORST: Final = (
    GridColumn(title="sequence", stretches=True),
    GridColumn(title="stratum"),
    GridColumn(title="tokens", align="right", spare=1, in_detail=True),
    GridColumn(title="base cosine", align="right"),
    GridColumn(title="cand cosine", align="right"),
    GridColumn(title="lost", align="right"),
)
_UNLIKE: Final = (
    GridColumn(title="kind"),
    GridColumn(title="fact", stretches=True),
    GridColumn(title="baseline", stretches=True),
    GridColumn(title="candidate", stretches=True),
)


def differences(report: ComparisonReport, *, only_worse: bool) -> Grid:
    """Metrics that differ, most severe first; all of them when none differs."""
    found = report.items
    differing = [one for one in found if one.differs]
    worse = [one for one in found if one.outcome in WORSE]
    of = f"of {count_words(len(found), 'metric', 'metrics')}"
    if not found:
        shown, title = [], "no results"
    elif only_worse:
        shown, title = worse, f"only what got worse: {len(worse)} {of}" if worse else "nothing got worse"
    elif differing:
        shown, title = differing, f"differences: {len(differing)} {of}"
    else:
        shown, title = list(found), f"no difference in {count_words(len(found), 'metric', 'metrics')}"
    rows = sorted(shown, key=lambda one: ORDER.index(one.outcome))
    without = f"nothing got worse in {count_words(len(found), 'metric', 'metrics')}; R shows the differences"
    return Grid(
        title=title,
        columns=_JUDGED,
        rows=tuple(map(_item, rows)),
        without=without if found else "no results: see the sentence above",
    )


def _item(one: Item) -> GridRow:
    write = fmt.error if one.name == "cosine_error" else fmt.number
    return GridRow(
        cells=(
            one.outcome,
            _SHORT.get(one.name, one.title.replace("tokens/s", "tok/s")),
            one.scope,
            write(one.base),
            write(one.cand),
            fmt.change(one.change, one.unit),
            fmt.interval(one.low, one.high),
            fmt.tolerance(one.limit, one.unit),
            fmt.p_value(one.p),
            f"{one.n_base}v{one.n_cand}" if one.part == "performance" else str(one.n_cand),
        ),
        detail=fmt.safe(one.reason),
        level=level(one.outcome),
    )


def worst(report: ComparisonReport) -> Grid:
    """Return the sequences that lost most similarity; ! marks one at or below the limit."""
    limit = report.limits["cosine"]
    pairs = f"{count_words(report.paired, 'sequence', 'sequences')} on both sides"
    return Grid(
        title=f"largest losses, of {pairs}",
        columns=_WORST,
        rows=tuple(_pair(pair, limit) for pair in report.worst),
        without=f"none of the {pairs} lost similarity" if report.paired else "no sequence is on both sides",
    )


def _pair(pair: WorstPair, limit: float) -> GridRow:
    fails = pair.cand_cosine is None or pair.cand_cosine <= limit
    name = fmt.safe(pair.sequence_id)
    lost = "all" if pair.loss is None else fmt.error(pair.loss)
    now = fmt.cosine(pair.cand_cosine)
    words = f"at or below the limit {fmt.limit(limit)}" if fails else f"above the limit {fmt.limit(limit)}"
    return GridRow(
        cells=(name, pair.stratum, str(pair.num_tokens), fmt.cosine(pair.base_cosine), now, lost),
        detail=f"{name}: " + ("NaN or Inf in the candidate" if pair.cand_cosine is None else words),
        level="fail" if fails else "plain",
    )


def unlike(report: ComparisonReport) -> Grid:
    """Return every differing fact: first those that decide comparability, then other settings."""
    parts: Sequence[tuple[str, Sequence[Fact]]] = (
        ("accuracy", report.accuracy_facts),
        ("performance", report.perf_facts),
        ("setting", report.config),
        ("environment", report.environment),
    )
    rows = tuple(_fact(kind, fact) for kind, found in parts for fact in found if fact.differs)
    equal = sum(len(found) for _, found in parts) - len(rows)
    return Grid(
        title=f"differing settings: {len(rows)}; {equal} equal",
        columns=_UNLIKE,
        rows=rows,
        without=f"no difference: {count_words(equal, 'fact is', 'facts are')} equal",
    )


def _fact(kind: str, fact: Fact) -> GridRow:
    name, base, cand = fmt.safe(fact.name), fmt.fact(fact.base), fmt.fact(fact.cand)
    is_key = kind in {"accuracy", "performance"}
    return GridRow(
        cells=(kind, name, base, cand),
        detail=f"{name}: {base} -> {cand}",
        level="warn" if is_key else "dim",
    )


def notes(report: ComparisonReport) -> Iterable[str]:
    """Return both sentences in full, and the notes."""
    parts = (report.comparison.accuracy.sentence, report.comparison.performance.sentence)
    return (fmt.safe(note) for note in (*parts, *report.comparison.notes, *report.notes))
