"""R6: the candidate's own code in FP32 against FP64. A fault of the code stays, the rounding of the format goes.

In 16 bits a recomputed rotary table lies below the rounding floor; here it is 175 times the error of sound FP32
(trained ESM-2 8M). What it cannot reach: kernels that exist in 16 bits only (flash, varlen), and mistakes
that the FP64 pass shares.

Shape suffixes: P sequences of the sample, Q those of them that are encoded here, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe.sample import Sample, cut, stratified

SEQUENCES: Final = 12
"""Of the sample, a third per stratum."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Semantics:
    """The candidate's embeddings of a few sequences, computed by its code in FP32."""

    places_Q: NDArray[np.int64]
    """In indices_P."""
    rows_QD: NDArray[np.float32]
    kernel: str
    """The attention kernel that ran."""
    unreached: str | None
    """The candidate's own attention kernel, where that is another one."""


def in_fp32(make: Callable[[], Encoder], sample: Sample, candidate_kernel: str) -> Semantics:
    """Encode a few sequences of `sample` by the encoder that `make` gives, which computes in FP32.

    Raises OutOfMemoryError: see Encoder.encode.
    """
    places_Q = stratified(sample.stratum_P, sample.lengths_P, SEQUENCES)
    encoder = make()
    assert encoder.plan == plain_plan("fp32"), "the candidate's code is asked for FP32"
    lengths_Q = sample.lengths_P[places_Q]
    falling_Q = np.argsort(-lengths_Q, kind="stable")
    members_Q = sample.indices_P[places_Q[falling_Q]]
    block = encoder.encode(sample.tokens, cut(sample.tokens.lengths_S, members_Q, sample.budget))
    rows_QD = np.empty_like(block.embeddings_SD)
    rows_QD[falling_Q] = block.embeddings_SD
    kernel = encoder.loaded.attention_kernel
    if encoder.device.type == "cuda":
        del encoder
        torch.cuda.empty_cache()
    return Semantics(
        places_Q=places_Q,
        rows_QD=rows_QD,
        kernel=kernel,
        unreached=None if kernel == candidate_kernel else candidate_kernel,
    )
