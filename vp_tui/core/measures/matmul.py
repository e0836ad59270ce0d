"""Large matmuls of the measures: by numpy, unless the caller passes a faster implementation."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from vp_tui.core.measures.selection import chunks, on_all_cores

Matmul: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""a [A, D], b [B, D] -> a new array a b^T [A, B], in float64."""


_ROWS = 256
"""Rows of a product that one core computes, whatever the number of cores is."""


def by_numpy(a_AD: np.ndarray, b_BD: np.ndarray) -> np.ndarray:
    """Return a b^T, computed on all cores; of a matrix with itself BLAS computes only one half."""
    if a_AD is b_BD:
        product_AA: np.ndarray = a_AD @ a_AD.T
        return product_AA
    product_AB = np.empty((len(a_AD), len(b_BD)))

    def fill(part: slice) -> None:
        np.matmul(a_AD[part], b_BD.T, out=product_AB[part])

    on_all_cores(fill, chunks(len(a_AD), _ROWS))
    return product_AB
