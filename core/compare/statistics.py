"""What the reference embeddings are like as a set: where their norm is, how alike different sequences are."""

import numpy as np


def dominant_dimension(x_SD: np.ndarray) -> tuple[int, float] | None:
    """The dimension with the largest share of the mean squared norm, and that share, over finite rows.

    Where one dimension holds most of the norm, M1 sees little else: real ESM-2 3B has 0.81 in dimension 1542.
    """
    finite_SD = x_SD[np.isfinite(x_SD).all(axis=1)].astype(np.float64)
    energy_D = np.square(finite_SD).sum(axis=0)
    if not energy_D.size or not energy_D.sum() > 0:
        return None
    top = int(energy_D.argmax())
    return top, float(energy_D[top] / energy_D.sum())
