"""Mark and colour of everything that charts show: each thing has one of both on every screen.

Red is for what must not be used and gold for notes, so no series has them; marks tell series apart without colour.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from textual.content import Content


@dataclass(frozen=True, slots=True)
class Look:
    """How a series looks."""

    mark: str
    style: str


LOOKS: Final[Mapping[str, Look]] = {
    "short": Look("\u00b7", "$text-primary"),
    "medium": Look("+", "$text-secondary"),
    "long": Look("o", "$text-accent"),
    # arms of a run, and the runs of a comparison: what is tested is brighter than what it is held against
    "reference": Look("-", "$foreground-muted"),
    "candidate": Look("x", "$foreground"),
}
OTHER: Final = Look("*", "$foreground")
"""Of a sequence outside the strata."""
FAILS: Final = "bold $text-error"


def look(name: str) -> Look:
    return LOOKS.get(name, OTHER)


def legend(names: Mapping[str, str] | Iterable[str]) -> Content:
    """Return mark and name of each series; a mapping gives names of their own."""
    labels = names if isinstance(names, Mapping) else {name: name for name in names}
    parts = [Content.styled(f"{look(name).mark} {label}", look(name).style) for name, label in labels.items()]
    return Content("  ").join(parts)
