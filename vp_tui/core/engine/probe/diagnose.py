"""Where a NaN or an infinity was born: one pack encoded again, looking at every module.

Shape suffixes: S sequences of the pack, N tokens of the pack.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe.points import ENTERS, looking_everywhere
from vp_tui.core.inputs.tokens import TokenSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What a second look at one sequence's pack has found."""

    transient: bool
    """Whether all outputs of the sequence are finite this time."""
    module: str | None
    """The first module in order of execution whose inputs are finite and whose output is not; None when there is
    none."""
    between: bool
    """True: not in `module` itself but in the arithmetic just before it, such as a residual sum or attention."""
    largest_input: float | None
    """Largest finite magnitude that went in there; None where only token ids go in."""

    @property
    def text(self) -> str:
        """One sentence for an alert."""
        if self.transient:
            return "it did not repeat when the same packed batch ran again: transient, suspect the hardware"
        if self.module is None:
            return "it repeats, but no module's output shows it"
        where = f"on the way into {self.module}" if self.between else f"in {self.module}"
        if self.largest_input is None:
            return f"first non-finite {where}"
        return f"first non-finite {where} (its largest input is {_short(self.largest_input)})"


def diagnose(encoder: Encoder, tokens: TokenSet, members_S: NDArray[np.int64], sequence: int) -> Diagnosis:
    """Encode the pack `members_S` (indices into `tokens`, in their order) again and look where `sequence` breaks.

    A native model's values are one row per token of the pack, and only the rows of `sequence` count; inside
    transformers rows are padded batches, and any row counts.

    Raises OutOfMemoryError as Encoder.encode does.
    """
    place = int(np.flatnonzero(members_S == sequence)[0])
    stops_S = np.cumsum(tokens.lengths_S[members_S])
    rows = slice(int(stops_S[place] - tokens.lengths_S[sequence]), int(stops_S[place]))
    trail = _Trail(None if encoder.loaded.spec.kind == "hf" else int(stops_S[-1]), rows)
    with looking_everywhere(encoder.loaded.model, trail.look):
        block = encoder.encode(tokens, [members_S])
    first = trail.first
    return Diagnosis(
        transient=not (block.nan_count_S[place] or block.inf_count_S[place]),
        module=None if first is None else first.removesuffix(ENTERS),
        between=first is not None and first.endswith(ENTERS),
        largest_input=trail.largest_input,
    )


@dataclass(slots=True)
class _Trail:
    """What is seen on the way to the first value that is not finite."""

    tokens: int | None
    """Rows of a value with one row per token; None where rows mean something else."""
    rows: slice
    first: str | None = None
    """The point of the first value that is not finite."""
    largest_input: float | None = None
    _latest: dict[str, float] = field(default_factory=dict)
    _previous: float | None = None

    def look(self, name: str, value: Tensor) -> None:
        """Note the magnitude of a value, or that it is the first that is not finite."""
        if self.first is not None:
            return
        seen = value[self.rows] if value.shape[0] == self.tokens else value
        magnitude = float(seen.abs().max())
        if np.isfinite(magnitude):
            self._latest[name] = self._previous = magnitude
            return
        self.first = name
        self.largest_input = self._entered(name)

    def _entered(self, name: str) -> float | None:
        """The largest magnitude that went into what gave the point `name`."""
        if name.endswith(ENTERS):
            return self._previous
        own = self._latest.get(name + ENTERS)
        # what went into a block's last sum is its own input and what was seen last
        return own if own is None or self._previous is None else max(own, self._previous)


def _short(magnitude: float) -> str:
    """As in 2.1e+04: an order of magnitude is what an alert needs."""
    return np.format_float_scientific(magnitude, precision=1, trim="0")
