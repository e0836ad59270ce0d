"""The figures of a run that has not begun, from known facts; None where nothing is known.

Shape suffix: S sequences.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from vp_tui.core.config import STRATA, Precision, PrecisionChoice, RunConfig, Stratum, choose_precision
from vp_tui.core.engine import footprint
from vp_tui.core.errors import InputError, Unavailable
from vp_tui.core.events import GpuSample
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.spec import ModelSpec, default_cuts
from vp_tui.core.inputs.tokens import SPECIALS
from vp_tui.core.runs import cached_reference
from vp_tui.core.runs.estimate import known
from vp_tui.core.runs.estimate.known import EarlierRun, InputFacts, LocalCheckpoint
from vp_tui.core.runs.estimate.planned import PlannedDevices, planned
from vp_tui.core.store.home import Home
from vp_tui.core.store.reader import Reader

Fit = Literal["both", "in turn", "no"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmEstimate:
    precision: Precision
    seconds: float | None
    """Of encoding."""
    like: EarlierRun | None
    """The run whose speed the seconds are projected from."""
    weight_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Sequences, tokens, time and memory of a planned run; None where unknown before it starts."""

    in_file: int
    strata: Mapping[Stratum, int]
    """Sequences the run would use."""
    tokens: int | None
    is_exact: bool
    """True: the tokens are counted; False: projected from some of the sequences."""
    reference: ArmEstimate
    candidate: ArmEstimate
    stored_by: int | None
    """The run that probably left a reference that fits."""
    devices: PlannedDevices
    free_bytes: int | None
    """On the first device."""
    to_fetch: str | None
    """The hub id of a checkpoint that is not on this machine."""
    precision_reason: str | None
    """The reason why the candidate would not run in the requested precision."""
    activation_bytes: int = 0
    """Of the smallest packed batch that the run can use; 0 when unknown."""

    @property
    def sequences(self) -> int:
        return sum(self.strata.values())

    @property
    def fit(self) -> Fit | None:
        """Return whether both arms fit in the free memory, one at a time, or not even that."""
        reference, candidate = self.reference.weight_bytes, self.candidate.weight_bytes
        if reference is None or candidate is None or self.free_bytes is None:
            return None
        free, activations = self.free_bytes // self.devices.copies, self.activation_bytes
        if max(reference, candidate) + activations > free:
            return "no"
        fits = footprint.fit_together((reference, candidate), activations, free)
        return "both" if fits else "in turn"


def estimated(
    config: RunConfig,
    data: InputFacts,
    checkpoint: LocalCheckpoint | str,
    *,
    earlier: Sequence[EarlierRun],
    devices: PlannedDevices,
    free_bytes: int | None,
    environment: Mapping[str, str],
) -> Estimate:
    """Return the estimate of a run of `config`; `environment` may hold the switch that makes the candidate FP32.

    Raises:
        InputError: the letters are not those that the model reads.
        ModelError: the checkpoint's tokenizer cannot be used.
    """
    spec = checkpoint.spec if isinstance(checkpoint, LocalCheckpoint) else None
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
        reference=_arm(config.reference, tokens, earlier, spec, devices),
        candidate=_arm(choice.precision, tokens, earlier, spec, devices),
        stored_by=_stored_by(config, choice, [run for run in earlier if run.devices == devices.count], data.changed_us),
        devices=devices,
        free_bytes=free_bytes,
        to_fetch=checkpoint if isinstance(checkpoint, str) else None,
        precision_reason=choice.reason,
        activation_bytes=_activation_bytes(config, checkpoint, data, data.lengths_S[chosen_S].max()),
    )


def _activation_bytes(config: RunConfig, checkpoint: LocalCheckpoint | str, data: InputFacts, longest: int) -> int:
    """Return the bytes for the requested token budget, or for the longest sequence, which any budget holds."""
    budget, _ = _tokens(checkpoint, data, np.array([longest]))
    if config.token_budget != "auto":
        budget = config.token_budget
    if budget is None or isinstance(checkpoint, str):
        return 0
    return budget * max(
        footprint.activation_bytes(checkpoint.spec, precision) for precision in (config.reference, config.precision)
    )


def _require_letters(spec: ModelSpec | None, data: InputFacts) -> None:
    if spec is not None and spec.alphabet not in {"any", data.alphabet}:
        got, read = ("DNA or RNA", "proteins") if data.alphabet == "dna" else ("proteins", "DNA")
        raise InputError(f"the sequences are {got}, and {spec.name} reads {read}; choose other sequences or a model")


def _tokens(checkpoint: LocalCheckpoint | str, data: InputFacts, lengths_S: np.ndarray) -> tuple[int | None, bool]:
    """Return the tokens of the sequences, and True when they are exact; None for models that are not native."""
    if isinstance(checkpoint, str) or checkpoint.spec.kind == "hf":
        return None, False
    specials = SPECIALS * len(lengths_S)
    if checkpoint.spec.max_residues is not None:
        return int(np.minimum(lengths_S, checkpoint.spec.max_residues).sum()) + specials, True
    counted = BpeTokenizer(checkpoint.path, checkpoint.spec.vocab_size).encode(data.tried).lengths_S - SPECIALS
    per_letter = int(counted.sum()) / sum(map(len, data.tried))
    return round(int(lengths_S.sum()) * per_letter) + specials, False


def _arm(
    precision: Precision,
    tokens: int | None,
    earlier: Sequence[EarlierRun],
    spec: ModelSpec | None,
    devices: PlannedDevices,
) -> ArmEstimate:
    rates = ((run, _rate(run, precision, devices)) for run in earlier)
    like, rate = next(((run, rate) for run, rate in rates if rate), (None, None))
    known = spec is not None and spec.num_parameters > 0
    return ArmEstimate(
        precision=precision,
        seconds=tokens / rate if tokens is not None and rate else None,
        like=like if tokens is not None else None,
        weight_bytes=footprint.weight_bytes(spec, precision) if spec is not None and known else None,
    )


def _rate(run: EarlierRun, precision: Precision, devices: PlannedDevices) -> float | None:
    """Return the throughput that the run's arm in that precision would have on `devices`; None when it has none."""
    rate = next((arm["tokens_per_s"] for arm in run.arms.values() if arm["precision"] == precision), None)
    # of all devices of that run together, which on a CPU are one
    return rate * devices.speed / (1 if devices.is_cpu else run.devices) if rate is not None else None


def _stored_by(
    config: RunConfig, choice: PrecisionChoice, earlier: Sequence[EarlierRun], changed_us: int
) -> int | None:
    """Return the newest run with the same settings whose sequence file has not been written since."""
    if cached_reference.why_recomputed(choice.precision, config) is not None:
        return None
    asked = config.model_dump(mode="json")
    for run in earlier:
        same = all(run.config.get(name) == asked[name] for name in cached_reference.DECIDING)
        if same and changed_us < run.created_at_us:
            return run.run_id
    return None


class Estimator:
    """Estimates runs for the store at `home` and caches what it has read; thread-safe."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._inputs = known.InputCache()

    def estimate(self, config: RunConfig, gpu: GpuSample | Unavailable, num_gpus: int) -> Estimate:
        """Estimate a run of `config`; `gpu` is a reading of the first GPU, or the reason why there is none.

        Raises:
            InputError, ModelError, UsageError: the run would be refused.
            StoreError: the store cannot be read.
        """
        devices = planned(config, gpu, num_gpus)
        checkpoint = known.checkpoint_of(config.model)
        data = self._inputs.read(Path(config.input))
        with Reader(self._home) as reader:
            earlier = known.earlier_runs(reader, config.model, devices.first)
        return estimated(
            config,
            data,
            checkpoint,
            earlier=earlier,
            devices=devices,
            free_bytes=known.free_bytes(devices, gpu),
            environment=os.environ,
        )
