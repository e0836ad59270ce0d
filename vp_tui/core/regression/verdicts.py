"""The nine outcomes with their order and exit codes, and the frozen record of a comparison."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from vp_tui.core.errors import ExitCode
from vp_tui.core.regression.rules import Rule

Outcome = Literal[
    "FAIL",
    "INCOMPLETE",
    "NOT_COMPARABLE",
    "REGRESSED",
    "SUSPECT",
    "INCONCLUSIVE",
    "IMPROVED",
    "EQUIVALENT",
    "IDENTICAL",
]
"""The gravest first. INCONCLUSIVE is not EQUIVALENT: the one says too little is known, the other that enough is."""

ORDER: tuple[Outcome, ...] = get_args(Outcome)

_EXIT_CODES: dict[Outcome, ExitCode] = {
    "FAIL": ExitCode.VALIDATION_FAILED,
    "INCOMPLETE": ExitCode.RUN_FAILED,
    "NOT_COMPARABLE": ExitCode.NOT_COMPARABLE,
    "REGRESSED": ExitCode.REGRESSED,
}
_STRICT: frozenset[Outcome] = frozenset({"SUSPECT", "INCONCLUSIVE"})


def exit_code(outcome: Outcome, *, strict: bool = False) -> ExitCode:
    """What the process ends with; SUSPECT and INCONCLUSIVE count only under `strict`."""
    if strict and outcome in _STRICT:
        return ExitCode.INCONCLUSIVE
    return _EXIT_CODES.get(outcome, ExitCode.GOOD)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The gravest of one outcome or more."""
    return min(outcomes, key=ORDER.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One judgement. A number that does not exist is None, never NaN."""

    name: str
    """A performance metric, `cosine_error` or `cosine_passing`; of a gate `nonfinite`, `below_limit`, `complete`."""
    scope: str
    base: float | None
    """Median of the baseline's runs; of `cosine_error` the median 1 - cosine; otherwise a count of sequences."""
    cand: float | None
    n_base: int
    """Runs (performance) or sequences (accuracy) behind `base`."""
    n_cand: int
    effect: float | None = None
    """Worse is positive, a fraction: 0.05 is 5 % more time, memory or error, 5 points less utilization."""
    ci_lo: float | None = None
    ci_hi: float | None = None
    p_raw: float | None = None
    """One-sided, in the direction of the effect."""
    p_adj: float | None = None
    """Under Holm where there is a family; else p_raw."""
    min_effect: float | None = None
    """tau: the effect from which on it counts."""
    repeats: int | None = None
    """Fresh runs per side that would tell, where too few did."""
    outcome: Outcome
    reason: str
    """The judgement in words with its numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Accuracy or performance, judged on its own."""

    outcome: Outcome
    sentence: str
    items: tuple[Item, ...] = ()
    differing: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fact -> (baseline, candidate), where the keys differ."""
    notes: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        return self.outcome != "NOT_COMPARABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Candidate against baseline."""

    outcome: Outcome
    sentence: str
    gates: tuple[Item, ...]
    """Hard gates the candidate fails on its own; empty when it passes."""
    accuracy: Part
    performance: Part
    notes: tuple[str, ...]
    rule: Rule

    @property
    def items(self) -> tuple[Item, ...]:
        """All judgements: gates, accuracy, performance."""
        return self.gates + self.accuracy.items + self.performance.items

    def exit_code(self, *, strict: bool = False) -> ExitCode:
        return exit_code(self.outcome, strict=strict)
