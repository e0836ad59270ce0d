"""FP8 linear layers on a CUDA device: products, fused rounding of rows, whole models."""

import numpy as np
import pytest
import torch
from search_parts import searchable
from torch import nn

from vp_tui.core.bench.random_weights import random_model, shape_of
from vp_tui.core.config import built_in_plan, emulated_plan, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.formats import FP8_CAPABILITY
from vp_tui.core.inputs.source import resolve
from vp_tui.core.models.loading import load
from vp_tui.core.models.operands import rows_in_fp8
from vp_tui.core.models.ops import PLAIN, ResidualNorm
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.models.small_linear import Fp8Linear, RowRounding, use_fp8
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.search import trial

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or torch.cuda.get_device_capability() < FP8_CAPABILITY,
        reason="no CUDA device that multiplies FP8",
    ),
]
CUDA = torch.device("cuda:0")
FP16 = storage_dtype("fp16")


def left_rows(normed):
    return vars(normed)["rows_in_fp8"]


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator(CUDA).manual_seed(seed), device=CUDA).to(FP16)


@pytest.mark.parametrize("rows", [1, 7, 129, 4096])
@pytest.mark.parametrize("has_bias", [True, False])
@pytest.mark.parametrize(("width", "most"), [(320, 1e-3), (10240, 3e-3)])
def test_a_product_is_that_of_its_rounded_operands_but_for_14_bit_sums(rows, has_bias, width, most):
    linear = nn.Linear(width, 1280, bias=has_bias, device=CUDA, dtype=FP16).requires_grad_(False)
    bias = linear.bias.double() if has_bias else 0.0
    use_fp8(linear, RowRounding(), "layers.0.fc1")
    states = normal(rows, width)
    entering = rows_in_fp8(states)
    got = linear(entering)
    assert torch.equal(got, linear(states))
    assert got.dtype == FP16
    products = (entering.values_NK.double() * entering.scale_N1) @ linear.weight.double().t()
    expected = products * linear.weight_scale + bias
    error = (got.double() - expected).norm() / expected.norm()
    assert error < most


def test_exact_accumulation_errs_less_than_the_fast_one():
    weight = normal(1280, 10240, seed=1)
    entering, errors = rows_in_fp8(normal(4096, 10240)), []
    for fast_sums in (True, False):
        linear = nn.Linear(10240, 1280, bias=False, device=CUDA, dtype=FP16).requires_grad_(False)
        linear.weight.copy_(weight)
        use_fp8(linear, RowRounding(), "layers.0.fc2", fast_sums=fast_sums)
        expected = (entering.values_NK.double() * entering.scale_N1) @ linear.weight.double().t() * linear.weight_scale
        errors.append(float((linear(entering).double() - expected).norm() / expected.norm()))
    # a GPU may have one accumulation only
    assert errors[1] <= 1.01 * errors[0]
    assert errors[1] < 1.5e-3


@pytest.mark.parametrize("width", [320, 480, 1280, 2560, 10240])
def test_rows_are_rounded_as_in_plain_torch(width):
    from vp_tui.core.models.fused.eight_bits import FusedRounding

    states = normal(515, width) * torch.logspace(-3, 2, 515, device=CUDA)[:, None].to(FP16)
    states[2] = 0
    got, expected = FusedRounding().rows(states), rows_in_fp8(states)
    assert torch.equal(got.scale_N1, expected.scale_N1)
    assert torch.equal(got.values_NK.view(torch.uint8), expected.values_NK.view(torch.uint8))


def test_a_row_that_is_not_finite_stays_so():
    from vp_tui.core.models.fused.eight_bits import FusedRounding

    states = normal(3, 1280)
    states[0, 3], states[1, 3] = float("nan"), float("inf")
    linear = nn.Linear(1280, 320, device=CUDA, dtype=FP16).requires_grad_(False)
    for rounding in (FusedRounding(), RowRounding()):
        layer = nn.Linear(1280, 320, device=CUDA, dtype=FP16).requires_grad_(False)
        layer.load_state_dict(linear.state_dict())
        use_fp8(layer, rounding, "layers.0.fc1")
        assert torch.isfinite(layer(states)).all(dim=1).tolist() == [False, False, True]


@pytest.mark.parametrize("width", [512, 10240])
def test_gelu_and_its_product_are_rounded_once_more_where_the_plain_ops_store_them(width):
    from vp_tui.core.models.fused.eight_bits import FusedRounding

    states, rounding = normal(257, width), FusedRounding()
    for got, plain in (
        (rounding.grown(states), PLAIN.gelu(states.clone())),
        (rounding.gated(states), PLAIN.gated(states.clone())),
    ):
        expected = rows_in_fp8(plain)
        # two formulas of erf may differ in the last bit of FP16
        other = got.values_NK.view(torch.uint8) != expected.values_NK.view(torch.uint8)
        assert other.float().mean() < 2e-3
        step = expected.values_NK.float().abs().clamp(min=2**-6) / 8
        assert ((got.values_NK.float() - expected.values_NK.float()).abs() <= step * 1.001).all()
        assert torch.allclose(got.scale_N1, expected.scale_N1, rtol=2e-3)


@pytest.mark.parametrize("width", [320, 2560])
def test_a_norm_leaves_its_own_numbers_in_fp8_beside_it(width):
    """Triton gives the row to its threads in another order where it also stores FP8, so a sum may round otherwise."""
    from vp_tui.core.models.fused.ops import Fused, FusedBeforeFp8

    hidden_ND, delta_ND = normal(700, width), normal(700, width, seed=1)
    norm = ResidualNorm(width, 1e-5, PLAIN).to(CUDA, FP16)
    norm.weight.data, norm.bias.data = normal(width, seed=2), normal(width, seed=3)
    got, summed = FusedBeforeFp8().add_norm(hidden_ND, delta_ND, norm)
    expected, sums = Fused().add_norm(hidden_ND, delta_ND, norm)
    assert torch.equal(summed, sums)
    other = got != expected
    assert other.float().mean() < 1e-3
    assert torch.allclose(got, expected, rtol=2**-9, atol=2**-14)
    rows = rows_in_fp8(got)
    assert torch.equal(left_rows(got).scale_N1, rows.scale_N1)
    assert torch.equal(left_rows(got).values_NK.view(torch.uint8), rows.values_NK.view(torch.uint8))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Kind -> SearchData of a tiny checkpoint with heads of 64."""
    root = tmp_path_factory.mktemp("fp8")
    make_checkpoint(root / "esm2", num_layers=3, hidden=128, num_heads=2)
    make_dnabert(root / "dnabert-s", num_layers=3)
    return {kind: searchable(root / kind, root / f"{kind}-run", count=48) for kind in ("esm2", "dnabert-s")}


def embeddings(data, plan):
    encoder = Encoder(load(resolve(str(data.source.path)), plan, CUDA), plan, CUDA)
    return trial.encode(encoder, data, np.arange(len(data.prepared.sequences))).embeddings_QD


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
@pytest.mark.parametrize("name", ["fp8", "fp8-ffn"])
def test_a_model_in_fp8_errs_as_its_emulation_does(cases, kind, name):
    data = cases[kind]
    exact = embeddings(data, plain_plan("fp32"))
    real, emulated = (embeddings(data, plan) - exact for plan in (built_in_plan(name), emulated_plan(name)))
    half = embeddings(data, plain_plan("fp16")) - exact
    sizes = [float(np.linalg.norm(one)) for one in (real, emulated, half)]
    assert np.isfinite(real).all()
    assert 0.8 < sizes[0] / sizes[1] < 1.25
    assert sizes[0] > 4 * sizes[2]


def test_all_linear_layers_of_the_plan_are_in_fp8_and_weigh_half():
    plan = built_in_plan("fp8")
    loaded = random_model(shape_of("esm2-8m"), plan, CUDA)
    layers = [one for name, one in loaded.model.named_modules() if isinstance(one, nn.Linear)]
    assert all(isinstance(one, Fp8Linear) for one in layers)
    half = random_model(shape_of("esm2-8m"), plain_plan("fp16"), CUDA)
    assert loaded.parameter_bytes < 0.6 * half.parameter_bytes
