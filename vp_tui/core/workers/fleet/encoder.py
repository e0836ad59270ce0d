"""An arm on all devices of a run, with the methods of an Encoder: the same packs, handed out to the devices."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.events import Arm
from vp_tui.core.inputs.tokens import TokenSet

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet

AHEAD: Final = 32
"""Blocks per device that are started before the first is waited for: bounds what waits, never starves a device."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetRunning:
    """A block whose packs wait, fly or are done."""

    fleet: "Fleet"
    numbers: Sequence[int]
    began_s: float

    def finish(self) -> EncodedBlock:
        """Wait for its packs; they are in the block in the order in which they were given.

        Raises:
            OutOfMemoryError: a pack did not fit on a device.
            ResourceError: no device is left.
        """
        parts: list[EncodedBlock] = [self.fleet.result(number) for number in self.numbers]
        return joined(parts, self.fleet.count, time.perf_counter() - self.began_s)


def joined(parts: Sequence[EncodedBlock], devices: int, wall_s: float) -> EncodedBlock:
    """Return packs as one block; its encode seconds are those of `devices` devices that share the work evenly."""
    return EncodedBlock(
        embeddings_SD=np.concatenate([part.embeddings_SD for part in parts]),
        seq_indices_S=np.concatenate([part.seq_indices_S for part in parts]),
        pack_of_S=np.repeat(np.arange(len(parts)), [part.sequences for part in parts]),
        nan_count_S=np.concatenate([part.nan_count_S for part in parts]),
        inf_count_S=np.concatenate([part.inf_count_S for part in parts]),
        encode_s=sum(part.encode_s for part in parts) / devices,
        wall_s=wall_s,
        tokens=sum(part.tokens for part in parts),
        sequences=sum(part.sequences for part in parts),
    )


class FleetEncoder:
    """Encodes packs in one arm on all devices."""

    def __init__(self, fleet: "Fleet", arm: Arm) -> None:
        self._fleet, self._arm = fleet, arm

    @property
    def ahead(self) -> int:
        """Blocks to start before the first of them is waited for."""
        return AHEAD * self._fleet.count

    def start(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> FleetRunning:
        """Queue the packs, after those of the blocks before; the longest is handed out first."""
        began_s = time.perf_counter()
        shared = self._fleet.share(tokens)
        works = ((int(tokens.lengths_S[pack].sum()), (self._arm, shared, pack)) for pack in packs)
        return FleetRunning(fleet=self._fleet, numbers=self._fleet.add(works), began_s=began_s)

    def drain(self) -> None:
        """Wait until nothing is queued."""
        self._fleet.drain()

    def encode(self, tokens: TokenSet, packs: Sequence[NDArray[np.int64]]) -> EncodedBlock:
        """Encode `packs` on every device, which warms them up; return the results of the slowest.

        Its encode seconds are a share of the slowest's, as those of a block that all devices share.
        """
        began_s = time.perf_counter()
        found = self._fleet.on_every(self._arm, self._fleet.share(tokens), packs)
        slowest = max(found, key=lambda blocks: sum(block.encode_s for block in blocks))
        return joined(slowest, self._fleet.count, time.perf_counter() - began_s)
