"""Slow drift: every few runs against one pinned baseline, so that a small loss per release adds up where it is seen.

Against the previous release 1 % more never passes a limit of 5 %; against the pinned one it does at the fifth or sixth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vp_tui.core.regression import words
from vp_tui.core.regression.calibration import usable
from vp_tui.core.regression.compare import DEFAULT_RULE
from vp_tui.core.regression.performance import judge_performance
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import RunSample, Side
from vp_tui.core.regression.verdicts import Item, Outcome

_NO_NOISE: Mapping[str, float] = {}
_CAUGHT: frozenset[Outcome] = frozenset({"REGRESSED", "SUSPECT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftStep:
    """One block of runs against the pinned baseline, on its primary metric."""

    runs: tuple[str, ...]
    """uuids, oldest first."""
    item: Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """A history beside its pinned baseline."""

    outcome: Outcome
    """Of the newest block."""
    sentence: str
    steps: tuple[DriftStep, ...]
    caught_at: int | None
    """The first step of the unbroken REGRESSED or SUSPECT end of the history; None while the newest is neither."""
    notes: tuple[str, ...]


def drift(
    history: Sequence[RunSample],
    pinned: Side,
    *,
    rule: Rule = DEFAULT_RULE,
    calibration: Mapping[str, float] | None = None,
) -> Drift:
    """Judge `history` (oldest first) in blocks of rule.min_runs fresh runs; no run is in two blocks.

    What is left over at the new end is a block of fewer runs, which can at most be SUSPECT. Runs of another perf_key,
    runs of the baseline itself and runs without valid times are left out with a note.
    """
    members = {run.uuid for run in pinned.runs}
    kept, invalid = usable(
        [run for run in history if run.perf_key == pinned.perf_key is not None and run.uuid not in members]
    )
    others = sum(run.perf_key != pinned.perf_key for run in history)
    notes = (*invalid, *((f"{words.runs(others)} of another perf_key left out",) if others else ()))
    blocks = [kept[start : start + rule.min_runs] for start in range(0, len(kept), rule.min_runs)]
    steps = []
    for block in blocks:
        part = judge_performance(pinned, Side(runs=block), rule=rule, calibration=calibration or _NO_NOISE)
        if part.items:
            steps.append(DriftStep(runs=tuple(run.uuid for run in block), item=part.items[0]))
    outcome: Outcome = steps[-1].item.outcome if steps else "INCONCLUSIVE"
    caught_at = _since(steps)
    return Drift(
        outcome=outcome,
        sentence=_sentence(steps, caught_at),
        steps=tuple(steps),
        caught_at=caught_at,
        notes=notes,
    )


def _since(steps: Sequence[DriftStep]) -> int | None:
    since = None
    for index in range(len(steps) - 1, -1, -1):
        if steps[index].item.outcome not in _CAUGHT:
            break
        since = index
    return since


def _sentence(steps: Sequence[DriftStep], caught_at: int | None) -> str:
    if not steps:
        return "no runs to hold against the pinned baseline"
    newest = f"against the pinned baseline {steps[-1].item.reason}"
    if caught_at is None:
        return newest
    return f"{newest}; so since block {caught_at + 1} of {len(steps)}"
