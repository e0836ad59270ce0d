"""Whether devices of one kind compute the same: packed batches that all of them encode are compared to the last bit.

A device that computes wrongly (bad memory, another driver or library) does so in both precisions, which then agree.
"""

from collections.abc import Sequence

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.measures.pairs import row_cosine
from vp_tui.core.measures.summary import lowest


def difference(blocks: Sequence[EncodedBlock], others: Sequence[EncodedBlock]) -> str | None:
    """Compare the same packed batches of two devices; return None for equal embeddings, else how they differ."""
    x_SD, y_SD = (np.concatenate([block.embeddings_SD for block in each]) for each in (blocks, others))
    if np.array_equal(x_SD, y_SD, equal_nan=True):
        return None
    unequal_S = (x_SD != y_SD).any(axis=1)
    cosine_S = row_cosine(x_SD[unequal_S].astype(np.float64), y_SD[unequal_S].astype(np.float64))
    least = fmt.similarity(lowest(cosine_S))
    return f"{len(cosine_S)} of {len(x_SD)} embeddings differ, lowest similarity {least}"
