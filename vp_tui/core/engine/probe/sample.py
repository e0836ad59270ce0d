"""Which sequences are looked into, and in which order their tokens go through every pass.

The order is that of falling length whatever the token budget is, so rows of a pass on a GPU, of one on a CPU and of
one whose budget was halved are the same tokens.

Shape suffixes: S sequences of the run, P sequences of the sample, N tokens of the sample in the order of the passes.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.spec import Pooling
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measures.selection import even_quotas

_STRATA: Final = 3


def stratified(
    stratum_S: NDArray[np.integer], lengths_S: NDArray[np.int64], count: int, seed: int = 0
) -> NDArray[np.int64]:
    """At most `count` sequences, a third per stratum (0, 1, 2), spread evenly over each stratum's lengths; rising.

    The shortest and the longest of a stratum that gives two or more are among them; a stratum with too few gives its
    share to the others. `seed` decides between sequences of one length.
    """
    members = [np.flatnonzero(stratum_S == index) for index in range(_STRATA)]
    shares = even_quotas(np.array([len(member_S) for member_S in members]), count)
    order_S = np.random.default_rng(seed).permutation(len(stratum_S))
    picked = [_spread(member_S, lengths_S, order_S, share) for member_S, share in zip(members, shares, strict=True)]
    return np.sort(np.concatenate(picked))


def _spread(
    member_S: NDArray[np.int64], lengths_S: NDArray[np.int64], order_S: NDArray[np.int64], share: int
) -> NDArray[np.int64]:
    rising_S = member_S[np.lexsort((order_S[member_S], lengths_S[member_S]))]
    return rising_S[np.linspace(0, len(rising_S) - 1, share).round().astype(np.int64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The sequences of a probe."""

    tokens: TokenSet
    """Of the whole run."""
    indices_P: NDArray[np.int64]
    """Sequence of the run behind each one, rising."""
    stratum_P: NDArray[np.integer]
    """0 short, 1 medium, 2 long."""
    pooling: Pooling
    budget: int
    """Tokens per pack."""

    @property
    def lengths_P(self) -> NDArray[np.int64]:
        """Tokens of each sequence."""
        return self.tokens.lengths_S[self.indices_P]

    @property
    def order_P(self) -> NDArray[np.int64]:
        """Places in indices_P, longest sequence first: the order of every pass."""
        return np.argsort(-self.lengths_P, kind="stable")

    @property
    def sequence_N(self) -> NDArray[np.int64]:
        """Place in indices_P of the sequence of each token row."""
        return np.repeat(self.order_P, self.lengths_P[self.order_P])

    @property
    def position_N(self) -> NDArray[np.int64]:
        """Position of each token row within its sequence, from 0."""
        falling_P = self.lengths_P[self.order_P]
        return np.arange(falling_P.sum()) - np.repeat(np.cumsum(falling_P) - falling_P, falling_P)

    @property
    def pooled_N(self) -> NDArray[np.bool_]:
        """Tokens whose mean is the embedding."""
        if self.pooling == "all_tokens":
            return np.ones(int(self.lengths_P.sum()), dtype=np.bool_)
        position_N, last_N = self.position_N, self.lengths_P[self.sequence_N] - 1
        return (position_N > 0) & (position_N < last_N)

    def packs(self, budget: int) -> list[NDArray[np.int64]]:
        """Sequences of the run in the order of the passes, cut where the next one would exceed `budget` tokens."""
        return cut(self.tokens.lengths_S, self.indices_P[self.order_P], budget)


def cut(lengths_S: NDArray[np.int64], members_P: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Packs of at most `budget` tokens, the sequences `members_P` in the order given.

    packing.by_length fills packs better, and for that it changes the order of the sequences.

    Raises ResourceError when one sequence is longer than the budget.
    """
    borders, filled = [], 0
    for place, length in enumerate(lengths_S[members_P].tolist()):
        if length > budget:
            raise ResourceError(f"a sequence of {length} tokens does not fit a token budget of {budget}")
        if filled + length > budget:
            borders.append(place)
            filled = 0
        filled += length
    return np.split(members_P, borders)
