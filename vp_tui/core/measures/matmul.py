"""The large matrix products of the measures, and who multiplies: numpy, unless the caller has something faster."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

Product: TypeAlias = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""a [A, D], b [B, D] -> a new a b^T [A, B]; float64 in, out and between."""


def by_numpy(a_AD: np.ndarray, b_BD: np.ndarray) -> np.ndarray:
    """On the host; of a matrix with itself BLAS computes only one half."""
    product_AB: np.ndarray = a_AD @ b_BD.T
    return product_AB
