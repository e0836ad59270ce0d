"""Where the large arrays of the measures are, and what computes them: numpy, unless the caller passes a device's.

The measures over pairs of sequences are written once, with what arrays of numpy and tensors of torch share: operators,
indices, `sum`, `max`, `clip`, `argmin`. What the two do differently is a method of `Arrays`. All numbers are FP64.
"""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

from vp_tui.core.measures.selection import chunks, on_all_cores
from vp_tui.core.measures.statistics import ReferenceStatistics

Array: TypeAlias = Any
"""An array of numpy, or a tensor on a device."""
_Part = TypeVar("_Part")
_Found = TypeVar("_Found")


class Arrays(Protocol):
    """What computes the measures over pairs of sequences."""

    @property
    def rows_at_once(self) -> int:
        """Rows that are compared with a whole gallery in one step."""

    @property
    def by_one_thread(self) -> bool:
        """True where one thread keeps the device busy, and more would only wait for each other."""

    def here(self) -> AbstractContextManager[object]:
        """In a thread that uses these arrays: what it computes is queued where the others' work does not wait."""

    def hold(self, x_SD: np.ndarray) -> Array:
        """Embeddings of an arm, for `standardized`: brought to the device once where they fit."""

    def standardized(self, x_SD: Array, rows_R: np.ndarray, statistics: ReferenceStatistics) -> Array:
        """(x - mu) / s of these rows, a new array [R, D]; exactly the same numbers everywhere."""

    def array(self, given: np.ndarray) -> Array:
        """Indices, a mask or numbers of the host."""

    def host(self, found: Array) -> np.ndarray:
        """Bring an array to the host."""

    def each(self, work: Callable[[_Part], _Found], parts: Iterable[_Part]) -> list[_Found]:
        """work(part) of every part, in order."""

    def products(self, a_AD: Array, b_BD: Array) -> Array:
        """a b^T, a new array [A, B]."""

    def squares(self, z_SD: Array) -> Array:
        """|z|^2 of every row [S]."""

    def inner(self, a: Array, b: Array) -> float:
        """Sum of the products of all elements."""

    def smallest(self, far_CG: Array, num: int) -> tuple[np.ndarray, np.ndarray]:
        """Places of the `num` smallest of every row, rising [C, num], and of the smallest one [C]; int64, on the host.

        Of equal ones those with the lower index.
        """

    def places(self, values_P: Array) -> tuple[Array, Array]:
        """Of numbers rounded to FP32: the place of each among the different ones [P], and how often each is there."""


class NumpyArrays:
    """Arrays of the host; parts are computed on all cores."""

    rows_at_once = 256
    by_one_thread = False

    def here(self) -> AbstractContextManager[object]:
        return nullcontext()

    def hold(self, x_SD: np.ndarray) -> np.ndarray:
        return x_SD

    def standardized(self, x_SD: np.ndarray, rows_R: np.ndarray, statistics: ReferenceStatistics) -> np.ndarray:
        return statistics.standardized(x_SD, rows_R)

    def array(self, given: np.ndarray) -> np.ndarray:
        return given

    def host(self, found: np.ndarray) -> np.ndarray:
        return found

    def each(self, work: Callable[[_Part], _Found], parts: Iterable[_Part]) -> list[_Found]:
        return on_all_cores(work, parts)

    def products(self, a_AD: np.ndarray, b_BD: np.ndarray) -> np.ndarray:
        """On all cores; of a matrix with itself BLAS computes only one half."""
        if a_AD is b_BD:
            product_AA: np.ndarray = a_AD @ a_AD.T
            return product_AA
        product_AB = np.empty((len(a_AD), len(b_BD)))

        def fill(part: slice) -> None:
            np.matmul(a_AD[part], b_BD.T, out=product_AB[part])

        on_all_cores(fill, chunks(len(a_AD), self.rows_at_once))
        return product_AB

    def squares(self, z_SD: np.ndarray) -> np.ndarray:
        square_S: np.ndarray = np.einsum("sd,sd->s", z_SD, z_SD)
        return square_S

    def inner(self, a: np.ndarray, b: np.ndarray) -> float:
        return float(np.vdot(a, b))

    def smallest(self, far_CG: np.ndarray, num: int) -> tuple[np.ndarray, np.ndarray]:
        border_C = np.partition(far_CG, num - 1, axis=1)[:, num - 1]
        near_CG: np.ndarray = far_CG <= border_C[:, None]
        for row in np.flatnonzero(np.count_nonzero(near_CG, axis=1) > num):
            at_border = np.flatnonzero(far_CG[row] == border_C[row])
            inside = np.count_nonzero(far_CG[row] < border_C[row])
            near_CG[row, at_border[num - inside :]] = False
        return np.nonzero(near_CG)[1].reshape(-1, num), far_CG.argmin(axis=1)

    def places(self, values_P: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # the same as scipy.stats.rankdata, whose import takes a third of a second
        _, place_P, counts = np.unique(values_P.astype(np.float32), return_inverse=True, return_counts=True)
        return place_P, counts


BY_NUMPY = NumpyArrays()
