"""What encodes packs, on one device or on several: a block is started, and its results are waited for later."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.inputs.tokens import TokenSet

_Item = TypeVar("_Item")


class Started(Protocol):
    """A block whose work is queued."""

    @property
    def began_s(self) -> float:
        """perf_counter before its first layout."""

    def finish(self) -> EncodedBlock:
        """Wait for it."""


class PackEncoder(Protocol):
    """Encodes packs: core.engine.encode.Encoder on one device, core.workers.fleet.encoder.FleetEncoder on several."""

    @property
    def ahead(self) -> int:
        """Blocks to start before the first of them is waited for, so that no device waits for the host."""

    def start(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> Started:
        """Queue the sequences of `packs`, arrays of indices into `tokens`."""

    def drain(self) -> None:
        """Wait until nothing is queued."""

    def encode(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> EncodedBlock:
        """Encode `packs` on every device, which warms them up; return the results of the slowest."""


def delayed(items: Iterable[_Item], by: int) -> Iterator[_Item]:
    """Yield the items in order, each after `by` later ones were taken from their source."""
    waiting: deque[_Item] = deque()
    for item in items:
        waiting.append(item)
        if len(waiting) > by:
            yield waiting.popleft()
    yield from waiting
