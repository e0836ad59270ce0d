"""Faults injected into one arm's engine, to show which measures detect them; this list of them loads no torch.

Most are bugs that occurred where these models run in FP16 (missing scale, EOS in the mean, another GELU, another
rotary table), the others a comparison must not miss (a block in BF16, two sequences mixed up, TF32 in the reference, a
sum in half precision, a leak between sequences, noise). Only `vp-tui demo --fault` injects them (inject.py).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ENGINE_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing-scale": "the candidate omits the factor 0.88 by which ESM-2 scales its token embeddings",
        "eos-in-mean": "the candidate includes the end token in the mean over residues",
        "tanh-gelu": "the candidate computes GELU by the tanh approximation instead of the exact erf",
        "recomputed-inv-freq": "the candidate recomputes the rotary frequencies in FP32; the checkpoint's are rounded "
        "to FP16",
        "half-angles": "the candidate computes rotary angles in FP16, so they are wrong at late positions",
        "bf16-layer": "the candidate rounds the output of its middle block to BF16, which has 3 bits less than FP16",
        "permuted-pair": "the candidate swaps the embeddings of the two most similar sequences of a block, whose "
        "cosine is above the limit",
        "tf32-reference": "the reference computes its matmuls in TF32 while the record says fp32 (emulated where the "
        "device has no TF32: inputs and weights of linear layers rounded to 10 mantissa bits)",
        "fp16-pooling": "the candidate sums the tokens of an embedding in FP16",
        "packing-leak": "the first token of a sequence in the candidate reads the last token of the sequence before it",
        "noisy-candidate": "the candidate adds noise of up to 0.5 % to every value, different each time",
    }
)
"""Name -> effect; the checkpoint itself is healthy."""
