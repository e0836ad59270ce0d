"""Two errors that need no oracle to be made: among other neighbours (R3), and in the padded kernel (R2)."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from torch import nn

from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe.sample import Sample, cut
from vp_tui.core.engine.probe.trace import output_tokens
from vp_tui.core.errors import Unavailable
from vp_tui.core.inputs.spec import HfSpec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.precision import storage_dtype


def noise(
    encoder: Encoder,
    tokens: TokenSet,
    members_S: NDArray[np.int64],
    rows_PD: NDArray[np.float32],
    budget: int,
    seed: int = 0,
) -> NDArray[np.float64]:
    """R3: relative L2 [P] between `rows_PD`, embeddings of the sequences `members_S`, and the same encoded again.

    The second time in random order and in packs of half of `budget`, so among other neighbours. NaN where one of the
    two is not finite.

    Raises OutOfMemoryError: see Encoder.encode.
    """
    half = max(budget // 2, int(tokens.lengths_S[members_S].max()))
    shuffled_P = np.random.default_rng(seed).permutation(len(members_S))
    block = encoder.encode(tokens, cut(tokens.lengths_S, members_S[shuffled_P], half))
    again_PD = np.empty_like(rows_PD)
    again_PD[shuffled_P] = block.embeddings_SD
    return pair_measures(rows_PD, again_PD).relative_l2_S


def padded_tokens(encoder: Encoder, sample: Sample) -> NDArray[np.float32] | Unavailable:
    """R2: token outputs [N, D] of the same model with attention in padded groups, where that differs.

    Raises OutOfMemoryError: a pack does not fit.
    """
    if isinstance(encoder.loaded.spec, HfSpec):
        return Unavailable("attention runs inside transformers, in padded batches")
    if isinstance(encoder.loaded.model.attention, SdpaAttention):
        return Unavailable("this run used the padded attention kernel, and there is no other to compare with it")
    kernel = SdpaAttention.make(storage_dtype(encoder.plan.precision), encoder.device)
    with _attending(encoder.loaded.model, kernel):
        return output_tokens(encoder.loaded.model, sample, encoder.plan, encoder.device)


@contextmanager
def _attending(model: nn.Module, kernel: object) -> Iterator[None]:
    own = model.attention
    setattr(model, "attention", kernel)  # noqa: B010  (nn.Module declares tensors and modules only)
    try:
        yield
    finally:
        setattr(model, "attention", own)  # noqa: B010
