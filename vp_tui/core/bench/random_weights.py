"""A native model with random weights, made on the device: for speed only, its embeddings are meaningless.

Linear layers are N(0, 1 / inputs) (0.02 at the width of the 3B), so every sublayer outputs values of about 1 and the
residual stream grows with the square root of the depth, as in the published models; norms are the identity. Every
weight is exactly representable in FP16, as in the published ESM-2 files; a seed gives the same weights in every format.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.inputs.spec import DnabertSSpec, ModelSpec
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.dnabert_s import alibi_slopes
from vp_tui.core.models.fusing import choose_ops
from vp_tui.core.models.linear import use_linear
from vp_tui.core.models.loading import LoadedModel, family_of
from vp_tui.core.models.precision import cast, round_to_fp16, storage_dtype, table
from vp_tui.core.models.weight_facts import WeightFacts

_BIAS_STD: Final = 0.02
_ROTARY_BASE: Final = 10_000.0
_NOTE: Final = "random weights: speed only, the embeddings are meaningless"


def random_model(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, attention: AttentionName = "auto", *, seed: int = 0
) -> LoadedModel:
    """Return a native model of `spec` on `device` with random weights in the plan's format.

    The generator is the device's own: a seed gives different numbers on different kinds of devices.
    Raises UsageError for an attention kernel that is not available for this precision or device.
    """
    choice = choose_for(spec, plan, device, attention)
    chosen = choose_ops(storage_dtype(plan.precision), device, attention)
    with torch.device("meta"):
        model = family_of(spec).build(spec, choice.kernel, chosen.ops)
    generator = torch.Generator(device=device).manual_seed(seed)
    state = {name: cast(weight, plan) for name, weight in _weights(model, device, generator)}
    state |= {name: table(tensor.to(device), plan) for name, tensor in _buffers(spec).items()}
    model.load_state_dict(state, assign=True)
    model.requires_grad_(False)
    linear = use_linear(model, plan, device)
    return LoadedModel(
        model=model.eval(),
        spec=spec,
        path=Path(spec.name),
        revision=None,
        weights_sha256=f"random, seed {seed}",
        parameter_bytes=sum(tensor.nbytes for tensor in state.values()),
        weights=WeightFacts(file_dtype="random", fp16_max_error=0.0, fp16_overflows=0),
        attention_kernel=chosen.ops.attending(choice.name, spec.head_dim),
        attention_reason=f"{choice.text}; {chosen.reason}; {linear.reason}",
        ops=chosen.ops.name,
        notes=(_NOTE,),
    )


def _weights(model: nn.Module, device: torch.device, generator: torch.Generator) -> Iterator[tuple[str, Tensor]]:
    for name, parameter in model.named_parameters():
        is_norm = "norm" in name
        if is_norm and name.endswith("weight"):
            yield name, torch.ones(parameter.shape, device=device)
        elif is_norm:
            yield name, torch.zeros(parameter.shape, device=device)
        else:
            drawn = torch.randn(parameter.shape, device=device, generator=generator)
            yield name, round_to_fp16(drawn.mul_(_std(name, parameter)))


def _std(name: str, parameter: Tensor) -> float:
    if parameter.ndim == 1:
        return _BIAS_STD
    is_embedding = name.startswith(("embedding.", "token_type."))
    return 1.0 if is_embedding else float(parameter.shape[1] ** -0.5)


def _buffers(spec: ModelSpec) -> dict[str, Tensor]:
    if isinstance(spec, DnabertSSpec):
        return {"slopes_H": alibi_slopes(spec.num_heads)}
    even_k = torch.arange(0, spec.head_dim, 2, dtype=torch.float32)
    return {"inv_freq": _ROTARY_BASE ** (-even_k / spec.head_dim)}
