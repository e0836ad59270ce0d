"""The time in which a run encoded: GPU samples of loading, warm-up and comparing do not tell of the engine."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar


class Timed(Protocol):
    """A block that was timed, such as BlockEncoded."""

    @property
    def at_us(self) -> int:
        """End of the block."""

    @property
    def wall_s(self) -> float: ...


class Sampled(Protocol):
    """A reading, such as GpuSample."""

    @property
    def at_us(self) -> int: ...


_Sample = TypeVar("_Sample", bound=Sampled)


def windows(blocks: Iterable[Timed]) -> list[tuple[float, float]]:
    """Return begin and end (microseconds since the epoch) of the time in which any block was encoded, in order.

    `blocks` are those of both arms without the warm-up; windows that touch are one.
    """
    found: list[tuple[float, float]] = []
    for begin, end in sorted((block.at_us - block.wall_s * 1e6, float(block.at_us)) for block in blocks):
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def while_encoding(samples: Iterable[_Sample], blocks: Iterable[Timed]) -> Sequence[_Sample]:
    """Return the samples that were taken within a window of `blocks`."""
    spans = windows(blocks)
    begins = [begin for begin, _ in spans]

    def is_inside(at_us: int) -> bool:
        place = bisect_right(begins, at_us) - 1
        return place >= 0 and at_us <= spans[place][1]

    return [sample for sample in samples if is_inside(sample.at_us)]


def mean_of(readings: Iterable[float | None]) -> float | None:
    """Return the mean of the readings that there are; None without any."""
    there = [reading for reading in readings if reading is not None]
    return sum(there) / len(there) if there else None
