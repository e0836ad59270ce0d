"""The large products of the measures on the run's GPU, in FP64 as on the host, a bounded portion at a time."""

from functools import partial
from typing import Final

import numpy as np
import torch

from vp_tui.core.engine.memory import is_out_of_memory
from vp_tui.core.measures.matmul import Matmul, by_numpy
from vp_tui.core.measures.selection import chunks

PORTION_BYTES: Final = 1 << 27
"""Of the left matrix and of the product together; the right one, 205 MB at most for ESM-2 3B, is there whole."""


def matmul_on(device: torch.device) -> Matmul:
    """What multiplies best where the run is: its GPU, or numpy."""
    return by_numpy if device.type == "cpu" else partial(multiply, device)


def multiply(device: torch.device, a_AD: np.ndarray, b_BD: np.ndarray) -> np.ndarray:
    """a b^T [A, B] in FP64; by numpy where the device has no room left, with the same numbers but for rounding.

    In a stream of its own: what another thread has queued does not wait for the product's way to the host.
    """
    product_AB = np.empty((len(a_AD), len(b_BD)))
    per_row = (a_AD.shape[1] + len(b_BD)) * product_AB.itemsize
    try:
        own = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        with torch.cuda.stream(own):
            b_DB = torch.from_numpy(b_BD).to(device).T
            for part in chunks(len(a_AD), max(1, PORTION_BYTES // per_row)):
                a_CD = torch.from_numpy(a_AD[part]).to(device)
                torch.from_numpy(product_AB[part]).copy_(a_CD @ b_DB)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return by_numpy(a_AD, b_BD)
    return product_AB
