"""Faults planted into one arm's engine, so that a run can show which measures see them and which are blind.

Most are bugs that were really met where these models run in FP16 (missing scale, EOS in the mean, another GELU, another
rotary table), the others what a comparison must not miss (a block in BF16, two sequences mixed up, TF32 in the
reference, a sum in half); demo_data.ENGINE_FAULTS has them in words. A fault changes the model or the Encoder of its
own arm only: both arms live in one process and take turns, and the other one keeps its bits.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import torch

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults import in_model
from vp_tui.core.engine.faults.in_encoder import EosInMean, Fp16Pooling, PermutedPair, Tf32Products, Tf32StandIn
from vp_tui.core.errors import UsageError
from vp_tui.core.events import Arm
from vp_tui.core.inputs.spec import Esm2Spec, ModelSpec
from vp_tui.core.models.loading import LoadedModel

Make = Callable[[LoadedModel, PrecisionPlan, torch.device], Encoder]

_TF32_CAPABILITY: Final = (8, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: where it goes, what cannot have it, and how it is planted."""

    arm: Arm
    why_not: Callable[[ModelSpec, PrecisionPlan], str | None]
    """Why this model or plan cannot have it, in words; None when it can."""
    make: Make


def check(fault: str | None, arm: Arm, spec: ModelSpec, plan: PrecisionPlan) -> None:
    """Raise UsageError for a fault that does not exist, or that the model `spec` in `plan` cannot have in this arm."""
    if fault is None:
        return
    if fault not in FAULTS:
        raise UsageError(f"no engine fault {fault!r}; they are: {', '.join(FAULTS)}")
    reason = FAULTS[fault].why_not(spec, plan) if FAULTS[fault].arm == arm else None
    if reason is not None:
        raise UsageError(f"the fault {fault} cannot be planted: {reason}; choose another fault or model")


def plant(fault: str | None, arm: Arm, loaded: LoadedModel, plan: PrecisionPlan, device: torch.device) -> Encoder:
    """The encoder of `arm`: the ordinary one, unless `fault` is of this arm. It may change the model of `loaded`.

    Raises UsageError as `check` does, and as Encoder does.
    """
    check(fault, arm, loaded.spec, plan)
    if fault is None or FAULTS[fault].arm != arm:
        return Encoder(loaded, plan, device)
    return FAULTS[fault].make(loaded, plan, device)


def _any_model(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    del spec, plan
    return None


def _esm2_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    del plan
    return None if isinstance(spec, Esm2Spec) else f"it is one of ESM-2, and {spec.name} is of the kind {spec.kind}"


def _scaled_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    if isinstance(spec, Esm2Spec) and not spec.token_dropout:
        return f"{spec.name} does not scale its token embeddings"
    return _esm2_only(spec, plan)


def _native_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    del plan
    return f"{spec.name} runs inside transformers, where it has no hold" if spec.kind == "hf" else None


def _not_in_bf16(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    if plan.precision == "bf16":
        return "in bf16 it changes nothing"
    return _native_only(spec, plan)


def _residues_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    del plan
    return None if spec.pooling == "residues" else f"the embedding of {spec.name} is a mean over all tokens anyway"


def _fp32_only(spec: ModelSpec, plan: PrecisionPlan) -> str | None:
    del spec
    return None if plan.precision == "fp32" else f"the reference must be fp32, not {plan.name}"


def _changed(change: Callable[[Any], None]) -> Make:
    """A fault that lies in the model alone."""

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
    }
)
"""Name -> fault, in the order and with the names of demo_data.ENGINE_FAULTS."""
