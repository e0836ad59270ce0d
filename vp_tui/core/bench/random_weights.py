"""Models with random weights, made on the device in a published shape: for speed only, the embeddings are meaningless.

Linear layers are N(0, 1 / inputs) (0.02 at the width of the 3B), so every sublayer outputs values of about 1 and the
residual stream grows with the square root of the depth, as in the published models; norms are the identity. Every
weight is exactly representable in FP16, as in the published ESM-2 files; a seed gives the same weights in every format.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final, TypeVar

import torch
from torch import Tensor, nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import DnabertSSpec, Esm2Spec, ModelSpec
from vp_tui.core.inputs.tokens import VOCABULARY
from vp_tui.core.inputs.units import unit_of
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.dnabert_s import alibi_slopes
from vp_tui.core.models.linear import use_linear
from vp_tui.core.models.loading import LoadedModel, family_of
from vp_tui.core.models.ops import choose_ops
from vp_tui.core.models.planned import use_plan
from vp_tui.core.models.precision import cast, round_to_fp16, storage_dtype, table
from vp_tui.core.models.weight_facts import WeightFacts

SpecT = TypeVar("SpecT", bound=ModelSpec)

_ESM2_EPS: Final = 1e-5
_DNABERT_EPS: Final = 1e-12
_DNABERT_VOCABULARY: Final = 4096


def esm2(name: str, num_layers: int, hidden: int, num_heads: int) -> Esm2Spec:
    return _counted(
        Esm2Spec(
            name=name, num_layers=num_layers, hidden=hidden, num_heads=num_heads, ffn=4 * hidden,
            vocab_size=len(VOCABULARY), layer_norm_eps=_ESM2_EPS, token_dropout=True, num_parameters=0,
        )
    )  # fmt: skip


def dnabert_s(name: str, num_layers: int, hidden: int, num_heads: int) -> DnabertSSpec:
    return _counted(
        DnabertSSpec(
            name=name, num_layers=num_layers, hidden=hidden, num_heads=num_heads, ffn=4 * hidden,
            vocab_size=_DNABERT_VOCABULARY, layer_norm_eps=_DNABERT_EPS, num_parameters=0,
        )
    )  # fmt: skip


def _counted(spec: SpecT) -> SpecT:
    shapes = family_of(spec).shapes(spec).values()
    return replace(spec, num_parameters=sum(math.prod(shape) for shape in shapes))


SHAPES: Final[Mapping[str, ModelSpec]] = MappingProxyType(
    {
        "esm2-8m": esm2("esm2-8m", 6, 320, 20),
        "esm2-35m": esm2("esm2-35m", 12, 480, 20),
        "esm2-150m": esm2("esm2-150m", 30, 640, 20),
        "esm2-650m": esm2("esm2-650m", 33, 1280, 20),
        "esm2-3b": esm2("esm2-3b", 36, 2560, 40),
        "dnabert-s": dnabert_s("dnabert-s", 12, 768, 12),
    }
)
"""Short name -> shape of the published model."""


def shape_of(name: str) -> ModelSpec:
    """Return the shape of a short name.

    Raises UsageError for a checkpoint or an unknown name.
    """
    if name not in SHAPES:
        raise UsageError(
            f"--random-weights: {name!r} is not a published shape; use one of {', '.join(SHAPES)}, or omit "
            "--random-weights to load a checkpoint"
        )
    return SHAPES[name]


_BIAS_STD: Final = 0.02
_ROTARY_BASE: Final = 10_000.0
_NOTE: Final = "random weights: speed only, the embeddings are meaningless"


def random_model(spec: ModelSpec, plan: PrecisionPlan, device: torch.device, *, seed: int = 0) -> LoadedModel:
    """Return a native model of `spec` on `device` with random weights in the formats of the plan.

    The generator is the device's own: a seed gives different numbers on different kinds of devices.
    """
    choice = choose_for(spec, plan, device, "auto")
    chosen = choose_ops(storage_dtype(plan.precision), device, "auto")
    with torch.device("meta"):
        model = family_of(spec).build(spec, choice.kernel, chosen.ops)
    generator = torch.Generator(device=device).manual_seed(seed)
    state = {
        name: cast(weight, plan.at(unit_of(name, spec.kind))) for name, weight in _weights(model, device, generator)
    }
    state |= {name: table(tensor.to(device), plan) for name, tensor in _buffers(spec).items()}
    model.load_state_dict(state, assign=True)
    model.requires_grad_(False)
    linear = use_linear(model, plan, device)
    use_plan(model, spec, plan, device)
    return LoadedModel(
        model=model.eval(),
        spec=spec,
        parameter_bytes=sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers())),
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
