"""The steps of a search, from the question whether there is anything to search for to the confirmed plan."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.formats import has_small_operands
from vp_tui.core.inputs import units
from vp_tui.core.runs.search import suspects
from vp_tui.core.runs.search.algorithm import BudgetSpent, Trials, smallest
from vp_tui.core.runs.search.records import Choice, Confirmation, SearchResult, Status, UnitEvidence
from vp_tui.core.workers.search import evidence as look
from vp_tui.core.workers.search.attempts import Attempts
from vp_tui.core.workers.search.costs import costs_of
from vp_tui.core.workers.search.trial import MEASURED, gates_of

_ROUNDS: Final = 2
"""Searches at most: where the first result fails on unseen sequences, the worst of those join the search set."""


@dataclass(slots=True)
class Search:
    """One search."""

    attempts: Attempts
    trials: Trials
    say: Callable[[str], None]
    notes: list[str] = field(default_factory=list)
    evidence: tuple[UnitEvidence, ...] = ()
    began_s: float = field(default_factory=time.monotonic)

    def result(self) -> SearchResult:
        """Search, confirm, and return the result."""
        try:
            nothing = self._nothing_to_find()
            if nothing is not None:
                return nothing
            kept: frozenset[str] = frozenset()
            for is_last in (*[False] * (_ROUNDS - 1), True):
                # what was needed on fewer sequences is needed on more
                kept = self._smallest(kept)
                result = self._confirmed(kept, is_last=is_last)
                if result is not None:
                    return result
        except BudgetSpent:
            pass
        return self._out_of_budget()

    def _nothing_to_find(self) -> SearchResult | None:
        """Make sure that the base plan fails and that keeping every unit cures it; return the result where not."""
        question, run_id = self.attempts.question, self.attempts.data.run_id
        if self.trials((), "base"):
            if question.faster:
                return self._confirmed(frozenset(), is_last=True)
            failed = self.attempts.data.failed
            if failed and MEASURED.isdisjoint(failed):
                return self._ended(
                    "not-precision",
                    f"run #{run_id} failed by {', '.join(failed)} only: these compare the engine with exact arithmetic "
                    f"and no trial measures them. {self._smells()}",
                )
            return self._ended(
                "not-reproduced",
                f"the sequences that failed in run #{run_id} pass now in {question.base}: the failure does not repeat. "
                f"Suspect the hardware, and validate again with `vp-tui rerun {run_id}`",
            )
        if self.trials(self.attempts.domain, "all"):
            return None
        if question.forbidden:
            return self._ended(
                "none",
                f"no plan passes: it fails even with every allowed unit in {question.keep}. A forbidden unit may be "
                "needed; search again without --forbid",
            )
        return self._ended(
            "not-precision",
            f"not a precision fault: the candidate fails even with every unit in {question.keep}. {self._smells()}",
        )

    def _smells(self) -> str:
        """Return what else may be wrong, from the findings of the run."""
        if self.attempts.data.config.fault is not None:
            return f"The run has the injected fault {self.attempts.data.config.fault}"
        return (
            "Its code, its pooling or its weights differ from the reference's; the findings of "
            f"`vp-tui show {self.attempts.data.run_id}` name the measure that sees it"
        )

    def _smallest(self, needed: frozenset[str]) -> frozenset[str]:
        """Return the smallest set with the units `needed` that passes on the search set. Raises BudgetSpent."""
        self._look()
        ranked, sure = [one.unit for one in self.evidence], suspects.certain(self.evidence) | needed
        standing_out = len(suspects.outliers([one for one in self.evidence if one.unit not in sure]))
        if not self.trials(sure, "range") and not standing_out:
            # no unit stands out: try what is nearly free, being limited by memory and not by arithmetic
            cheap = [unit for unit in ranked if units.operation_of(unit) not in units.PRODUCTS]
            ranked = cheap if cheap and self.trials(sure.union(cheap), "cheap") else ranked
        return smallest(ranked, sure, self.trials, standing_out)

    def _look(self) -> None:
        """Take the evidence, and the cost of every operation; once, before the first set is tried."""
        if self.evidence:
            return
        attempts, base = self.attempts, self.attempts.models.base
        seen = look.look(attempts.exact_encoder(), attempts.data.prepared.tokens, attempts.looked_at, base)
        costs = costs_of(attempts)
        self.evidence = tuple(
            one.model_copy(update={"cost_ms": costs.get(units.operation_of(one.unit))})
            for one in look.rank(attempts.domain, attempts.data.spec.kind, seen, base)
        )

    def _confirmed(self, kept: frozenset[str], *, is_last: bool) -> SearchResult | None:
        """Try the set on unseen sequences; None: it fails there, and some of them have joined the search set."""
        attempts = self.attempts
        unseen = len(attempts.data.unseen_Q)
        if not unseen:
            return self._ended("unconfirmed", f"{self._found(kept)}; no sequence is left to confirm it with", kept=kept)
        outcome = attempts.on_unseen(attempts.plan(kept))
        failing = gates_of(outcome.failing)
        confirmation = Confirmation(
            sequences=unseen, passed=outcome.passed, cosine_min=outcome.cosine_min, failing=failing
        )
        self.say(f"on {unseen} unseen sequences: {'passes' if outcome.passed else f'fails ({failing})'}")
        if outcome.passed:
            told = f"{self._found(kept)}; it passes on {unseen} sequences that the search had not seen"
            return self._ended("confirmed", told, kept=kept, confirmation=confirmation)
        joined = 0 if is_last else attempts.enlarge(outcome)
        if joined:
            self.notes.append(f"the first result failed on unseen sequences; {joined} of them joined the search set")
            # what has passed on fewer sequences may fail on these
            self.trials.passed.clear()
            return None
        told = f"{self._found(kept)}, but {failing} fails on {unseen} unseen ones: search a run with more sequences"
        return self._ended("unconfirmed", told, kept=kept, confirmation=confirmation)

    def _out_of_budget(self) -> SearchResult:
        best, spent = self.trials.best, fmt.plural(self.trials.budget, "trial")
        if best is None:
            return self._ended("budget", f"{spent} were too few to find a set that passes; give a larger --budget")
        told = f"{spent} are spent. The best so far: {self._found(best)}; fewer units may do, and nothing is confirmed"
        return self._ended("budget", f"{told}; continue with a larger --budget", kept=best)

    def _found(self, kept: frozenset[str]) -> str:
        question, chosen = self.attempts.question, self.attempts.chosen(kept)
        units_kept = f"{len(chosen)} of {fmt.plural(len(self.attempts.units), 'unit')}"
        if has_small_operands(question.base):
            others = f"all linear layers but {len(chosen)} in {question.base}"
            return f"plan {self._name} has {others}, the rest in {question.keep}"
        return f"plan {self._name} keeps {units_kept} in {question.keep}, the rest in {question.base}"

    @property
    def _name(self) -> str:
        return f"run-{self.attempts.data.run_id}{'-faster' if self.attempts.question.faster else ''}"

    def _ended(
        self,
        status: Status,
        sentence: str,
        *,
        kept: Iterable[str] | None = None,
        confirmation: Confirmation | None = None,
    ) -> SearchResult:
        attempts = self.attempts
        plan = None if kept is None else attempts.plan(kept, self._name)
        chosen = () if kept is None else attempts.chosen(kept)
        return SearchResult(
            run_id=attempts.data.run_id,
            run_uuid=attempts.data.run_uuid,
            status=status,
            sentence=sentence,
            question=attempts.question,
            plan=plan,
            reasons={unit: self._reason(unit) for unit in chosen},
            trials=self.trials.spent,
            searched=len(attempts.data.search_Q),
            confirmation=confirmation,
            choices=() if plan is None else self._choices(plan, chosen),
            evidence=self.evidence,
            notes=tuple(self.notes),
            seconds=time.monotonic() - self.began_s,
            device=str(attempts.device),
        )

    def _reason(self, unit: str) -> str:
        """Return why a unit is kept, in one short sentence."""
        if unit in self.attempts.question.pinned:
            return "pinned"
        found = next((one for one in self.evidence if one.unit == unit), None)
        if found is not None and found.rounding is None:
            return f"its values leave the range of {self.attempts.question.base}"
        return "without it the searched sequences fail"

    def _choices(self, plan: PrecisionPlan, chosen: Sequence[str]) -> tuple[Choice, ...]:
        """Return the plans there are to choose from, the fastest first."""
        attempts = self.attempts
        candidates: dict[str, Iterable[str]] = {attempts.question.base: (), attempts.question.keep: attempts.domain}
        if chosen:
            candidates[f"plan:{plan.name}"] = chosen
        rows = [attempts.choice(name, kept) for name, kept in candidates.items()]
        return tuple(sorted((row for row in rows if row is not None), key=lambda row: -row.tokens_per_s))
