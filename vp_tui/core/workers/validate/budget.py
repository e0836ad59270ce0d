"""The token budget of a run: blocks are packed under it, and again under half of it when a pack does not fit."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from vp_tui.core.engine.encode import EncodedBlock, OutOfMemoryError
from vp_tui.core.engine.queueing import PackEncoder, Started
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.workers.validate.prepare import Block


class Budget:
    """The token budget both arms share; `on_halved` gets the message when it is halved for the rest of the run."""

    def __init__(self, tokens: int, longest: int, on_halved: Callable[[str], None]) -> None:
        self.tokens = tokens
        self._longest = longest
        self._on_halved = on_halved

    def halve(self, error: OutOfMemoryError) -> None:
        """Halve the budget after `error`.

        Raises:
            ResourceError: the longest sequence would not fit any more.
        """
        smaller = self.tokens // 2
        if smaller < self._longest:
            raise ResourceError(
                f"{error}; a budget below {self.tokens} tokens would not hold the longest sequence "
                f"({self._longest} tokens): free memory on the device or use a smaller model"
            ) from error
        self._on_halved(f"{error.tokens} tokens did not fit in memory: the token budget is now {smaller}")
        self.tokens = smaller


def start_within(encoder: PackEncoder, tokens: TokenSet, members_S: np.ndarray, budget: Budget) -> Started:
    """Pack the sequences `members_S` of `tokens` under the budget and queue them, halving it until they fit.

    Raises:
        ResourceError: the longest sequence does not fit.
    """
    while True:
        used, packs = budget.tokens, packs_of(tokens, members_S, budget)
        try:
            return _Fitting(
                encoder.start(tokens, packs), partial(start_within, encoder, tokens, members_S, budget), budget, used
            )
        except OutOfMemoryError as error:
            budget.halve(error)


def packs_of(tokens: TokenSet, members_S: np.ndarray, budget: Budget) -> list[np.ndarray]:
    """Return the sequences `members_S` of `tokens` in packs under the budget."""
    return [members_S[pack] for pack in packing.by_length(tokens.lengths_S[members_S], budget.tokens)]


def tokens_of_packs(tokens: TokenSet, block: Block, *, budget: Budget) -> list[int]:
    """Return the tokens of each pack of a block."""
    return [int(tokens.lengths_S[pack].sum()) for pack in packs_of(tokens, block.indices_S, budget)]


@dataclass(frozen=True, slots=True)
class _Fitting:
    """A started block that is started again under a smaller budget when another device had no room for a pack."""

    running: Started
    again: Callable[[], Started]
    budget: Budget
    used: int
    """The budget of its packs."""

    @property
    def began_s(self) -> float:
        return self.running.began_s

    def finish(self) -> EncodedBlock:
        try:
            return self.running.finish()
        except OutOfMemoryError as error:
            if self.budget.tokens >= self.used:
                self.budget.halve(error)
        return self.again().finish()
