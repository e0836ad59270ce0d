import builtins
import inspect

import pytest
import torch

from attention_oracle import call_of, exact, layout_of, slopes, states
from vp_tui.core.config import plain_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import attention
from vp_tui.core.models.attention import choose, choose_for
from vp_tui.core.models.kernels import base, flash, flex, sdpa, varlen
from vp_tui.core.models.kernels.flash import FlashAttention
from vp_tui.core.models.kernels.flex import FlexAttention
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.kernels.varlen import VarlenAttention

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
HALF, BRAIN, SINGLE = torch.float16, torch.bfloat16, torch.float32
RAGGED = [300, 290, 150, 60, 59, 45, 44, 20, 5, 2, 1, 1]
ROUNDING = 5e-6
"""FP32 against FP64: scores reach 8 and are sums of up to 128 products, outputs stay below 5."""


class FakeVarlen:
    """torch's varlen_attn as it is called, computed by SDPA one sequence at a time."""

    def __init__(self):
        self.calls = []

    def __call__(self, query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, *, scale=None, num_splits=None):
        self.calls.append({"scale": scale, "num_splits": num_splits, "max": (max_q, max_k)})
        return fused(query, key, value, cu_seq_q, scale)


def fake_varlen_of_torch_2_10(query, key, value, cu_seq_q, cu_seq_k, max_q, max_k, is_causal=False, return_aux=None):
    """The signature of torch 2.10: no scale, the kernel's own is 1 / sqrt(K)."""
    return fused(query, key, value, cu_seq_q, None)


def fused(query, key, value, cu_seqlens, scale):
    lengths = cu_seqlens.diff().tolist()
    parts = [
        torch.nn.functional.scaled_dot_product_attention(*(x.transpose(0, 1)[None] for x in qkv), scale=scale)
        for qkv in zip(*(part.split(lengths) for part in (query, key, value)), strict=True)
    ]
    return torch.cat([part[0].transpose(0, 1) for part in parts])


class FakeFlash:
    """flash_attn_varlen_func as it is called, computed in FP64."""

    def __call__(
        self, q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k, dropout_p=0.0, softmax_scale=None,
        causal=False, window_size=(-1, -1), softcap=0.0, alibi_slopes=None,
    ):  # fmt: skip
        assert cu_seqlens_q.dtype == cu_seqlens_k.dtype == torch.int32
        assert isinstance(max_seqlen_q, int)
        assert not causal
        assert alibi_slopes is None or alibi_slopes.dtype == torch.float32
        return exact(q, k, v, cu_seqlens_q.diff().tolist(), softmax_scale, alibi_slopes).to(q.dtype)


def fake_kernel(why):
    class FakeKernel:
        """A kernel that can be used, or not for the reason `why`."""

        @staticmethod
        def why_not(dtype, device, *, alibi, head_dim):
            return why

        @staticmethod
        def make(dtype, device):
            return SdpaAttention()

    return FakeKernel


@pytest.fixture
def available(monkeypatch):
    """available(flash, varlen, flex): which of the kernels can be used."""

    def set_to(*names):
        for name in ("flash", "varlen", "flex"):
            why = None if name in names else f"{name} is switched off"
            monkeypatch.setitem(attention.KERNELS, name, fake_kernel(why))

    return set_to


@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize("math_only", [False, True], ids=["sdpa", "sdpa-math"])
@pytest.mark.parametrize("head_dim", [16, 24, 32, 64, 72, 128])
def test_sdpa_equals_the_dense_fp64_attention(head_dim, math_only, with_alibi):
    q_NHK, k_NHK, v_NHK = states(RAGGED, 3, head_dim)
    alibi, scale = slopes(3) if with_alibi else None, head_dim**-0.5
    got = SdpaAttention(math_only=math_only)(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED), scale, alibi))
    assert (got - exact(q_NHK, k_NHK, v_NHK, RAGGED, scale, alibi)).abs().max() < ROUNDING


@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize(("dtype", "limit"), [(HALF, 4e-3), (BRAIN, 6e-2)], ids=["fp16", "bf16"])
def test_sdpa_in_16_bit_on_the_cpu_is_the_dense_attention_but_for_its_rounding(dtype, limit, with_alibi):
    q_NHK, k_NHK, v_NHK = states(RAGGED, 2, 32, dtype=dtype)
    alibi = slopes(2) if with_alibi else None
    got = SdpaAttention()(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED), 0.2, alibi))
    assert got.dtype == dtype
    assert (got - exact(q_NHK, k_NHK, v_NHK, RAGGED, 0.2, alibi)).abs().max() < limit


@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize("math_only", [False, True], ids=["sdpa", "sdpa-math"])
def test_no_sequence_sees_its_neighbours(math_only, with_alibi):
    lengths, layout = [40, 39, 38, 35, 12, 12, 3], layout_of([40, 39, 38, 35, 12, 12, 3])
    kernel, alibi = SdpaAttention(math_only=math_only), slopes(2) if with_alibi else None
    q_NHK, k_NHK, v_NHK = states(lengths, 2, 16)
    before = kernel(call_of(q_NHK, k_NHK, v_NHK, layout, 0.25, alibi)).split(lengths)
    for changed in range(len(lengths)):
        altered = [torch.cat([part + (i == changed) for i, part in enumerate(x.split(lengths))])
                   for x in (q_NHK, k_NHK, v_NHK)]  # fmt: skip
        after = kernel(call_of(*altered, layout, 0.25, alibi)).split(lengths)
        same = [torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        assert same == [i != changed for i in range(len(lengths))]


def test_alibi_is_symmetric_not_causal_and_counts_after_scaling():
    q_NHK, k_NHK, v_NHK = (torch.zeros(3, 1, 16) for _ in range(3))
    v_NHK[:, 0, 0] = torch.tensor([1.0, 0.0, 0.0])
    v_NHK[:, 0, 1] = torch.tensor([0.0, 0.0, 1.0])
    got = SdpaAttention()(call_of(q_NHK, k_NHK, v_NHK, layout_of([3]), 0.125, torch.tensor([0.5])))
    weights = torch.softmax(torch.tensor([-0.5, 0.0, -0.5]), 0)
    assert torch.allclose(got[1, 0, :2], weights[[0, 2]])


@pytest.mark.parametrize("alibi", [False, True])
def test_groups_of_one_length_give_what_padded_groups_give(alibi):
    lengths = [30, 30, 29, 12, 12, 12, 1]
    q_NHK, k_NHK, v_NHK = states(lengths, 2, 16)
    biases = slopes(2) if alibi else None
    padded, bare = (
        SdpaAttention(pads=pads)(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2, biases))
        for pads in (True, False)
    )
    # FP32 sums in another order
    torch.testing.assert_close(bare, padded, rtol=0, atol=1e-6)


def test_groups_are_cut_so_that_few_scores_exist_at_once(monkeypatch):
    widths = []

    def watched(q, k, v, **options):
        widths.append(len(q))
        return original(q, k, v, **options)

    original = torch.nn.functional.scaled_dot_product_attention
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", watched)
    lengths = [30] * 9 + [25]
    q_NHK, k_NHK, v_NHK = states(lengths, 2, 16)
    whole = SdpaAttention(math_only=True)(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2))
    monkeypatch.setattr(sdpa, "SCORE_BYTES", 4 * 2 * 30 * 30 * 4)
    cut = SdpaAttention(math_only=True)(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2))
    assert widths == [10, 4, 4, 2]
    assert (whole - cut).abs().max() < ROUNDING


def uncompiled_flex():
    return FlexAttention(flex.attend, smallest=128)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize("lengths", [RAGGED, [128, 128], [300, 1], [129]], ids=str)
def test_flex_equals_the_dense_fp64_attention(lengths, with_alibi):
    q_NHK, k_NHK, v_NHK = states(lengths, 2, 16)
    alibi = slopes(2) if with_alibi else None
    got = uncompiled_flex()(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2, alibi))
    assert got.shape == q_NHK.shape
    assert (got - exact(q_NHK, k_NHK, v_NHK, lengths, 0.2, alibi)).abs().max() < ROUNDING


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
@pytest.mark.parametrize("value", [torch.nan, torch.inf], ids=str)
def test_a_broken_value_stays_in_its_own_sequence_in_flex(value):
    lengths = [40, 39, 12, 12, 3]
    q_NHK, k_NHK, v_NHK = states(lengths, 2, 16)
    clean = uncompiled_flex()(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2)).split(lengths)
    v_NHK[45, 1, 3] = value
    got = uncompiled_flex()(call_of(q_NHK, k_NHK, v_NHK, layout_of(lengths), 0.2)).split(lengths)
    assert got[1].isnan().all()
    assert all(torch.equal(got[i], clean[i]) for i in (0, 2, 3, 4))


@pytest.mark.parametrize(
    ("lengths", "padded"),
    [(RAGGED, 1024), ([128, 128], 256), ([300, 1], 512), ([1] * 130, 512), ([700], 1024)],
    ids=str,
)
def test_the_block_mask_of_flex_names_every_block_that_holds_a_pair_and_no_other(lengths, padded):
    mask = flex.make_block_mask(layout_of(lengths), padded)
    owner_T = torch.cat([torch.full((n,), i) for i, n in enumerate([*lengths, padded - sum(lengths)])])
    pairs_TT = owner_T[:, None] == owner_T[None, :]
    blocks = padded // flex.BLOCK
    wanted = pairs_TT.reshape(blocks, flex.BLOCK, blocks, flex.BLOCK).any(3).any(1)
    # padding only has to see the padding of its own block
    last = sum(lengths) // flex.BLOCK
    wanted[last + 1 :] = torch.eye(blocks, dtype=bool)[last + 1 :]
    wanted[: last + 1, last + 1 :] = False
    got = torch.zeros(blocks, blocks, dtype=bool)
    for row in range(blocks):
        got[row, mask.kv_indices[0, 0, row, : mask.kv_num_blocks[0, 0, row]].long()] = True
    assert torch.equal(got, wanted)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_packs_of_any_length_are_one_of_few_shapes_to_flex():
    seen = set()

    def watched(q_1HTK, *others):
        seen.add(q_1HTK.shape[2])
        return flex.attend(q_1HTK, *others)

    for tokens in (1, 100, 128, 129, 200, 256, 257, 500):
        FlexAttention(watched, smallest=128)(call_of(*states([tokens], 1, 16), layout_of([tokens]), 0.2))
    assert seen == {128, 256, 512}


def test_flex_keeps_fp32_ieee_whatever_the_tf32_switch_says(monkeypatch):
    options = []

    def watched(q, k, v, **others):
        options.append(others["kernel_options"])
        return q

    monkeypatch.setattr("torch.nn.attention.flex_attention.flex_attention", watched)
    for dtype in (SINGLE, HALF):
        uncompiled_flex()(call_of(*states([5], 1, 16, dtype=dtype), layout_of([5]), 0.2))
    assert options == [{"FLOAT32_PRECISION": "'ieee'"}, None]


@pytest.mark.parametrize("head_dim", [16, 24, 64])
def test_varlen_gives_the_scale_and_one_split_to_the_kernel(head_dim):
    q_NHK, k_NHK, v_NHK = states(RAGGED, 2, head_dim, dtype=HALF)
    fake = FakeVarlen()
    got = VarlenAttention(fake)(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED), 1.0))
    assert fake.calls == [{"scale": 1.0, "num_splits": 1, "max": (300, 300)}]
    assert (got - exact(q_NHK, k_NHK, v_NHK, RAGGED, 1.0)).abs().max() < 6e-3


def test_varlen_of_torch_2_10_without_a_scale_is_exact_for_head_size_64_and_refused_for_24(monkeypatch):
    q_NHK, k_NHK, v_NHK = states(RAGGED, 2, 64, dtype=HALF)
    got = VarlenAttention(fake_varlen_of_torch_2_10)(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED), 0.25))
    assert torch.equal(got, fused(q_NHK, k_NHK, v_NHK, layout_of(RAGGED).cu_seqlens, 0.25))
    monkeypatch.setattr(base, "capability", lambda device: (9, 0))
    monkeypatch.setattr(varlen, "_varlen_attn", lambda: fake_varlen_of_torch_2_10)
    assert VarlenAttention.why_not(HALF, CUDA, alibi=False, head_dim=64) is None
    assert "takes no scale" in VarlenAttention.why_not(HALF, CUDA, alibi=False, head_dim=24)


def test_the_installed_varlen_attn_is_called_as_it_wants_to_be():
    function = varlen._varlen_attn()
    assert callable(function)
    kernel = VarlenAttention(function)
    assert kernel._takes_scale or "is_causal" in inspect.signature(function).parameters
    assert kernel._fixed in ({}, {"num_splits": 1})
    with pytest.raises(NotImplementedError, match="CPU"):
        kernel(call_of(*states([4], 1, 16, dtype=HALF), layout_of([4]), 1.0))


@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
def test_flash_gives_int32_offsets_scale_and_fp32_slopes_to_the_kernel(with_alibi):
    q_NHK, k_NHK, v_NHK = states(RAGGED, 2, 64, dtype=HALF)
    alibi = slopes(2) if with_alibi else None
    got = FlashAttention(FakeFlash())(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED), 0.125, alibi))
    assert torch.equal(got, exact(q_NHK, k_NHK, v_NHK, RAGGED, 0.125, alibi).half())


@pytest.mark.parametrize(
    "kernel", [FlashAttention(FakeFlash()), VarlenAttention(FakeVarlen())], ids=["flash", "varlen"]
)
def test_fp32_is_refused_by_the_16_bit_kernels(kernel):
    with pytest.raises(AssertionError, match="float32"):
        kernel(call_of(*states([4], 1, 16), layout_of([4]), 1.0))
    q_NHK, k_NHK, v_NHK = states([4], 1, 16, dtype=HALF)
    with pytest.raises(AssertionError, match="float32"):
        kernel(call_of(q_NHK, k_NHK.float(), v_NHK, layout_of([4]), 1.0))
    with pytest.raises(AssertionError):
        type(kernel).make(SINGLE, CUDA)


def test_slopes_in_half_are_refused():
    with pytest.raises(AssertionError, match="slopes"):
        FlashAttention(FakeFlash())(call_of(*states([4], 1, 16, dtype=HALF), layout_of([4]), 1.0, slopes(1).half()))
    with pytest.raises(AssertionError, match="slopes"):
        uncompiled_flex()(call_of(*states([4], 1, 16, dtype=HALF), layout_of([4]), 1.0, slopes(1).half()))


def test_fp32_on_cuda_takes_the_plain_backend_only_and_its_name_says_so():
    assert SdpaAttention.make(SINGLE, CUDA).name == "sdpa-math"
    assert SdpaAttention.make(HALF, CUDA).name == "sdpa"
    assert SdpaAttention.make(SINGLE, CPU).name == "sdpa"
    with SdpaAttention(math_only=True)._backends(torch.zeros(1)):
        assert torch.backends.cuda.math_sdp_enabled()
        assert not torch.backends.cuda.flash_sdp_enabled()
        assert not torch.backends.cuda.mem_efficient_sdp_enabled()
        assert not torch.backends.cuda.cudnn_sdp_enabled()


def test_every_kernel_says_in_words_why_it_cannot_be_used_on_a_cpu():
    found = attention.why_not(HALF, CPU, alibi=True, head_dim=64)
    assert found["sdpa"] is None
    assert all("needs a CUDA device, this is the cpu" in found[name] for name in ("flash", "varlen", "flex"))
    assert "no ALiBi" in found["varlen"]
    assert "compiles" in found["flex"]
    single = attention.why_not(SINGLE, CPU, alibi=False, head_dim=64)
    assert all("float16 and bfloat16 only, not float32" in single[name] for name in ("flash", "varlen"))


def test_a_flash_attn_that_cannot_be_imported_says_what_importing_said(monkeypatch):
    def broken(name, *others, **more):
        if name == "flash_attn":
            raise ImportError("flash_attn_2_cuda.so: undefined symbol: _ZN3c105ErrorC2E\nmore")
        return original(name, *others, **more)

    original = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", broken)
    monkeypatch.setattr(base, "capability", lambda device: (9, 0))
    flash._flash_attn_varlen_func.cache_clear()
    try:
        why = FlashAttention.why_not(HALF, CUDA, alibi=True, head_dim=64)
    finally:
        flash._flash_attn_varlen_func.cache_clear()
    assert why == (
        "flash-attn cannot be imported (ImportError: flash_attn_2_cuda.so: undefined symbol: _ZN3c105ErrorC2E)"
    )


def test_compute_capability_and_head_size_are_reasons_too(monkeypatch):
    monkeypatch.setattr(base, "capability", lambda device: (7, 5))
    found = attention.why_not(HALF, CUDA, alibi=False, head_dim=20)
    for name in ("flash", "varlen"):
        assert "compute capability 8.0, this GPU has 7.5" in found[name]
        assert "head sizes up to 256 in steps of 8, not 20" in found[name]
    monkeypatch.setattr(base, "capability", lambda device: (6, 1))
    assert "7.0, this GPU has 6.1" in FlexAttention.why_not(HALF, CUDA, alibi=False, head_dim=20)


@pytest.mark.parametrize(
    ("usable", "alibi", "dtype", "expected"),
    [
        (("flash", "varlen", "flex"), False, HALF, "flash"),
        (("varlen", "flex"), False, HALF, "varlen"),
        (("flex",), False, HALF, "sdpa"),
        ((), False, BRAIN, "sdpa"),
        (("flash", "flex"), True, HALF, "flash"),
        (("flex",), True, BRAIN, "flex"),
        ((), True, HALF, "sdpa"),
        (("flash", "varlen", "flex"), False, SINGLE, "sdpa"),
        (("flash", "varlen", "flex"), True, SINGLE, "sdpa"),
    ],
)
def test_auto_takes_the_first_usable_kernel_of_its_order(usable, alibi, dtype, expected, available):
    available(*usable)
    choice = choose("auto", dtype, CUDA, alibi=alibi, head_dim=64)
    taken = ({"flash", "varlen", "flex", "sdpa"} - set(choice.others)).pop()
    assert taken == expected
    for name, why in choice.others.items():
        assert why == (
            f"usable, but auto prefers {expected}" if name in (*usable, "sdpa") else f"{name} is switched off"
        )
        assert f"not {name}: {why}" in choice.text


def test_a_kernel_that_was_asked_for_is_taken_or_refused_never_replaced(available):
    available("flex")
    choice = choose("flex", HALF, CUDA, alibi=False, head_dim=64)
    assert "--attention flex" in choice.reason
    assert choice.others["sdpa"] == "usable, but --attention flex was given"
    with pytest.raises(
        UsageError, match=r"--attention varlen cannot be used in float16 on cuda: varlen is switched off"
    ):
        choose("varlen", HALF, CUDA, alibi=False, head_dim=64)


@pytest.mark.parametrize("asked", ["flash", "varlen", "flex"])
def test_an_impossible_kernel_on_a_cpu_is_wrong_usage_and_names_what_auto_takes(asked):
    with pytest.raises(UsageError, match=f"--attention {asked} .*CUDA device.*sdpa"):
        choose(asked, HALF, CPU, alibi=False, head_dim=64)


def test_the_fp32_arm_of_a_run_keeps_sdpa_when_a_16_bit_kernel_was_asked_for_and_says_so():
    choice = choose("flash", SINGLE, CPU, alibi=False, head_dim=64, spare_fp32=True)
    assert choice.name == "sdpa"
    assert choice.reason.startswith("--attention flash applies to 16-bit precisions only (it takes float16")
    with pytest.raises(UsageError):
        choose("flash", SINGLE, CPU, alibi=False, head_dim=64)
    with pytest.raises(UsageError):
        choose("flash", HALF, CPU, alibi=False, head_dim=64, spare_fp32=True)


def test_a_loaded_model_says_which_kernel_it_has_and_why_not_the_others(tiny, load):
    spec = read_spec(tiny)
    choice = choose_for(spec, plain_plan("fp16"), CPU, "auto")
    loaded = load(tiny, "fp16")
    assert loaded.attention_kernel == choice.name
    assert loaded.attention_reason.startswith(f"{choice.text}; plain ops, not fused: it needs a CUDA device")
    assert all(f"not {name}: " in loaded.attention_reason for name in ("flash", "varlen", "flex"))
