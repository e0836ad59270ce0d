"""Matching of two sides by id: rows that belong together, and every id that has no partner, counted and named.

Nothing is guessed. An id that occurs twice on a side says nothing about which row is meant, so all its rows are left
out; an id that looks like another one with a number behind it (read0.2, read0_1) is named, not matched.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from vp_tui.core.errors import InputError

NAMED: Final = 5
"""Ids that are named of each kind."""
_NUMBERED: Final = re.compile(r"(.+)[._](\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Ids without a partner: how many, and the first of them."""

    count: int = 0
    first: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.first) else ""
        return f"{self.count} ({', '.join(self.first)}{more})"


NONE: Final = Left()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """Rows of both sides that have one id; index i of both arrays is one sequence, in the reference's order."""

    reference_S: np.ndarray
    candidate_S: np.ndarray
    num_reference: int
    """Embeddings of the reference."""
    missing: Left = NONE
    """Ids of the reference that the candidate lacks."""
    surplus: Left = NONE
    """Ids of the candidate that the reference lacks."""
    duplicates: Left = NONE
    """Ids that occur more than once on a side; their rows are not judged."""
    renamed: Left = NONE
    """Among missing and surplus: those that look like one id with a number added (`read0_1 for read0`)."""

    @property
    def unmatched_share(self) -> float:
        """Return the share of the reference's embeddings that have no partner."""
        return 1.0 - len(self.reference_S) / self.num_reference

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence for each kind of id without a partner."""
        found = (
            (self.missing, "ids of the reference are missing in the candidate"),
            (self.surplus, "ids of the candidate are not in the reference"),
            (self.duplicates, "ids occur more than once on a side; which row is meant is not known, none was judged"),
            (self.renamed, "of these look renamed; give both sides the same ids to judge them"),
        )
        return tuple(f"{left}: {text}" for left, text in found if left.count)

    @property
    def facts(self) -> dict[str, Any]:
        """Return the counts and first ids in JSON types."""
        kinds = ("missing", "surplus", "duplicates", "renamed")
        found = {name: getattr(self, name) for name in kinds}
        return {"matched": len(self.reference_S)} | {
            name: {"count": left.count, "first": list(left.first)} for name, left in found.items()
        }


def match(reference: Sequence[str], candidate: Sequence[str]) -> Matching:
    """Match the rows of two sides.

    Raises InputError: no id is on both sides; with examples of both.
    """
    twice = _repeated(reference) | _repeated(candidate)
    place = {name: row for row, name in enumerate(candidate) if name not in twice}
    pairs_S2 = np.array(
        [(row, place[name]) for row, name in enumerate(reference) if name in place and name not in twice], np.int64
    ).reshape(-1, 2)
    known = set(reference)
    missing = [name for name in dict.fromkeys(reference) if name not in place and name not in twice]
    surplus = [name for name in place if name not in known]
    if not len(pairs_S2):
        raise InputError(_nothing_matches(reference, candidate, twice))
    return Matching(
        reference_S=pairs_S2[:, 0],
        candidate_S=pairs_S2[:, 1],
        num_reference=len(reference),
        missing=_left(missing),
        surplus=_left(surplus),
        duplicates=_left(sorted(twice)),
        renamed=_left(_renamed(missing, surplus, known, place)),
    )


def _repeated(names: Sequence[str]) -> set[str]:
    if len(set(names)) == len(names):
        return set()
    return {name for name, count in Counter(names).items() if count > 1}


def _left(names: Iterable[str]) -> Left:
    found = list(names)
    return Left(count=len(found), first=tuple(found[:NAMED]))


def _renamed(missing: Sequence[str], surplus: Sequence[str], known: set[str], place: dict[str, int]) -> list[str]:
    """Return ids that are an id of the other side with a number behind it."""
    found = [f"{name} for {stem}" for name in surplus if (stem := _stem(name)) in known]
    return found + [f"{name} for {stem}" for name in missing if (stem := _stem(name)) in place]


def _stem(name: str) -> str | None:
    found = _NUMBERED.fullmatch(name)
    return found[1] if found else None


def _nothing_matches(reference: Sequence[str], candidate: Sequence[str], twice: set[str]) -> str:
    looks = f"the reference has {_examples(reference)}, the candidate {_examples(candidate)}"
    if twice & set(reference) & set(candidate):
        return f"no id is unique on both sides: {looks}; give every sequence an id of its own"
    words = {name.split()[0] for name in reference if name.split()} & {
        name.split()[0] for name in candidate if name.split()
    }
    hint = (
        "; their first words do match: cut the ids at the first blank" if words else "; check that both are of one set"
    )
    return f"no id is on both sides: {looks}{hint}"


def _examples(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names[:2])
