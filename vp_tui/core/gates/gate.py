"""Types of the table of gates: a gate, its limits, and the interval a limit may lie in."""

import math
from dataclasses import dataclass
from typing import Final, Literal

Sense = Literal["below", "at_or_below", "above", "away_from_one", "away_from_zero"]
"""The side of a limit on which a number misses it; `away_from_*`: the limit is a distance from 1 or from 0."""
Style = Literal["cosine", "error", "ratio", "share", "bits", "count"]
"""Number format of the measured value."""
Kind = Literal["safety", "exactness", "information"]
"""safety: missing `fail` fails the run under both profiles. exactness: it warns under `mission` and fails under
`strict`. information: a miss is a note under both, and never changes the verdict."""
Cause = Literal[
    "overflow", "headroom", "small values", "similarity", "single sequences", "scale", "tokens", "neighbours", "spread",
    "reference", "engine", "batching", "controls", "labels", "speed", "input",
    "pipeline",
]  # fmt: skip
"""What the gates of a group have in common; findings of one cause are told together."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The values a user may set a limit to."""

    low: float
    high: float
    has_low: bool = False
    has_high: bool = True

    def __contains__(self, value: float) -> bool:
        above = self.low <= value if self.has_low else self.low < value
        return above and (value <= self.high if self.has_high else value < self.high)

    def __str__(self) -> str:
        left, right = "[" if self.has_low else "(", "]" if self.has_high else ")"
        return f"{left}{self.low}, {self.high}{right}"


POSITIVE: Final = Interval(0, math.inf, has_high=False)
NOT_NEGATIVE: Final = Interval(0, math.inf, has_low=True, has_high=False)
RATIO: Final = Interval(1, math.inf, has_high=False)
"""An error relative to another one: 1 is as good as can be."""
SHARE: Final = Interval(0, 1)
COSINE: Final = Interval(-1, 1)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of a gate; `--thresholds` addresses it as GATE.fail or GATE.warn."""

    value: float
    note: str
    """Calibration: the reason for this value."""
    allowed: Interval = POSITIVE


NONE_ALLOWED: Final = Limit(0.0, "A single occurrence is a fault; not adjustable.", Interval(0, 0, has_low=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A rule on one number of one measure. To add one: write it here in the package and list it in `table`."""

    id: str
    """Finding.gate, the prefix of its limits in a thresholds file, and the name in docs/measures.md."""
    measure: str
    names: tuple[str, ...]
    """Numbers of the measure; of several the worst is judged."""
    sense: Sense
    fail: Limit | None
    """None where the gate can only warn."""
    warn: Limit | None = None
    """The nearer limit: missing it warns under both profiles."""
    kind: Kind = "exactness"
    scopes: Literal["strata", "all"] = "strata"
    """Judged in short, medium, long and all, or over the whole set only."""
    style: Style = "error"
    title: str
    """A few words, for a table."""
    what: str
    """The measured quantity, for a sentence: `{scope}: {what}: {number}, above {limit}`."""
    meaning: str
    """Meaning of a miss for a biologist; one sentence."""
    advice: str
    """The next step after a miss; one sentence."""
    advice_on_files: str = ""
    """The next step where embeddings of other programs were judged; empty: `advice`."""
    blind_to: str
    """Errors the gate cannot detect; completes `does not detect ...`."""
    cause: Cause
    what_few: str = ""
    """The quantity where a stratum has too few sequences for its percentile (verdict.words); empty: `what`."""
    covered_by: "Gate | None" = None
    """A more severe gate on the same quantity: where that one is missed, this one is silent."""
    only_if: "Gate | None" = None
    """A gate that must be missed as well; a number that does not exist misses nothing."""
    counted: str | None = None
    """A further number of the measure that counts misses: above 0 is a miss of `fail` too."""
    is_of_judged: bool = False
    """Only where `vp-tui judge` judges embeddings; other runs have no such gate."""
    knows_worst: bool = False
    """The details of the measure name the worst sequence."""

    @property
    def is_on_embeddings(self) -> bool:
        """True for the gates that read nothing but two sets of embeddings; the negative controls test those."""
        return self.id[0] in "MS"
