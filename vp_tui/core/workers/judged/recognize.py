"""Which known fault of pipelines explains the difference between two sides, and how sure that is.

With a checkpoint on one side a few sequences are encoded as every suspect would. Without one, only what two sets of
numbers show by themselves is looked for: exchanged rows and numbers of fewer bits.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.engine.suspects.lineup import Lineup, Suspect
from vp_tui.core.measurements import Measured
from vp_tui.core.measures.explained import CLEAR, NEARER_SHARE, Explained, explained, significant_bits, sums_in_fp16
from vp_tui.core.measures.selection import evenly

Confidence = Literal["clear", "likely", "by elimination"]

WORDS: Final[Mapping[str, str]] = {
    "bos-in-mean": "the start token is in the mean over residues",
    "eos-in-mean": "the end token is in the mean over residues",
    "specials-in-mean": "start and end token are in the mean over residues",
    "specials-left-out": "the tokens [CLS] and [SEP] are missing in the mean",
    "first-token": "the embedding is that of the first token, not a mean",
    "sum": "the embedding is a sum over tokens, not a mean",
    "fp16-sums": "the sum over tokens is kept in FP16",
    "another-layer": "the embedding is the output of another layer",
    "missing-scale": "the factor 0.88 by which ESM-2 scales its token embeddings is missing",
    "tanh-gelu": "GELU is computed by the tanh approximation",
    "recomputed-inv-freq": "the rotary frequencies are recomputed instead of those of the checkpoint",
    "half-angles": "the rotary angles are computed in FP16",
    "scaled": "all embeddings are multiplied by one factor",
    "padded-divisor": "the sum over residues is divided by the padded length",
    "pads-in-mean": "padded positions are in the mean",
    "no-mask": "pads are read as tokens: the attention mask is missing",
    "wrong-span": "the mean is over the tokens of another place in the batch: tokens of other sequences are read",
    "read-together": "sequences of a batch read each other's tokens",
    "exchanged": "embeddings are under the ids of other sequences",
    "few-bits": "the numbers have fewer significant bits than FP32",
    "reduced-precision": "the computation was not FP32",
    "another-checkpoint": "another checkpoint, or a change of the model that is not on the list",
    "company": "some sequences are right and others are not, as where the result depends on the rest of a batch",
}
"""Fault -> what it is, for the reader."""

FP32_ERROR: Final = 1e-5
"""Median relative L2 of two sound FP32 programs: at most 2e-6 on the trained ESM-2 8M."""
EXPECTED: Final = {"fp32": FP32_ERROR, "tf32": 5e-3, "fp16": 5e-3, "bf16": 4e-2}
"""Largest median relative L2 of a sound program in a precision; trained ESM-2 8M: FP16 1e-3, BF16 9e-3."""
_UNEVEN: Final = 100.0
"""90th over 10th percentile of the error from which on sequences differ by more than their own sensitivity."""
_ON_GRID, _BY_CHANCE = 0.999, 0.97
_QUERIES, _GALLERY = 256, 4096
_SAME: Final = 0.5
"""An embedding is another sequence's if that one is less than half as far as its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A recognized fault."""

    name: str
    confidence: Confidence
    evidence: str
    """Numbers, in words."""
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Return the fault with evidence and confidence."""
        return f"{WORDS[self.name]} ({self.evidence}; {self.confidence})"

    @property
    def document(self) -> dict[str, Any]:
        """Return JSON types."""
        return {"name": self.name, "confidence": self.confidence, "text": self.text, "numbers": dict(self.numbers)}


def exchanged(x_SD: np.ndarray, y_SD: np.ndarray, rows_S: np.ndarray, names: Callable[[int], str]) -> Iterator[Fault]:
    """Yield the fault that rows are under the ids of others; `rows_S` are finite on both sides."""
    query_Q, gallery_G = (rows_S[evenly(len(rows_S), most)] for most in (_QUERIES, _GALLERY))
    middle_D = x_SD[gallery_G].mean(axis=0, dtype=np.float64)
    x_GD, y_QD = x_SD[gallery_G] - middle_D, y_SD[query_Q] - middle_D
    far_QG = (x_GD**2).sum(axis=1) - 2 * (y_QD @ x_GD.T)
    far_QG[query_Q[:, None] == gallery_G[None, :]] = np.inf
    nearest_Q = gallery_G[far_QG.argmin(axis=1)]
    own_Q = np.linalg.norm(y_SD[query_Q].astype(np.float64) - x_SD[query_Q], axis=1)
    other_Q = np.linalg.norm(y_SD[query_Q].astype(np.float64) - x_SD[nearest_Q], axis=1)
    missed = np.flatnonzero(other_Q < _SAME * own_Q)
    if not len(missed):
        return
    first = missed[0]
    told = (
        f"{len(missed)} of {len(query_Q)}, the first is {names(int(query_Q[first]))} with the embedding of "
        f"{names(int(nearest_Q[first]))}"
    )
    yield Fault(name="exchanged", confidence="clear", evidence=told, numbers={"share": len(missed) / len(query_Q)})


def few_bits(side: str, precision: str, values_SD: np.ndarray) -> Iterator[Fault]:
    """Yield the fault that numbers called FP32 have fewer bits."""
    bits = significant_bits(values_SD[evenly(len(values_SD), _GALLERY)])
    if precision == "fp32" and bits <= 11:
        kind = "BF16" if bits <= 8 else "FP16 or TF32"
        told = f"all numbers of the {side} have at most {bits} of 24 bits, as {kind}"
        yield Fault(name="few-bits", confidence="clear", evidence=told, numbers={"bits": float(bits)})


def fp16_sums(y_SD: np.ndarray, counts_S: np.ndarray, rows_S: np.ndarray) -> Iterator[Fault]:
    """Yield the fault that means were made of FP16 sums; `counts_S` are the tokens in each mean (0: not known)."""
    known_S = rows_S[counts_S[rows_S] > 0]
    some_S = known_S[evenly(len(known_S), _QUERIES)]
    share, chance = sums_in_fp16(y_SD[some_S], counts_S[some_S])
    if share >= _ON_GRID and chance < _BY_CHANCE:
        told = f"{fmt.percent(share)} of the numbers times the length are FP16 numbers, {fmt.percent(chance)} by chance"
        numbers = {"share": share, "chance": chance}
        yield Fault(name="fp16-sums", confidence="clear", evidence=told, numbers=numbers)


def by_lineup(lineup: Lineup, y_RD: np.ndarray, precision: str) -> list[Fault]:
    """Return the fault that explains the judged embeddings of the line-up best, or what remains by elimination."""
    x_RD = lineup.true_RD
    error_R = np.linalg.norm(y_RD - x_RD, axis=1) / np.linalg.norm(x_RD, axis=1)
    if float(np.median(error_R)) <= FP32_ERROR and float(error_R.max()) <= 10 * FP32_ERROR:
        return []
    best: tuple[Suspect, Explained] | None = None
    for suspect in lineup.suspects(y_RD):
        found = explained(x_RD[suspect.rows], y_RD[suspect.rows], suspect.h_RD)
        fits = found.left < CLEAR and found.nearer >= NEARER_SHARE if suspect.is_fitted else found.fits
        if fits and (best is None or _rank(suspect, found) < _rank(*best)):
            best = suspect, found
    if best is not None:
        return [_fault(*best)]
    return [*by_elimination(error_R, precision)]


def _rank(suspect: Suspect, found: Explained) -> float:
    """What is left; a fitted suspect has to explain twice as much."""
    return found.left * (2.0 if suspect.is_fitted else 1.0)


def _fault(suspect: Suspect, found: Explained) -> Fault:
    told = f"explains {fmt.percent(1 - found.left**2)} of the squared difference on {found.sequences} sequences"
    return Fault(
        name=suspect.name,
        confidence="clear" if found.left < CLEAR else "likely",
        evidence=f"{suspect.detail}, {told}" if suspect.detail else told,
        numbers={"beta": found.beta, "left": found.left, "sequences": float(found.sequences)},
    )


def by_elimination(error_R: np.ndarray, precision: str) -> Iterator[Fault]:
    """Yield what an error that no suspect explains can only be."""
    middle = float(np.median(error_R))
    told = f"relative error {fmt.error(middle)}, and none of the known faults explains it"
    numbers = {"error": middle}
    low, high = np.percentile(error_R, [10, 90])
    if middle <= EXPECTED[precision]:
        if high > _UNEVEN * max(low, FP32_ERROR) and high > EXPECTED["bf16"]:
            yield Fault(name="company", confidence="by elimination", evidence=told, numbers=numbers)
    elif precision == "fp32" and middle <= EXPECTED["bf16"]:
        told = f"about {round(-np.log2(middle))} significant bits, where FP32 leaves 20; {told}"
        yield Fault(name="reduced-precision", confidence="by elimination", evidence=told, numbers=numbers)
    elif high > _UNEVEN * low:
        yield Fault(name="company", confidence="by elimination", evidence=told, numbers=numbers)
    else:
        yield Fault(name="another-checkpoint", confidence="by elimination", evidence=told, numbers=numbers)


def as_measured(faults: Sequence[Fault], *, with_checkpoint: bool) -> Measured:
    """Return F1 and its details."""
    looked = [*WORDS] if with_checkpoint else ["exchanged", "few-bits", "fp16-sums"]
    how = "" if with_checkpoint else "; most need a checkpoint as one side"
    sentence = "; ".join(fault.text for fault in faults) or f"none of the known faults{how}"
    return Measured(
        values={"F1": {"all": {"faults": float(len(faults))}}},
        details={
            "faults": {
                "recognized": [fault.document for fault in faults],
                "looked_for": looked,
                "sentence": sentence,
            }
        },
    )
