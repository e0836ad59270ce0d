"""Outcomes with order and exit codes, and the record of a comparison."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from vp_tui.core.errors import ExitCode
from vp_tui.core.regression.metrics import METRICS
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
"""Most severe first. INCONCLUSIVE means too little data; EQUIVALENT means enough data and no relevant difference."""

ORDER: tuple[Outcome, ...] = get_args(Outcome)

_EXIT_CODES: dict[Outcome, ExitCode] = {
    "FAIL": ExitCode.VALIDATION_FAILED,
    "INCOMPLETE": ExitCode.RUN_FAILED,
    "NOT_COMPARABLE": ExitCode.NOT_COMPARABLE,
    "REGRESSED": ExitCode.REGRESSED,
}
_STRICT: frozenset[Outcome] = frozenset({"SUSPECT", "INCONCLUSIVE"})


def exit_code(outcome: Outcome, *, strict: bool = False) -> ExitCode:
    """Return the exit code; SUSPECT and INCONCLUSIVE count only under `strict`."""
    if strict and outcome in _STRICT:
        return ExitCode.INCONCLUSIVE
    return _EXIT_CODES.get(outcome, ExitCode.GOOD)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """Return the most severe of one or more outcomes."""
    return min(outcomes, key=ORDER.index)


PartName = Literal["gates", "accuracy", "performance"]
Verdict = Literal["accuracy", "performance"]
_GATE_TITLES: Final = {
    "nonfinite": "not finite",
    "below_limit": "at or below limit",
    "complete": "sequences compared",
}
_ACCURACY_TITLES: Final = {
    "cosine_error": "distance from 1",
    "cosine_min": "similarity, lowest",
    "relative_l2": "difference, median",
    "scale": "length ratio, median",
    "cosine_passing": "sequences passing",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Result of one metric in one scope. A number that does not exist is None, never NaN."""

    name: str
    """A performance metric; `cosine_error`, `relative_l2`, `scale`, `cosine_passing`, `cosine_min` (unjudged); of gates
    `nonfinite`, `below_limit`, `complete`."""
    scope: str
    base: float | None
    """Median of the baseline's runs; of `cosine_error`, `relative_l2` and `scale` the median of the sequences;
    otherwise a count of sequences."""
    cand: float | None
    n_base: int
    """Runs (performance) or sequences (accuracy) behind `base`."""
    n_cand: int
    change: float | None = None
    """Difference of the metric itself: 0.05 is 5 % (or 5 points) more, better or worse as the metric has it."""
    controlled: float | None = None
    """The same change relative to the reference arm of the same runs; None where it is no control."""
    low: float | None = None
    """Lower end of its 95 % interval."""
    high: float | None = None
    p: float | None = None
    """One-sided, in the direction of the change; under Holm where there is a family."""
    p_raw: float | None = None
    """The same before Holm's adjustment."""
    limit: float | None = None
    """tau: the difference from which on a change counts, either way."""
    repeats: int | None = None
    """Fresh runs per side for a verdict, when there are too few."""
    outcome: Outcome
    reason: str
    """The result in words with its numbers."""

    @property
    def part(self) -> PartName:
        """Return the part of the comparison that the item belongs to."""
        if self.name in _GATE_TITLES:
            return "gates"
        return "accuracy" if self.name in _ACCURACY_TITLES else "performance"

    @property
    def title(self) -> str:
        """Return the metric in words."""
        titles = {**_GATE_TITLES, **_ACCURACY_TITLES}
        return titles[self.name] if self.name in titles else METRICS[self.name].title

    @property
    def unit(self) -> Literal["%", "pt"]:
        """Return the unit of `change`; pt: percentage points."""
        in_points = self.name == "cosine_passing" or (
            self.part == "performance" and METRICS[self.name].kind == "utilization"
        )
        return "pt" if in_points else "%"

    @property
    def differs(self) -> bool:
        """Return False if the rule found both sides equal."""
        return self.outcome not in {"EQUIVALENT", "IDENTICAL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Accuracy or performance with its own outcome."""

    outcome: Outcome
    sentence: str
    items: tuple[Item, ...] = ()
    differing: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Fact -> (baseline, candidate), if the keys differ."""
    notes: tuple[str, ...] = ()

    @property
    def comparable(self) -> bool:
        return self.outcome != "NOT_COMPARABLE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Comparison of a candidate with a baseline: one verdict on accuracy, one on performance."""

    gates: tuple[Item, ...]
    """Failed hard gates of the candidate, most severe first; empty if all pass."""
    accuracy: Part
    performance: Part
    notes: tuple[str, ...]
    rule: Rule

    @property
    def items(self) -> tuple[Item, ...]:
        """Return all results: gates, accuracy, performance."""
        return self.gates + self.accuracy.items + self.performance.items

    @property
    def verdicts(self) -> dict[Verdict, Outcome]:
        """Return both verdicts; a failed gate decides accuracy."""
        accuracy = self.gates[0].outcome if self.gates else self.accuracy.outcome
        return {"accuracy": accuracy, "performance": self.performance.outcome}

    @property
    def words(self) -> str:
        """Return both verdicts in words: accuracy EQUIVALENT, performance INCONCLUSIVE."""
        return ", ".join(f"{name} {outcome}" for name, outcome in self.verdicts.items())

    @property
    def sentences(self) -> dict[Verdict, str]:
        """Return one sentence per verdict."""
        said = self.accuracy.sentence
        if self.gates:
            decisive = self.gates[0].outcome
            opening = "B fails its gates" if decisive == "FAIL" else "B is incomplete"
            reasons = ", ".join(item.reason for item in self.gates if item.outcome == decisive)
            said = f"{opening}: {reasons}; {said}"
        return {"accuracy": said, "performance": self.performance.sentence}

    @property
    def sentence(self) -> str:
        """Return both sentences, accuracy first."""
        return "; ".join(self.sentences.values())

    @property
    def is_comparable(self) -> bool:
        """Return False if neither verdict could be reached."""
        return set(self.verdicts.values()) != {"NOT_COMPARABLE"}

    @property
    def gravest(self) -> Outcome:
        """Return the more severe verdict of those that were reached, for a colour or an order; never the result."""
        reached = [outcome for outcome in self.verdicts.values() if outcome != "NOT_COMPARABLE"]
        return worst(reached) if reached else "NOT_COMPARABLE"

    def exit_code(self, *, strict: bool = False) -> ExitCode:
        """Return the code of the more severe verdict; a part that is not comparable counts if both are not."""
        return exit_code(self.gravest, strict=strict)
