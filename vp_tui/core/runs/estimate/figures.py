"""The figures of a run that has not begun, from what is known: pure, and None where nothing is known.

Shape suffix: S sequences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from vp_tui.core.config import RESIDENT_SHARE, STRATA, Precision, PrecisionChoice, RunConfig, Stratum, choose_precision
from vp_tui.core.errors import InputError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.spec import ModelSpec, default_cuts
from vp_tui.core.inputs.tokens import SPECIALS
from vp_tui.core.runs import cached_reference
from vp_tui.core.runs.estimate.known import Checkpoint, Earlier, InputFacts

ITEM_BYTES: Final[Mapping[Precision, int]] = {"fp32": 4, "tf32": 4, "bf16": 2, "fp16": 2}
"""Of one weight."""

Fit = Literal["both", "in turn", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEstimate:
    """One arm of the run to be."""

    precision: Precision
    seconds: float | None
    """Of encoding."""
    like: Earlier | None
    """The run whose speed the seconds are projected from."""
    weight_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a run would take; None where that cannot be known before it starts."""

    in_file: int
    strata: Mapping[Stratum, int]
    """Sequences the run would use."""
    tokens: int | None
    is_exact: bool
    """Whether the tokens are counted, not projected from some of the sequences."""
    reference: ArmEstimate
    candidate: ArmEstimate
    stored_by: int | None
    """The run that probably left a reference that fits."""
    device: str
    """cpu or cuda:N."""
    free_bytes: int | None
    to_fetch: str | None
    """The hub id of a checkpoint that is not on this machine."""
    precision_reason: str | None
    """Why the candidate would not run in the precision that was asked for."""

    @property
    def sequences(self) -> int:
        """Of all strata."""
        return sum(self.strata.values())

    @property
    def fit(self) -> Fit | None:
        """Whether the weights of both arms have room in the free memory, or of one at a time, or not even those."""
        reference, candidate = self.reference.weight_bytes, self.candidate.weight_bytes
        if reference is None or candidate is None or self.free_bytes is None:
            return None
        if max(reference, candidate) > self.free_bytes:
            return "no"
        return "both" if reference + candidate <= RESIDENT_SHARE * self.free_bytes else "in turn"


def estimated(
    config: RunConfig,
    data: InputFacts,
    checkpoint: Checkpoint | str,
    *,
    earlier: Sequence[Earlier],
    device: str,
    free_bytes: int | None,
    environment: Mapping[str, str],
) -> Estimate:
    """The figures of a run of `config`; `environment` may hold the switch that puts the candidate back to FP32.

    Raises:
        InputError: the letters are not those that the model reads.
        ModelError: the checkpoint's tokenizer cannot be used.
    """
    spec = checkpoint.spec if isinstance(checkpoint, Checkpoint) else None
    _require_letters(spec, data)
    stratum_S = sequences.strata_of(data.lengths_S, config.strata or default_cuts(data.alphabet))
    chosen_S = sequences.stratified_sample(stratum_S, config.sample, config.seed)
    counts = np.bincount(stratum_S[chosen_S], minlength=len(STRATA))
    tokens, is_exact = _tokens(checkpoint, data, data.lengths_S[chosen_S])
    choice = choose_precision(config.precision, environment)
    return Estimate(
        in_file=len(data.lengths_S),
        strata={name: int(count) for name, count in zip(STRATA, counts, strict=True)},
        tokens=tokens,
        is_exact=is_exact,
        reference=_arm(config.reference, tokens, earlier, spec),
        candidate=_arm(choice.precision, tokens, earlier, spec),
        stored_by=_stored_by(config, choice, earlier, data.changed_us),
        device=device,
        free_bytes=free_bytes,
        to_fetch=checkpoint if isinstance(checkpoint, str) else None,
        precision_reason=choice.reason,
    )


def _require_letters(spec: ModelSpec | None, data: InputFacts) -> None:
    if spec is not None and spec.alphabet not in {"any", data.alphabet}:
        got, read = ("DNA or RNA", "proteins") if data.alphabet == "dna" else ("proteins", "DNA")
        raise InputError(f"the sequences are {got}, and {spec.name} reads {read}; choose other sequences or a model")


def _tokens(checkpoint: Checkpoint | str, data: InputFacts, lengths_S: np.ndarray) -> tuple[int | None, bool]:
    """Tokens of the chosen sequences, and whether they are exact; only native models are known to count like this."""
    if isinstance(checkpoint, str) or checkpoint.spec.kind == "hf":
        return None, False
    specials = SPECIALS * len(lengths_S)
    if checkpoint.spec.max_residues is not None:
        return int(np.minimum(lengths_S, checkpoint.spec.max_residues).sum()) + specials, True
    per_letter = _tokens_per_letter(checkpoint.path, checkpoint.spec, data.tried)
    return round(int(lengths_S.sum()) * per_letter) + specials, False


def _tokens_per_letter(folder: Path, spec: ModelSpec, tried: Sequence[bytes]) -> float:
    counted = BpeTokenizer(folder, spec.vocab_size).encode(tried).lengths_S - SPECIALS
    return int(counted.sum()) / sum(map(len, tried))


def _arm(precision: Precision, tokens: int | None, earlier: Sequence[Earlier], spec: ModelSpec | None) -> ArmEstimate:
    rates = ((run, _rate(run, precision)) for run in earlier)
    like, rate = next(((run, rate) for run, rate in rates if rate), (None, None))
    known = spec is not None and spec.num_parameters > 0
    return ArmEstimate(
        precision=precision,
        seconds=tokens / rate if tokens is not None and rate else None,
        like=like if tokens is not None else None,
        weight_bytes=spec.num_parameters * ITEM_BYTES[precision] if spec is not None and known else None,
    )


def _rate(run: Earlier, precision: Precision) -> float | None:
    """Tokens per second of the run's arm in that precision, None where it has none."""
    return next((arm["tokens_per_s"] for arm in run.arms.values() if arm["precision"] == precision), None)


def _stored_by(config: RunConfig, choice: PrecisionChoice, earlier: Sequence[Earlier], changed_us: int) -> int | None:
    """The newest run with the same settings whose sequence file has not been written since."""
    if cached_reference.why_recomputed(choice.precision, config) is not None:
        return None
    asked = config.model_dump(mode="json")
    for run in earlier:
        same = all(run.config.get(name) == asked[name] for name in cached_reference.DECIDING)
        if same and changed_us < run.created_at_us:
            return run.run_id
    return None
