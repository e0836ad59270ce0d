"""Inject a fault into the engine of one arm; the other arm, in the same process, keeps its bits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults import ENGINE_FAULTS, in_model
from vp_tui.core.engine.faults.in_encoder import EosInMean, Fp16Pooling, Noisy, PermutedPair, Tf32Products, Tf32StandIn
from vp_tui.core.errors import UsageError
from vp_tui.core.events import Arm
from vp_tui.core.inputs.spec import Esm2Spec, ModelSpec
from vp_tui.core.models.loading import LoadedModel

Make = Callable[[LoadedModel, PrecisionPlan, torch.device], Encoder]

_TF32_CAPABILITY: Final = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: its arm, the models that cannot have it, and its encoder."""

    arm: Arm
    why_not: Callable[[ModelSpec, PrecisionPlan], str | None]
    """The reason why this model or plan cannot have it; None when it can."""
    make: Make


def _any_model(_: ModelSpec, __: PrecisionPlan) -> str | None:
    return None


def _esm2_only(spec: ModelSpec, _: PrecisionPlan) -> str | None:
    return None if isinstance(spec, Esm2Spec) else f"only ESM-2 can have it, {spec.name} is of the kind {spec.kind}"


def _scaled_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    if isinstance(spec, Esm2Spec) and not spec.token_dropout:
        return f"{spec.name} does not scale its token embeddings"
    return _esm2_only(spec, plan)


def _native_only(spec: ModelSpec, _: PrecisionPlan) -> str | None:
    return f"{spec.name} runs inside transformers, which cannot be changed here" if spec.kind == "hf" else None


def _not_in_bf16(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    if plan.precision == "bf16":
        return "in bf16 it changes nothing"
    return _native_only(spec, plan)


def _residues_only(spec: ModelSpec, _: PrecisionPlan) -> str | None:
    return None if spec.pooling == "residues" else f"the embedding of {spec.name} is a mean over all tokens anyway"


def _fp32_only(_: ModelSpec, plan: PrecisionPlan) -> str | None:
    return None if plan.precision == "fp32" else f"the reference must be fp32, not {plan.name}"


def _changed(change: Callable[[Any], None]) -> Make:
    """Return how to make an ordinary encoder of a changed model."""

    def make(loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
        change(loaded.model)
        return Encoder(loaded, plan, device)

    return make


def _tf32(loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
    has_tf32 = device.type == "cuda" and torch.cuda.get_device_capability(device) >= _TF32_CAPABILITY
    return (Tf32Products if has_tf32 else Tf32StandIn)(loaded, plan, device)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "missing-scale": Fault(arm="candidate", why_not=_scaled_only, make=_changed(in_model.without_scale)),
        "eos-in-mean": Fault(arm="candidate", why_not=_residues_only, make=EosInMean),
        "tanh-gelu": Fault(arm="candidate", why_not=_native_only, make=_changed(in_model.with_tanh_gelu)),
        "recomputed-inv-freq": Fault(
            arm="candidate", why_not=_esm2_only, make=_changed(in_model.with_recomputed_inv_freq)
        ),
        "half-angles": Fault(arm="candidate", why_not=_esm2_only, make=_changed(in_model.with_half_angles)),
        "bf16-layer": Fault(arm="candidate", why_not=_not_in_bf16, make=_changed(in_model.with_bf16_block)),
        "permuted-pair": Fault(arm="candidate", why_not=_any_model, make=PermutedPair),
        "tf32-reference": Fault(arm="reference", why_not=_fp32_only, make=_tf32),
        "fp16-pooling": Fault(arm="candidate", why_not=_any_model, make=Fp16Pooling),
        "packing-leak": Fault(arm="candidate", why_not=_native_only, make=_changed(in_model.with_packing_leak)),
        "noisy-candidate": Fault(arm="candidate", why_not=_any_model, make=Noisy),
    }
)
"""Name -> fault, in the order and with the names of ENGINE_FAULTS."""


@dataclass(frozen=True, slots=True)
class FaultyEncoders:
    """The encoders of a run of which one arm's has the fault `name`.

    Raises:
        UsageError: there is no such fault.
    """

    name: str

    def __post_init__(self) -> None:
        if self.name not in FAULTS:
            raise UsageError(f"unknown engine fault {self.name!r}; use one of: {', '.join(FAULTS)}")

    @property
    def note(self) -> str:
        return f"Injected fault {self.name}: {ENGINE_FAULTS[self.name]}"

    def check(self, arm: Arm, spec: ModelSpec, plan: PrecisionPlan) -> None:
        """Raise UsageError when the model `spec` in `plan` cannot have the fault in this arm."""
        fault = FAULTS[self.name]
        reason = fault.why_not(spec, plan) if fault.arm == arm else None
        if reason is not None:
            raise UsageError(f"cannot inject the fault {self.name}: {reason}; choose another fault or model")

    def make(self, arm: Arm, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
        """Return the encoder of `arm`, ordinary or with the fault, which may change the model of `loaded`.

        Raises UsageError as `check` does, and as Encoder does.
        """
        self.check(arm, loaded.spec, plan)
        fault = FAULTS[self.name]
        return fault.make(loaded, plan, device) if fault.arm == arm else Encoder(loaded, plan, device)
