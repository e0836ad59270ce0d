"""The three lines above everything else about a run: who, is it safe, is it fast.

Written once, for the Live screen, `show`, the end of `run` and the head of the reports. Stored text passes through
`safe`; the lines are not wrapped.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from vp_tui.core import text as fmt
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.model import I2
from vp_tui.core.measurements import from_document
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.verdict.causes import Group, notes, problems
from vp_tui.core.verdict.certainty import MIN_FILE, bound_of, failures_in_words
from vp_tui.core.verdict.judge import UNPROVED
from vp_tui.core.verdict.margin import margin
from vp_tui.core.verdict.naming import precision_name

Tone = Literal["good", "warn", "fail", "plain", "dim"]
"""fail: do not use this precision here; warn: usable, but read on. Nothing else has these two."""

_ALIKE: Final = 0.05
"""Below this change a speed is neither faster nor slower."""
_TONES: Final[Mapping[str, Tone]] = {"PASS": "good", "WARN": "warn", "FAIL": "fail", "INVALID": "fail"}
_SPEEDS: Final[Mapping[str, Tone]] = {"PASS": "good", "MISS": "warn"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A word that answers, and the clauses that prove it, the most important first."""

    word: str
    parts: tuple[str, ...]
    tone: Tone = "plain"
    joint: str = "; "

    @property
    def gap(self) -> str:
        """Return what stands between word and clauses."""
        return " " if self.word.startswith("#") else "  "

    @property
    def text(self) -> str:
        """Return all clauses."""
        return self.joint.join(self.parts)

    def fitting(self, width: int) -> str:
        """Return the clauses that have room in `width` columns, at least the first."""
        room = width - fmt.columns(self.word) - 2
        for count in range(len(self.parts), 1, -1):
            told = self.joint.join(self.parts[:count])
            if fmt.columns(told) <= room:
                return told
        return self.parts[0] if self.parts else ""


def headline(snapshot: RunSnapshot) -> tuple[Line, Line, Line]:
    """Return who, safe, fast: of an active run what is known so far."""
    return _who(snapshot), _safe(snapshot), _fast(snapshot)


def lines_of(snapshot: RunSnapshot, width: int) -> list[str]:
    """Return the three as text of at most `width` columns; continued lines are indented."""
    return [
        piece
        for line in headline(snapshot)
        for piece in fmt.wrap(line.text, width, first=f"{line.word}{line.gap}", rest="  ")
    ]


def model_name(run: RunRow) -> str:
    """Return the model as a reader knows it: of a path the last part."""
    return safe(run.model).rstrip("/").rpartition("/")[2]


def _who(snapshot: RunSnapshot) -> Line:
    run = snapshot.run
    precisions = safe(f"{precision_name(run.precision)} against {precision_name(run.reference)}")
    judged = snapshot.config.get("judged")
    if judged:
        about = [f"{safe(judged['candidate'])} against {safe(judged['reference'])}", precisions]
    else:
        about = [model_name(run), precisions, safe(run.device or ""), _data(snapshot)]
    parts = (safe(run.name) if run.name else "", *about)
    return Line(word=f"#{run.id}", parts=tuple(part for part in parts if part), joint=", ")


def _data(snapshot: RunSnapshot) -> str:
    facts = snapshot.dataset
    name = safe(facts.get("name") or snapshot.run.input.rpartition("/")[2])
    whole, used = facts.get("n_file"), facts.get("n")
    if not whole or not used:
        return name
    return f"{name} ({fmt.exact(used)} of {fmt.exact(whole)})" if used < whole else f"{name} ({fmt.exact(used)})"


def _safe(snapshot: RunSnapshot) -> Line:
    run, everything = snapshot.run, overall(snapshot)
    if run.verdict is not None:
        return Line(word=verdict_word(snapshot), parts=_proof(snapshot, everything), tone=_TONES[run.verdict])
    why = (safe(run.status_reason),) if run.status_reason and not run.is_active else ()
    if everything is None:
        word = "NO RESULT YET" if run.is_active else run.status.upper()
        return Line(word=word, parts=why or ("no sequence is compared",), tone="dim" if run.is_active else "plain")
    counts = f"{_compared(everything, snapshot)}: {_counts(everything, snapshot)}"
    if everything.bad:
        return Line(word="NOT SAFE", parts=(counts, *_place(snapshot), *why), tone="fail")
    lowest = _lowest(everything, snapshot)
    if run.is_active:
        return Line(word="SAFE SO FAR", parts=(counts, *lowest), tone="good")
    # however good the first sequences were
    return Line(word=run.status.upper(), parts=(*why, f"no verdict on {counts}", *lowest))


def overall(snapshot: RunSnapshot) -> StratumStats | None:
    """Return the statistics of all compared sequences; None before the first."""
    return next((stats for stats in snapshot.strata if stats.scope == "all" and stats.n), None)


def verdict_word(snapshot: RunSnapshot) -> str:
    """Return PASS, or `PASS, 2 notes`, and so on; of a run with a verdict."""
    told = len(notes(snapshot.findings))
    return f"{snapshot.run.verdict}, {fmt.plural(told, 'note')}" if told else str(snapshot.run.verdict)


def _compared(stats: StratumStats, snapshot: RunSnapshot) -> str:
    of = f" of {fmt.exact(stats.planned)}" if stats.n < stats.planned else ""
    return f"{fmt.exact(stats.n)}{of} {kind_of(snapshot)}"


def kind_of(snapshot: RunSnapshot) -> str:
    """Return what the sequences are: proteins, where that is known."""
    return "proteins" if snapshot.dataset.get("alphabet") == "protein" else "sequences"


def _counts(stats: StratumStats, snapshot: RunSnapshot) -> str:
    limit = fmt.limit(snapshot.limits.fail(M1))
    inf = f"{fmt.exact(stats.inf)} Inf, " if stats.inf else ""
    return f"{fmt.exact(stats.nan)} NaN, {inf}{fmt.exact(stats.low)} below {limit}"


def _lowest(stats: StratumStats, snapshot: RunSnapshot) -> tuple[str, ...]:
    times = margin(stats.cosine_min, snapshot.limits.fail(M1))
    return (f"lowest similarity {fmt.similarity(stats.cosine_min)}, margin {times}",)


def with_run(text: str, run: RunRow) -> str:
    """Return the text with the id of the run in the commands that it advises."""
    return re.sub(r"(?<=vp-tui )(\w+) RUN\b", rf"\1 {run.id}", text)


def problems_of(snapshot: RunSnapshot) -> tuple[Group, ...]:
    """Return what warns or fails, one group per cause."""
    stats = overall(snapshot)
    return problems(snapshot.findings, None if stats is None else stats.low)


def _place(snapshot: RunSnapshot) -> tuple[str, ...]:
    """Return the first module that an alert names."""
    module = next((alert.layer for alert in snapshot.alerts if alert.layer), None)
    return (f"first in {safe(module)}",) if module else ()


def _proof(snapshot: RunSnapshot, everything: StratumStats | None) -> tuple[str, ...]:
    run, found = snapshot.run, problems_of(snapshot)
    is_labels = (snapshot.config.get("judged") or {}).get("kind") == "predictions"
    if is_labels or everything is None or everything.cosine_min is None or run.verdict in {"FAIL", "INVALID"}:
        return (with_run(safe(run.sentence or ""), run),)
    count, sure = f"all {_compared(everything, snapshot)}", _sure(snapshot, everything)
    lowest = _lowest(everything, snapshot)
    if run.verdict == "PASS":
        unproved = (UNPROVED,) if UNPROVED in str(run.sentence) else ()
        return (f"{count} practically as in {precision_name(run.reference)}, no NaN", *lowest, *sure, *unproved)
    lead = safe(found[0].lead.text) if found else safe(run.sentence or "")
    more = f" (and {fmt.plural(len(found) - 1, 'more problem')})" if len(found) > 1 else ""
    return (f"{lead}{more}", f"{count}: {lowest[0]}", *sure)


def _sure(snapshot: RunSnapshot, everything: StratumStats) -> tuple[str, ...]:
    """Return how much of the file could still fail, with 95 % certainty."""
    bound = bound_of(from_document(snapshot.measures))
    if bound is None:
        return ()
    if bound == 0:
        is_part = any(one.gate == I2.id for one in snapshot.findings)
        return () if is_part else ("the whole file was compared",)
    few = f"only {fmt.exact(everything.n)} {kind_of(snapshot)}: " if bound >= MIN_FILE else ""
    return (f"{few}{failures_in_words(bound)} of the file could still fail",)


def _fast(snapshot: RunSnapshot) -> Line:
    run, everything = snapshot.run, overall(snapshot)
    judged = snapshot.config.get("judged")
    if judged:
        what = "labels" if judged.get("kind") == "predictions" else "embeddings of other programs"
        return Line(word="NO SPEED", parts=(f"{what} carry no times",), tone="dim")
    ratio = run.speedup if run.speedup is not None else everything.speedup if everything is not None else None
    if ratio is None:
        word = "NO SPEED YET" if run.is_active else "NO SPEED"
        return Line(word=word, parts=("no block is timed in both precisions",), tone="dim")
    rates = f"{fmt.ratio(ratio)}{_rates(snapshot, everything)}"
    if run.device == "cpu":
        told = "a CPU says nothing about a GPU: measure on yours"
        return Line(
            word="SPEED NOT JUDGED", parts=(f"{fmt.ratio(ratio)} here", told, rates.partition(" (")[2].rstrip(")"))
        )
    word = "AS FAST" if abs(ratio - 1) < _ALIKE else "FASTER" if ratio > 1 else "SLOWER"
    end_to_end = run.end_to_end_speedup
    parts = (rates, *_missed(snapshot.speedup), *([f"end to end {fmt.ratio(end_to_end)}"] if end_to_end else ()))
    return Line(word=word, parts=parts, tone=_SPEEDS.get(str(snapshot.speedup.get("verdict")), "plain"))


def _rates(snapshot: RunSnapshot, everything: StratumStats | None) -> str:
    arms = snapshot.arms
    candidate = arms.get("candidate", {}).get("tokens_per_s", getattr(everything, "candidate_tokens_per_s", None))
    reference = arms.get("reference", {}).get("tokens_per_s", getattr(everything, "reference_tokens_per_s", None))
    if candidate is None or reference is None:
        return ""
    return f" ({fmt.number(candidate)} against {fmt.number(reference)} tokens/s)"


def _missed(speedup: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the goals that were missed, or why the speed was not judged."""
    reason = safe(speedup.get("reason") or "").removeprefix("speed: ")
    if speedup.get("verdict") == "MISS":
        return (reason.partition("; ")[2],)
    return (reason,) if speedup.get("verdict") == "NOT JUDGED" and reason else ()
