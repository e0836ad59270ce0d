"""Loads a checkpoint from any source to a device: download, read, dispatch by kind.

`load` is the entry point for all kinds and returns a LoadedModel. The names of tensors are in esm2_weights,
dnabert_s_weights and fair_esm_weights; transformers loads every other kind (hf).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor, nn

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.inputs import adapter, units
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import HfSpec, Kind, ModelSpec, read_spec
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.checkpoint import open_checkpoint
from vp_tui.core.models.dnabert_s import DNABERT_S
from vp_tui.core.models.esm2 import ESM2
from vp_tui.core.models.fair_esm_weights import open_fair_esm
from vp_tui.core.models.hf import hf_attention, load_hf
from vp_tui.core.models.linear import use_linear
from vp_tui.core.models.native import Family, Opener, fill
from vp_tui.core.models.ops import ChosenOps, choose_ops
from vp_tui.core.models.planned import use_plan
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.models.weight_facts import WeightFacts, of_files


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model ready to encode, and the properties of its weights."""

    model: nn.Module
    """Maps (ids_N, layout) to token outputs [N, D] in the plan's format."""
    spec: ModelSpec
    parameter_bytes: int
    """Bytes of parameters and buffers on the device."""
    weights: WeightFacts
    """Number format in the file, and the error of rounding to FP16."""
    attention_kernel: str
    attention_reason: str
    """Reasons for this kernel, against each other one, for these ops and this arithmetic of linear layers."""
    ops: str = "transformers"
    """Name of the ops between the matmuls: plain, fused, or those of transformers."""
    notes: tuple[str, ...] = ()
    """Sentences about the loading, for the run record."""

    @property
    def fp16_exact(self) -> bool:
        """True if every weight in the file is exactly representable in FP16, as in the published ESM-2 files."""
        return self.weights.fp16_exact


_FAMILIES: Final[dict[Kind, Family[Any]]] = {"esm2": ESM2, "dnabert-s": DNABERT_S}
"""Native kinds."""


def family_of(spec: ModelSpec) -> Family[Any]:
    """Return the Family of a native spec; hf has none."""
    return _FAMILIES[spec.kind]


def opener_of(source: ModelSource) -> Opener:
    """Return the function that opens the weights of `source`, a folder or a fair-esm file."""
    return open_checkpoint if source.file is None else open_fair_esm


def kernel_name(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, requested: AttentionName, *, spare_fp32: bool = False
) -> str:
    """Return the name of the attention kernel that `load` would choose, without loading anything.

    Raises UsageError: a kernel that is not available for this model, precision or device.
    """
    if isinstance(spec, HfSpec):
        return hf_attention(requested, plan, device).name
    choice = choose_for(spec, plan, device, requested, spare_fp32=spare_fp32)
    return _ops(plan, device, requested).ops.attending(choice.name, spec.head_dim)


def _ops(plan: PrecisionPlan, device: torch.device, requested: AttentionName) -> ChosenOps:
    return choose_ops(storage_dtype(plan.precision), device, requested)


def load(
    source: ModelSource,
    plan: PrecisionPlan,
    device: torch.device,
    attention: AttentionName = "auto",
    *,
    spare_fp32: bool = False,
) -> LoadedModel:
    """Return the model of `source` on `device`, each parameter in its unit's format, buffers in FP32 (FP64 in FP64).

    `attention` is the requested kernel or "auto"; `spare_fp32` as in attention.choose.

    Raises ModelError: no such model, another architecture, unreadable weights, or missing, unknown or wrongly shaped
    tensors. Raises UsageError: a kernel that is not available for this precision or device, or a plan with units that
    the model does not have.
    """
    source = fetch(source)
    spec = read_spec(source.path, source.name)
    if isinstance(spec, HfSpec):
        return _load_hf(source, spec, plan, device, attention)
    return _load_native(source, spec, plan, device, attention, spare_fp32=spare_fp32)


def _load_native(
    source: ModelSource,
    spec: ModelSpec,
    plan: PrecisionPlan,
    device: torch.device,
    attention: AttentionName,
    *,
    spare_fp32: bool,
) -> LoadedModel:
    choice = choose_for(spec, plan, device, attention, spare_fp32=spare_fp32)
    chosen = _ops(plan, device, attention)
    filled = fill(
        family_of(spec),
        spec,
        choice.kernel,
        path=source.path,
        plan=plan,
        device=device,
        opened=opener_of(source),
        ops=chosen.ops,
    )
    linear = use_linear(filled.model, plan, device)
    use_plan(filled.model, spec, plan, device)
    return LoadedModel(
        model=filled.model,
        spec=spec,
        parameter_bytes=_held_bytes(filled.model),
        weights=filled.weights,
        attention_kernel=chosen.ops.attending(choice.name, spec.head_dim),
        attention_reason=f"{choice.text}; {chosen.reason}; {linear.reason}",
        ops=chosen.ops.name,
        notes=(*adapter.notes_of(source.path), *filled.notes),
    )


def replanned(
    loaded: LoadedModel,
    plan: PrecisionPlan,
    device: torch.device,
    attention: AttentionName,
    cast: Callable[[str, Tensor, PrecisionPlan], Tensor],
) -> LoadedModel:
    """Return the native model `loaded`, whose parameters are FP32, in another plan, without reading the checkpoint.

    `cast(name, parameter, plan)` gives a parameter in the base format of a plan; it may keep what it has given.

    Raises UsageError as `load`.
    """
    choice = choose_for(loaded.spec, plan, device, attention, spare_fp32=True)
    chosen = _ops(plan, device, attention)
    with torch.device("meta"):
        model = family_of(loaded.spec).build(loaded.spec, choice.kernel, chosen.ops)
    state = {
        name: cast(name, value, plan.at(unit_of(name, loaded.spec.kind)))
        for name, value in loaded.model.named_parameters()
    }
    model.load_state_dict(
        state | {name: buffer.to(device) for name, buffer in loaded.model.named_buffers()}, assign=True
    )
    use_linear(model.eval().requires_grad_(False), plan, device)
    use_plan(model, loaded.spec, plan, device)
    return replace(
        loaded,
        model=model,
        parameter_bytes=_held_bytes(model),
        attention_kernel=chosen.ops.attending(choice.name, loaded.spec.head_dim),
    )


def _load_hf(
    source: ModelSource, spec: HfSpec, plan: PrecisionPlan, device: torch.device, attention: AttentionName
) -> LoadedModel:
    units.require(plan.kept, spec, plan.name)
    loaded = load_hf(spec, source.path, plan, device, attention, trust_remote_code=source.trust_remote_code)
    linear = use_linear(loaded.model, plan, device)
    return LoadedModel(
        model=loaded.model,
        spec=spec,
        parameter_bytes=_held_bytes(loaded.model),
        weights=of_files(source.path),
        attention_kernel=loaded.attention.name,
        attention_reason=f"{loaded.attention.reason}; {linear.reason}",
        notes=(*adapter.notes_of(source.path), *loaded.notes),
    )


def _held_bytes(model: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
