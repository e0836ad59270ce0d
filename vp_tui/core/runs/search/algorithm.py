"""Which sets of units are tried, and in what order, until a smallest one is found that passes.

Units come ranked, the most suspicious first. The smallest prefix of the ranking that passes is found by doubling and
bisection; its last unit is then necessary. The others are dropped in groups, whose size doubles where nothing was
needed and halves where something was (binary splitting of group testing, Hwang 1972, with an unknown number of
culprits). Both steps assume that keeping more units never makes a passing set fail; a set that is returned as found has
itself been tried, and so has the set without each of its units, or a superset of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

Stage = Literal["base", "all", "range", "cheap", "prefix", "prune", "confirm"]
Try = Callable[[frozenset[str], Stage], bool]
"""Tries a set of kept units; True: it passes."""


_FIRST: Final = 2
"""Units in the first set of the doubling: a good ranking begins with the culprit, a fair one has it among the first."""


class BudgetSpent(Exception):  # noqa: N818  (not an error: the search ends with the best set so far)
    """No trial is left."""


@dataclass(slots=True)
class Trials:
    """Every set that was tried, each once; sets that follow from others are not tried.

    A subset of a failing set fails and a superset of a passing set passes, unless a trial has shown otherwise.
    """

    attempt: Try
    budget: int
    passed: list[frozenset[str]] = field(default_factory=list)
    failed: list[frozenset[str]] = field(default_factory=list)
    spent: int = 0
    """Trials that were run."""
    is_monotone: bool = True
    """False once a set failed that has a passing subset: then nothing is inferred any more."""

    def __call__(self, kept: Iterable[str], stage: Stage) -> bool:
        """Return whether the set passes. Raises BudgetSpent when it would have to be tried and no trial is left."""
        chosen = frozenset(kept)
        known = self._known(chosen)
        if known is not None:
            return known
        if self.spent >= self.budget:
            raise BudgetSpent
        self.spent += 1
        return self.note(chosen, is_passing=self.attempt(chosen, stage))

    def note(self, chosen: frozenset[str], *, is_passing: bool) -> bool:
        """Keep the result of a trial, and return it."""
        if is_passing:
            self.is_monotone &= not any(chosen <= one for one in self.failed)
            self.passed.append(chosen)
        else:
            self.is_monotone &= not any(one <= chosen for one in self.passed)
            self.failed.append(chosen)
        return is_passing

    @property
    def best(self) -> frozenset[str] | None:
        """Return the smallest set that has passed."""
        return min(self.passed, key=len, default=None)

    def _known(self, chosen: frozenset[str]) -> bool | None:
        if chosen in self.passed:
            return True
        if chosen in self.failed:
            return False
        if not self.is_monotone:
            return None
        return False if any(chosen <= one for one in self.failed) else None


def smallest(ranked: Sequence[str], certain: Iterable[str], trials: Trials, first: int = 0) -> frozenset[str]:
    """Return a set that passes and of which no unit can be dropped.

    `ranked` are the units that may be kept, the most suspicious first; `certain` are those known to be needed. The set
    of all of them must pass. `first` is the size of the first prefix that is tried, 0 where
    nothing suggests one.

    Raises BudgetSpent; `trials.best` is the smallest passing set by then.
    """
    needed = frozenset(certain)
    rest = [unit for unit in ranked if unit not in needed]
    if trials(needed, "range"):
        return needed
    length = _shortest_prefix(rest, needed, trials, first or _FIRST)
    return _pruned(rest[: length - 1], needed | {rest[length - 1]}, trials)


def _shortest_prefix(rest: Sequence[str], needed: frozenset[str], trials: Trials, first: int) -> int:
    """Return how many units of `rest`, from its beginning, pass together with `needed`; all of them do."""
    fails, passes = 0, first
    while passes < len(rest) and not trials(needed.union(rest[:passes]), "prefix"):
        fails, passes = passes, 2 * passes
    passes = min(passes, len(rest))
    while passes - fails > 1:
        middle = (fails + passes) // 2
        if trials(needed.union(rest[:middle]), "prefix"):
            passes = middle
        else:
            fails = middle
    return passes


def _pruned(rest: Sequence[str], needed: frozenset[str], trials: Trials) -> frozenset[str]:
    """Return `needed` and what of `rest` cannot be dropped; together they pass."""
    rest = list(rest)
    size = len(rest)
    while rest:
        size = max(1, min(size, len(rest)))
        # the tail first: what is ranked last is needed least
        group, others = rest[-size:], rest[:-size]
        if trials(needed.union(others), "prune"):
            rest, size = others, 2 * size
            continue
        found = _last_needed(group, needed.union(others), trials)
        # what stands behind it was dropped together, and that passed
        rest = [*others, *group[:found]]
        needed |= {group[found]}
        size = max(1, len(rest) // 2) if size > len(rest) else max(1, size // 2)
    return needed


def _last_needed(group: Sequence[str], others: frozenset[str], trials: Trials) -> int:
    """Return the place in `group` of its last unit that is needed beside `others`, which fail without the group."""
    fails, passes = 0, len(group)
    while passes - fails > 1:
        middle = (fails + passes) // 2
        if trials(others.union(group[:middle]), "prune"):
            passes = middle
        else:
            fails = middle
    return passes - 1
