"""Large matmuls of the measures: by numpy, unless the caller passes a faster implementation."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Matmul: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""a [A, D], b [B, D] -> a new array a b^T [A, B], in float64."""


def by_numpy(a_AD: np.ndarray, b_BD: np.ndarray) -> np.ndarray:
    """Return a b^T; of a matrix with itself BLAS computes only one half."""
    product_AB: np.ndarray = a_AD @ b_BD.T
    return product_AB
