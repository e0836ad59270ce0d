"""Operands in 8 bits and less: scales, rounding, and the plans whose linear layers have them."""

import pytest
import torch
from torch import nn

from vp_tui.core.config import PrecisionPlan, built_in_plan, emulated_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.formats import EMULATED
from vp_tui.core.models import small_linear
from vp_tui.core.models.operands import E4M3, LARGEST, NF4_BLOCK, ROUNDING, Rows8, rows_in_fp8
from vp_tui.core.models.precision import check, short_sums, significant_bits, storage_dtype
from vp_tui.core.models.small_linear import EmulatedLinear, Fp8Linear, RowRounding, leave, use_emulated, use_fp8

FP16 = storage_dtype("fp16")


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def scaled_mm(values, weight, *, scale_a, scale_b, bias, out_dtype, use_fast_accum):
    """torch._scaled_mm as it is documented, with sums in FP32: then scales, bias, and one rounding."""
    assert values.dtype == weight.dtype == E4M3
    assert weight.stride(0) == 1, "the second operand is column-major"
    assert scale_a.shape == (len(values), 1)
    assert scale_b.shape == (1, weight.shape[1])
    assert bias.dtype == out_dtype == FP16
    assert use_fast_accum is True
    return ((values.float() @ weight.float()) * scale_a * scale_b + bias.float()).to(out_dtype)


def test_every_row_has_its_own_scale_and_its_largest_number_is_exact():
    states = normal(6, 64) * torch.logspace(-3, 3, 6)[:, None]
    rows = rows_in_fp8(states)
    assert rows.values_NK.float().abs().amax(dim=1).tolist() == [LARGEST] * 6
    peak = states.abs().amax(dim=1)
    assert torch.allclose((rows.values_NK.float() * rows.scale_N1).abs().amax(dim=1), peak, rtol=1e-6)
    # half a unit in the last of 4 binary digits, where numbers are not subnormal
    error = (rows.values_NK.float() * rows.scale_N1 - states).abs()
    assert (error <= torch.maximum(states.abs() / 16, peak[:, None] / LARGEST * 2**-10) * 1.0001).all()


def test_what_is_not_finite_stays_so_and_zeros_stay_zeros():
    states = normal(4, 32)
    states[0, 3], states[1, 5], states[2] = float("nan"), float("inf"), 0.0
    for own, rounding in ROUNDING.items():
        rounded = rounding.entering(states)
        finite = torch.isfinite(rounded).all(dim=1).tolist()
        assert finite == [False, False, True, True], own
        assert (rounded[2] == 0).all(), own
        assert torch.isfinite(rounding.weight(states)).all(dim=1).tolist()[:1] == [False], own


def test_int8_has_254_steps_per_row_and_nf4_16_numbers_per_block():
    states = normal(3, 4096)
    steps = ROUNDING["emulated-int8"].entering(states) / (states.abs().amax(dim=1, keepdim=True) / 127)
    assert torch.allclose(steps, steps.round(), atol=1e-3)
    blocks = ROUNDING["emulated-nf4"].weight(states).view(-1, NF4_BLOCK)
    assert max(len(block.unique()) for block in blocks) <= 16
    assert torch.equal(blocks.abs().amax(dim=1), states.view(-1, NF4_BLOCK).abs().amax(dim=1))


@pytest.mark.parametrize("has_bias", [True, False])
def test_an_fp8_layer_is_the_fp32_product_of_its_rounded_operands(monkeypatch, has_bias):
    monkeypatch.setattr(torch, "_scaled_mm", scaled_mm)
    linear = nn.Linear(64, 48, bias=has_bias, dtype=FP16)
    weight, bias = linear.weight.detach().float(), linear.bias.detach().float() if has_bias else None
    use_fp8(linear, RowRounding(), "layers.0.fc1")
    assert isinstance(linear, Fp8Linear)
    assert linear.weight.dtype == E4M3
    states = normal(5, 64, seed=1, dtype=FP16)
    rounding = ROUNDING["fp8"]
    expected = nn.functional.linear(rounding.entering(states.float()), rounding.weight(weight), bias)
    got = linear(states)
    assert got.dtype == FP16
    assert torch.allclose(got.float(), expected, rtol=2e-3, atol=2e-3)
    # a fused op may have rounded the rows
    assert torch.equal(linear(rows_in_fp8(states)), got)


def test_rows_left_beside_a_tensor_are_taken_and_a_new_tensor_has_none(monkeypatch):
    monkeypatch.setattr(torch, "_scaled_mm", scaled_mm)
    linear = nn.Linear(32, 32, dtype=FP16)
    use_fp8(linear, RowRounding(), "layers.0.qkv")
    states, others = normal(4, 32, dtype=FP16), normal(4, 32, seed=2, dtype=FP16)
    left = leave(states.clone(), rows_in_fp8(others))
    assert torch.equal(linear(left), linear(others))
    assert torch.equal(linear(left * 1), linear(states))


def test_a_layer_of_other_sizes_is_refused_with_a_next_step():
    with pytest.raises(UsageError, match=r"layers\.3\.fc1.*--emulate fp8"):
        use_fp8(nn.Linear(40, 48), RowRounding(), "layers.3.fc1")


@pytest.mark.parametrize("own", sorted({own for own, _ in EMULATED.values()}))
def test_an_emulated_layer_rounds_both_operands_and_multiplies_in_fp32(own):
    linear, states = nn.Linear(64, 48), normal(5, 64, seed=1)
    weight, exact = linear.weight.detach().clone(), linear(states).detach()
    use_emulated(linear, own)
    assert isinstance(linear, EmulatedLinear)
    rounding = ROUNDING[own]
    expected = nn.functional.linear(rounding.entering(states), rounding.weight(weight), linear.bias)
    assert torch.equal(linear(states), expected)
    assert not torch.allclose(expected, exact, rtol=1e-4)


def test_a_cpu_refuses_fp8_and_names_the_emulation():
    with pytest.raises(UsageError, match=r"compute capability 8\.9.*--emulate fp8"):
        check(built_in_plan("fp8-ffn"), torch.device("cpu"))
    check(emulated_plan("fp8"), torch.device("cpu"), {})


def test_built_in_plans_keep_all_linear_layers_or_those_of_the_feed_forward():
    whole, ffn = built_in_plan("fp8"), built_in_plan("fp8-ffn")
    assert [whole.of(f"layers.7.{name}") for name in ("qkv", "out", "fc1", "wo")] == ["fp8"] * 4
    assert [ffn.of(f"layers.7.{name}") for name in ("qkv", "out", "fc1", "wo")] == ["fp16", "fp16", "fp8", "fp8"]
    others = ("layers.7.gelu", "layers.7.attention", "layers.7.attention_norm", "final_norm", "embedding", None)
    assert {whole.of(unit) for unit in others} == {"fp16"}
    assert not whole.is_emulated
    assert emulated_plan("int8").is_emulated
    assert emulated_plan("int8").of("layers.0.gelu") == "fp32"


def test_only_linear_layers_have_small_operands():
    with pytest.raises(ValueError, match=r"layers\.0\.gelu cannot be in fp8"):
        PrecisionPlan(name="x", precision="fp16", kept={"layers.0.gelu": "fp8"})


def test_the_bits_of_a_plan_are_those_of_its_smallest_operands():
    """More bits would let a reference that is not exact enough pass (R1)."""
    assert significant_bits(built_in_plan("fp8-ffn")) == 4
    assert significant_bits(emulated_plan("int8")) == 5
    assert significant_bits(PrecisionPlan(name="x", precision="fp16", kept={"final_norm": "fp32"})) == 11


def test_few_rows_are_filled_up_and_the_result_has_none_of_them(monkeypatch):
    seen = []

    def product(values, weight, **options):
        seen.append(len(values))
        return scaled_mm(values, weight, **options)

    monkeypatch.setattr(torch, "_scaled_mm", product)
    linear = nn.Linear(32, 48, dtype=FP16)
    use_fp8(linear, RowRounding(), "layers.0.fc1")
    states = normal(300, 32, dtype=FP16)
    every, few = linear(states), linear(states[:7])
    assert seen == [300, 256]
    assert torch.equal(few, every[:7])
    rows = rows_in_fp8(states)
    assert rows.at_least(300) is rows


def test_rows_are_widened_to_fp16():
    rows = rows_in_fp8(normal(3, 16))
    assert rows.widened().dtype == FP16
    assert isinstance(rows, Rows8)
    assert small_linear.storage_dtype("fp8") == FP16


def test_sums_in_fp16_are_refused_on_a_cpu():
    with pytest.raises(UsageError, match=r"fp16-acc16 needs a CUDA device.*use fp16"):
        check(built_in_plan("fp16-acc16"), torch.device("cpu"))


def test_sums_in_fp16_are_switched_back_after_an_error_too():
    switch = torch.backends.cuda.matmul
    before = switch.allow_fp16_accumulation

    def fail():
        with short_sums():
            assert switch.allow_fp16_accumulation is True
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert switch.allow_fp16_accumulation == before
