"""Selection of rows, chunks of rows, and parallel work on all cores."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import Final, TypeVar

import numpy as np

MOST_THREADS: Final = 8
"""More wait for memory and for the interpreter lock, and keep the thread that feeds a GPU from it."""
_Part = TypeVar("_Part")
_Found = TypeVar("_Found")

ROW_CHUNK = 64
"""64 x 2,560 doubles are 1.3 MB: a chunk and its temporaries stay in a core's L2 cache."""
PORTION = ROW_CHUNK * 2560
"""Elements of such a chunk."""


def finite_rows(*sets_SD: np.ndarray) -> np.ndarray:
    """Return the mask of rows that are finite in every set, bool [S]."""
    usable_S = np.ones(len(sets_SD[0]), dtype=bool)

    def look(part: slice) -> None:
        for x_SD in sets_SD:
            usable_S[part] &= np.isfinite(x_SD[part]).all(axis=1)

    on_all_cores(look, chunks(len(usable_S), 1024))
    return usable_S


def chunks(num: int, size: int = ROW_CHUNK) -> Iterator[slice]:
    """Return slices of at most `size` that cover range(num)."""
    return (slice(start, min(start + size, num)) for start in range(0, num, size))


def portions(num: int, width: int) -> Iterator[slice]:
    """Return slices that cover range(num), each of about PORTION elements of rows of this width.

    For what is computed row by row: fewer parts than `chunks` where rows are narrow, and one where all is small.
    """
    return chunks(num, max(1, PORTION // max(width, 1)))


def on_all_cores(work: Callable[[_Part], _Found], parts: Iterable[_Part]) -> list[_Found]:
    """Return work(part) of every part, in order; numpy releases the interpreter lock while it computes.

    The calling thread works too, and threads that all calls share take the next part when they are done with one. So
    calls may be nested, and are never more than MOST_THREADS at work: who finds no free thread does its parts itself.
    The result does not depend on the number of cores, as long as no part reads what another one writes.
    """
    todo = list(parts)
    shared = [(work, iter(enumerate(todo)))]
    cores = min(len(os.sched_getaffinity(0)), MOST_THREADS)
    others = [_pool(cores - 1).submit(_some, shared) for _ in range(min(cores, len(todo)) - 1)]
    try:
        found = dict(_some(shared))
    finally:
        begun = [one for one in others if not one.cancel()]
        wait(begun)
        shared.clear()  # the queue of a busy pool holds what was cancelled, and that would hold the arrays of `work`
    for one in begun:
        found.update(one.result())
    return [found[place] for place in range(len(todo))]


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "measure")


def _some(
    shared: Sequence[tuple[Callable[[_Part], _Found], Iterator[tuple[int, _Part]]]],
) -> list[tuple[int, _Found]]:
    """Return place and result of the parts that this thread has taken."""
    work, left = shared[0]
    return [(place, work(part)) for place, part in left]


def evenly(num: int, limit: int) -> np.ndarray:
    """Return range(num), or `limit` of its indices at even distances with the first among them, int64."""
    if num <= limit:
        return np.arange(num)
    return np.arange(limit) * num // max(limit, 1)


def require_fitting(x_SD: np.ndarray, y_SD: np.ndarray, stratum_S: np.ndarray, *, num_strata: int) -> None:
    """Raise ValueError for shapes that do not match, and for unknown strata."""
    if x_SD.shape != y_SD.shape or x_SD.shape[:1] != stratum_S.shape:
        raise ValueError(f"shapes do not match: {x_SD.shape}, {y_SD.shape}, {stratum_S.shape}")
    if not np.isin(stratum_S, np.arange(num_strata)).all():
        raise ValueError(f"a stratum must be 0 to {num_strata - 1}")


def even_quotas(available: np.ndarray, sample: int) -> np.ndarray:
    """Share `sample` evenly between strata, int64 like `available`; none gets more than it has."""
    quotas = np.zeros_like(available)
    left = sample
    order = np.argsort(available, kind="stable")
    for position, index in enumerate(order):
        quotas[index] = min(available[index], left // (len(order) - position))
        left -= quotas[index]
    return quotas
