"""What encodes packs, on one device or on several: a block is started, and its results are waited for later."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.inputs.tokens import TokenSet

_Item = TypeVar("_Item")
_Group = TypeVar("_Group")


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
    return (item for _, item in delayed_across([(None, items)], by))


def delayed_across(groups: Iterable[tuple[_Group, Iterable[_Item]]], by: int) -> Iterator[tuple[_Group, _Item]]:
    """Yield the items of all groups in order, delayed as by `delayed`, so that no device waits between two groups.

    Items of two groups at most wait: another group is taken from its source after all of the last but one are out.
    """
    waiting: deque[tuple[_Group, _Item]] = deque()
    for group, items in groups:
        for item in items:
            waiting.append((group, item))
            if len(waiting) > by:
                yield waiting.popleft()
        while waiting and waiting[0][0] is not group:
            yield waiting.popleft()
    yield from waiting
