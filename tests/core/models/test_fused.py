"""The fused ops against the plain ones, in Triton's interpreter: the kernels' arithmetic without a GPU.

What the interpreter cannot show (tensor cores, memory, speed) is in tests/gpu/test_fused_cuda.py.
"""

import numpy as np
import pytest
import torch

if torch.cuda.is_available():
    pytest.skip("with a CUDA device the kernels are compiled: tests/gpu/test_fused_cuda.py", allow_module_level=True)
from torch import nn
from triton.runtime import interpreter

from attention_oracle import slopes
from vp_tui.core.config import plain_plan
from vp_tui.core.inputs import packing
from vp_tui.core.models.fused import eight_bits, elementwise, pooling, short
from vp_tui.core.models.fused.ops import PARTS, Fused, FusedBeforeFp8
from vp_tui.core.models.kernels.base import to_device
from vp_tui.core.models.kernels.flash import FlashAttention
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.operands import rows_in_fp8
from vp_tui.core.models.ops import PLAIN, ResidualNorm, Rotary, choose_ops
from vp_tui.core.models.precision import storage_dtype

CPU = torch.device("cpu")
FORMATS = {name: storage_dtype(name) for name in ("fp32", "fp16")}
LENGTHS = np.array([70, 64, 33, 5, 1])


@pytest.fixture(autouse=True)
def loaded_numbers_bound_loops(monkeypatch):
    """Let the interpreter take a number of a tensor as the end of a loop.

    It keeps such numbers as arrays of one element, of which NumPy 2.4 makes no int.
    """
    patch = interpreter._patch_lang_tensor

    def patched(tensor, scope):
        patch(tensor, scope)
        scope.set_attr(tensor, "__index__", lambda self: self.handle.data.item())

    monkeypatch.setattr(interpreter, "_patch_lang_tensor", patched)


@pytest.fixture(params=FORMATS)
def dtype(request):
    return FORMATS[request.param]


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def assert_as_exact(got, plain, exact):
    """As models/ops.py asks: the error of a fused op is at most 1.1x that of the plain one, or one FP32 rounding."""
    assert got.dtype == plain.dtype
    mine, theirs = ((states.double() - exact).square().mean().sqrt() for states in (got, plain))
    assert mine <= max(1.1 * theirs, torch.finfo(torch.float32).eps * exact.square().mean().sqrt())


def paired(states):
    """The order in which plain rotary leaves the dimensions."""
    return torch.stack(states.chunk(2, dim=-1), dim=-1).flatten(-2)


def norm_of(width, dtype):
    norm = ResidualNorm(width, 1e-5, PLAIN).to(dtype)
    norm.weight.data, norm.bias.data = normal(width, seed=1, dtype=dtype), normal(width, seed=2, dtype=dtype)
    return norm


@pytest.mark.parametrize("width", [48, 64])
def test_the_norm_of_a_sum_is_that_of_the_rounded_sum_and_the_sum_goes_on(dtype, width):
    hidden_ND, delta_ND = 30 * normal(7, width, dtype=dtype), normal(7, width, seed=3, dtype=dtype)
    norm = norm_of(width, dtype)
    normed_ND, summed_ND = elementwise.add_norm(hidden_ND, delta_ND, norm)
    assert torch.equal(summed_ND, hidden_ND + delta_ND)
    exact_ND = nn.functional.layer_norm(
        summed_ND.double(), (width,), norm.weight.double(), norm.bias.double(), norm.eps
    )
    assert_as_exact(normed_ND, PLAIN.norm(summed_ND, norm), exact_ND)
    assert torch.equal(elementwise.norm(hidden_ND, norm, delta_ND), normed_ND)
    assert torch.equal(elementwise.norm(summed_ND, norm), normed_ND)


def test_the_norm_of_a_nan_is_nan_in_its_own_row_only():
    hidden_ND = normal(4, 48)
    hidden_ND[2, 5] = torch.nan
    normed_ND = elementwise.norm(hidden_ND, norm_of(48, torch.float32))
    assert normed_ND.isnan().all(dim=1).tolist() == [False, False, True, False]


@pytest.mark.parametrize("head_dim", [16, 24, 64])
def test_rotary_in_place_turns_q_and_k_and_leaves_v(dtype, head_dim):
    heads, layout = 3, packing.layout(np.array([9, 4]))
    qkv_ND3 = normal(13, 3 * heads * head_dim, dtype=dtype)
    rotary = Rotary(9, torch.from_numpy(layout.positions_N), 10_000.0 ** -torch.linspace(0, 1, head_dim // 2))
    exact = Rotary(9, torch.from_numpy(layout.positions_N), 10_000.0 ** -torch.linspace(0, 1, head_dim // 2).double())
    exact.cos_Pk, exact.sin_Pk = rotary.cos_Pk.double(), rotary.sin_Pk.double()
    before = qkv_ND3.view(13, 3, heads, head_dim)
    turned = qkv_ND3.clone()
    elementwise.rotate_(turned, heads, rotary)
    after = turned.view(13, 3, heads, head_dim)
    assert_as_exact(paired(after[:, :2]), rotary.rotate(before[:, :2]), exact.rotate(before[:, :2].double()))
    assert torch.equal(after[:, 2], before[:, 2])


@pytest.mark.parametrize("ffn", [40, 1500])
def test_the_gated_gelu_is_the_exact_erf(dtype, ffn):
    both_N2F = 3 * normal(3, 2 * ffn, dtype=dtype)
    first, second = both_N2F.double().chunk(2, dim=-1)
    got = elementwise.gated(both_N2F)
    # the GELU is rounded before it is multiplied, as in the plain ops
    assert_as_exact(got, PLAIN.gated(both_N2F.clone()), nn.functional.gelu(first) * second)
    tanh = (nn.functional.gelu(first, approximate="tanh") * second - got.double()).abs().max()
    assert tanh > 1e-3


def packed(dtype, head_dim, heads=2, seed=0):
    layout = packing.layout(LENGTHS)
    return layout, normal(layout.tokens, 3 * heads * head_dim, seed=seed, dtype=dtype)


def rotary_of(layout, head_dim):
    return Rotary(
        layout.max_len, torch.from_numpy(layout.positions_N), 10_000.0 ** -torch.linspace(0, 1, head_dim // 2)
    )


@pytest.mark.parametrize("head_dim", [32, 64])
@pytest.mark.parametrize("kind", ["rotary", "alibi"])
def test_short_attention_is_the_plain_one(dtype, head_dim, kind):
    layout, qkv_ND3 = packed(dtype, head_dim)
    given = {"rotary": rotary_of(layout, head_dim)} if kind == "rotary" else {"slopes_H": slopes(2)}
    wanted_ND = PLAIN.mix(qkv_ND3, 2, SdpaAttention(), to_device(layout, CPU), **given)
    got_ND = short.attend(qkv_ND3, 2, torch.from_numpy(layout.tiles_B3), **given)
    # probabilities below 1 rounded to the format, in another order than SDPA rounds them
    assert (got_ND - wanted_ND).abs().max() < 8 * torch.finfo(dtype).eps


def test_short_attention_keeps_a_nan_in_its_own_sequence():
    layout, qkv_ND3 = packed(torch.float32, 32)
    qkv_ND3[int(layout.cu_seqlens[2]) + 3] = torch.nan
    # numpy stands for the GPU here, and warns of what is meant
    with np.errstate(invalid="ignore"):
        mixed_ND = short.attend(qkv_ND3, 2, torch.from_numpy(layout.tiles_B3), rotary=rotary_of(layout, 32))
    assert np.unique(layout.sequence_N[mixed_ND.isnan().any(dim=1).numpy()]).tolist() == [2]


def test_short_attention_does_not_depend_on_the_pack():
    layout, qkv_ND3 = packed(torch.float16, 32)
    whole_ND = short.attend(qkv_ND3, 2, torch.from_numpy(layout.tiles_B3), rotary=rotary_of(layout, 32))
    alone, begin = packing.layout(LENGTHS[1:2]), int(layout.cu_seqlens[1])
    part_ND = short.attend(
        qkv_ND3[begin : begin + 64].clone(), 2, torch.from_numpy(alone.tiles_B3), rotary=rotary_of(alone, 32)
    )
    assert torch.equal(whole_ND[begin : begin + 64], part_ND)


def flash_stand_in(q, k, v, **options):
    raise AssertionError("flash was called")


def test_a_short_pack_of_16_bits_is_taken_from_flash_and_nothing_else_is():
    layout, qkv_ND3 = packed(torch.float16, 32)
    placed = to_device(layout, CPU)
    placed.__dict__["tiles_B3"] = torch.from_numpy(layout.tiles_B3)
    rotary, flash = rotary_of(layout, 32), FlashAttention(flash_stand_in)
    got_ND = Fused().mix(qkv_ND3.clone(), 2, flash, placed, rotary=rotary)
    assert torch.equal(got_ND, short.attend(qkv_ND3, 2, placed.tiles_B3, rotary=rotary))
    for ops in (Fused(PARTS - {"short"}), PLAIN):
        with pytest.raises(AssertionError, match="flash was called"):
            ops.mix(qkv_ND3.clone(), 2, flash, placed, rotary=rotary)
    padded_ND = Fused().mix(qkv_ND3.clone(), 2, SdpaAttention(), placed, rotary=rotary)
    assert torch.equal(padded_ND, Fused(frozenset({"rotary"})).mix(qkv_ND3, 2, SdpaAttention(), placed, rotary=rotary))


def test_ops_are_plain_where_the_fused_ones_cannot_run_and_the_reason_is_kept():
    chosen = choose_ops(storage_dtype("fp16"), CPU, "auto")
    assert chosen.ops is PLAIN
    assert chosen.reason == "plain ops, not fused: it needs a CUDA device, this is the cpu"
    assert "float64 needs more" in choose_ops(torch.float64, torch.device("cuda"), "auto").reason


def test_parts_that_are_not_fused_are_the_plain_ones(dtype):
    hidden_ND, norm = normal(3, 48, dtype=dtype), norm_of(48, dtype)
    bare = Fused(frozenset())
    assert torch.equal(bare.norm(hidden_ND, norm), PLAIN.norm(hidden_ND, norm))
    assert torch.equal(bare.gated(hidden_ND.clone()), PLAIN.gated(hidden_ND.clone()))
    assert (bare.name, Fused().name) == ("fused ", "fused")


@pytest.mark.parametrize("name", ["fp32", "fp16"])
def test_a_whole_model_with_fused_ops_is_the_model_with_plain_ones(made_checkpoint, load, name):
    loaded = load(made_checkpoint(), name)
    layout = packing.layout(np.array([40, 12]))
    ids_N = torch.randint(4, 24, (52,), generator=torch.Generator().manual_seed(0))
    placed = to_device(layout, CPU)
    plain_ND = loaded.model(ids_N, placed)
    for module in loaded.model.modules():
        if hasattr(module, "ops"):
            module.ops = Fused()
    fused_ND = loaded.model(ids_N, placed)
    error = (fused_ND - plain_ND).norm() / plain_ND.norm()
    # six layers of roundings
    assert error < 20 * torch.finfo(storage_dtype(plain_plan(name).precision)).eps


@pytest.mark.parametrize("margins", [(0, 0), (1, 1), (1, 0)])
@pytest.mark.parametrize("width", [128, 200])
def test_pooling_in_one_pass_gives_means_without_the_margins_and_counts_with_them(dtype, margins, width):
    layout = packing.layout(np.array([70, 33, 5, 3]))
    hidden_ND = normal(layout.tokens, width, dtype=dtype)
    hidden_ND[0, 3] = torch.nan
    hidden_ND[102, :7] = torch.inf
    hidden_ND[103, 130:] = torch.nan
    with np.errstate(invalid="ignore"):
        means_SD, nan_S, bad_S = pooling.pool(hidden_ND, torch.from_numpy(layout.cu_seqlens), margins, True)
    states = hidden_ND.split(layout.lengths_S.tolist())
    assert nan_S.tolist() == [int(part.isnan().sum()) for part in states]
    assert bad_S.tolist() == [int((~part.isfinite()).sum()) for part in states]
    front, back = margins
    for mean_D, part in zip(means_SD, states, strict=True):
        wanted_D = part[front : len(part) - back].double().mean(0)
        # FP32 sums of up to 70 numbers
        torch.testing.assert_close(mean_D.double(), wanted_D, rtol=0, atol=1e-6, equal_nan=True)


def test_counts_that_are_not_wanted_are_zeros():
    hidden_ND, layout = torch.full((6, 128), torch.nan), packing.layout(np.array([6]))
    with np.errstate(invalid="ignore"):
        _, nan_S, bad_S = pooling.pool(hidden_ND, torch.from_numpy(layout.cu_seqlens), (1, 1), False)
    assert (nan_S.tolist(), bad_S.tolist()) == ([0], [0])


def test_the_run_record_names_the_kernel_for_short_packs_where_it_is_taken():
    assert PLAIN.attending("flash", 64) == "flash"
    assert [Fused().attending("flash", 64), Fused().attending("varlen", 32)] == ["flash+short", "varlen+short"]
    assert [Fused().attending("flash", 24), Fused().attending("sdpa-math", 64)] == ["flash", "sdpa-math"]
    assert Fused(PARTS - {"short"}).attending("flash", 64) == "flash"


def in_fp16(*shape, seed=0):
    return normal(*shape, seed=seed, dtype=FORMATS["fp16"])


def assert_same_rows(got, expected, most=0.0):
    """Scales and numbers are equal, but for a share of them.

    The interpreter forgets the carry of a number that rounds up to a power of two: it is half of it there.
    """
    assert got.values_NK.dtype == expected.values_NK.dtype
    assert torch.allclose(got.scale_N1, expected.scale_N1, rtol=1e-2 if most else 0)
    values, wanted = got.values_NK.float(), expected.values_NK.float()
    is_carry = (2 * values == wanted) & (wanted.abs().frexp().mantissa == 0.5)
    assert ((values != wanted) & ~is_carry).float().mean() <= most


@pytest.mark.parametrize("width", [48, 64, 80])
def test_rows_are_rounded_to_fp8_as_in_plain_torch(width):
    states = in_fp16(7, width) * torch.logspace(-3, 2, 7)[:, None].to(FORMATS["fp16"])
    states[2] = 0
    assert_same_rows(eight_bits.FusedRounding().rows(states), rows_in_fp8(states))


def test_gelu_and_its_product_are_rounded_once_more_where_the_plain_ops_store_them():
    states = in_fp16(7, 96)
    rounding = eight_bits.FusedRounding()
    assert_same_rows(rounding.grown(states), rows_in_fp8(PLAIN.gelu(states.clone())), most=0.01)
    assert_same_rows(rounding.gated(states), rows_in_fp8(PLAIN.gated(states.clone())), most=0.01)


@pytest.mark.parametrize("adds", [False, True])
def test_a_norm_leaves_its_own_numbers_in_fp8_beside_it_and_changes_no_bit(adds):
    hidden_ND, delta_ND, norm = in_fp16(7, 64), in_fp16(7, 64, seed=3), norm_of(64, FORMATS["fp16"])
    ops, plain = FusedBeforeFp8(), Fused()
    if adds:
        (got, _), (expected, _) = (one.add_norm(hidden_ND, delta_ND, norm) for one in (ops, plain))
    else:
        got, expected = (one.norm(hidden_ND, norm) for one in (ops, plain))
    assert torch.equal(got, expected)
    # it also rounds a tie up
    assert_same_rows(got.rows_in_fp8, rows_in_fp8(expected), most=0.005)
