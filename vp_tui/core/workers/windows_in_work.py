"""The windows of `embed -o FOLDER/` between reading and writing, and the threads on both sides of the encoding."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import Alphabet, default_cuts
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.shards.windows import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A window that can be encoded."""

    window: Window
    data: SequenceSet
    tokens: TokenSet
    alphabet: Alphabet

    @property
    def stratum_S(self) -> np.ndarray:
        """Return the stratum of each sequence."""
        return sequences.strata_of(self.data.lengths_S, default_cuts(self.alphabet))


@dataclass(slots=True, kw_only=True)
class Filling:
    """A window and the embeddings that are there so far."""

    ready: Ready
    embeddings_SD: np.ndarray
    """As they are stored, in input order."""
    taken: int = 0
    """Sequences that have theirs."""
    broken: int = 0
    """Embeddings with NaN or Inf as they are stored."""

    @property
    def is_full(self) -> bool:
        """Return True when every sequence has its embedding."""
        return self.taken == len(self.embeddings_SD)

    def take(self, block: EncodedBlock) -> None:
        """Keep the embeddings of a block."""
        # FP16 has nothing above 65,504: such a value is stored as Inf, and counted
        with np.errstate(over="ignore"):
            stored_SD = block.embeddings_SD.astype(self.embeddings_SD.dtype)
        self.broken += int((~np.isfinite(stored_SD).all(axis=1)).sum())
        self.embeddings_SD[block.seq_indices_S] = stored_SD
        self.taken += block.sequences


def ahead(items: Iterator[Ready], executor: Executor) -> Iterator[Ready]:
    """Yield the items in order; the next one is made in the executor's thread meanwhile."""
    coming = executor.submit(next, items, None)
    while (ready := coming.result()) is not None:
        coming = executor.submit(next, items, None)
        yield ready


class Successive:
    """A thread that does one thing at a time: another one is started when the last one is done."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def start(self, step: Callable[[], None]) -> None:
        """Wait for the last step, then start this one; raises what the last one raised."""
        if self._last is not None:
            self._last.result()
        self._last = self._executor.submit(step)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the last step; raises what it raised, unless something else was raised before."""
        self._executor.shutdown()
        if error is None and self._last is not None:
            self._last.result()
