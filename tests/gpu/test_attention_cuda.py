"""Every attention kernel on a CUDA device; `pytest -m gpu -rA tests/gpu/test_attention_cuda.py` also prints the errors.

FlashAttention's rule: against the FP64 result a kernel may err at most twice as much as the attention written out in
the same format, plus one rounding where that one happens to be exact.
"""

import numpy as np
import pytest
import torch

from attention_oracle import call_of, exact, layout_of, plain, slopes, states
from vp_tui.core.config import plain_plan
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.models import attention, loading, precision
from vp_tui.core.models.kernels.base import to_device
from vp_tui.core.workers.demo import checkpoints

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA = torch.device("cuda")
RAGGED = [511, 400, 300, 150, 129, 128, 127, 65, 64, 63, 20, 5, 2, 1, 1]
DTYPES = [torch.float16, torch.bfloat16]
KERNELS = ["flash", "varlen", "flex", "sdpa"]


def kernel_of(name, dtype, *, alibi=False, head_dim=64):
    """The kernel, or a skip that says in its own words why there is none."""
    why = attention.why_not(dtype, CUDA, alibi=alibi, head_dim=head_dim)[name]
    if why is not None:
        pytest.skip(f"{name}: {why}")
    return attention.choose(name, dtype, CUDA, alibi=alibi, head_dim=head_dim).kernel


def errors_of(kernel, dtype, head_dim, alibi=None, scale=None):
    """Largest and mean error of the kernel, and those of the written-out attention, against FP64."""
    scale = head_dim**-0.5 if scale is None else scale
    qkv = states(RAGGED, 4, head_dim, device="cuda", dtype=dtype)
    wanted = exact(*qkv, RAGGED, scale, alibi)
    found = []
    for got in (kernel(call_of(*qkv, layout_of(RAGGED, "cuda"), scale, alibi)), plain(*qkv, RAGGED, scale, alibi)):
        assert got.dtype == dtype
        assert got.isfinite().all()
        error = (got.double() - wanted).abs()
        found.append((error.max().item(), error.mean().item()))
    print(f"{kernel.name} {dtype} head {head_dim} alibi {alibi is not None}: kernel {found[0]}, written out {found[1]}")
    return found


def require_twice(found, dtype):
    (largest, mean), (plain_largest, plain_mean) = found
    assert largest <= 2 * plain_largest + torch.finfo(dtype).eps
    assert mean <= 2 * plain_mean


@pytest.mark.parametrize("head_dim", [16, 24, 32, 64, 72, 128])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_errs_at_most_twice_as_much_as_the_written_out_attention(name, dtype, head_dim):
    kernel = kernel_of(name, dtype, head_dim=head_dim)
    require_twice(errors_of(kernel, dtype, head_dim), dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", ["flash", "flex", "sdpa"])
def test_alibi_errs_at_most_twice_as_much_as_written_out(name, dtype):
    kernel = kernel_of(name, dtype, alibi=True)
    require_twice(errors_of(kernel, dtype, 64, slopes(4, "cuda")), dtype)


@pytest.mark.parametrize("name", KERNELS)
def test_the_scale_reaches_the_kernel(name):
    """ESM-2 gives 1.0 with q scaled before, DNABERT-S 1/8: both the same here."""
    kernel = kernel_of(name, torch.float16)
    q_NHK, k_NHK, v_NHK = states(RAGGED, 4, 64, device="cuda", dtype=torch.float16)
    layout = layout_of(RAGGED, "cuda")
    one, eighth = (
        kernel(call_of(q_NHK / 8, k_NHK, v_NHK, layout, 1.0)),
        kernel(call_of(q_NHK, k_NHK, v_NHK, layout, 0.125)),
    )
    assert (one - eighth).abs().max() <= 2 * torch.finfo(torch.float16).eps


@pytest.mark.parametrize("alibi", [None, slopes(4)], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize("name", ["sdpa", "flex"])
def test_fp32_is_ieee_fp32(name, alibi):
    """Within the rounding of the written-out FP32 attention; TF32 is a thousand times worse."""
    alibi = None if alibi is None else alibi.to(CUDA)
    with precision.matmul_mode(plain_plan("fp32")):
        kernel = kernel_of(name, torch.float32, alibi=alibi is not None)
        (largest, mean), (_, plain_mean) = errors_of(kernel, torch.float32, 64, alibi)
    assert kernel.name == {"sdpa": "sdpa-math", "flex": "flex"}[name]
    assert mean <= 4 * plain_mean
    assert largest < 1e-5


def test_sdpa_math_follows_the_tf32_switch_of_a_tf32_arm():
    if torch.cuda.get_device_capability() < (8, 0):
        pytest.skip("TF32 needs compute capability 8.0")
    with precision.matmul_mode(plain_plan("tf32")):
        assert errors_of(kernel_of("sdpa", torch.float32), torch.float32, 64)[0][0] > 1e-4


@pytest.mark.parametrize("name", ["flash", "varlen"])
def test_fp32_cannot_be_asked_for_in_a_16_bit_kernel(name):
    assert "float32" in attention.why_not(torch.float32, CUDA, alibi=False, head_dim=64)[name]


@pytest.mark.parametrize("with_alibi", [False, True], ids=["without ALiBi", "with ALiBi"])
@pytest.mark.parametrize("dtype", [*DTYPES, torch.float32], ids=str)
@pytest.mark.parametrize("name", KERNELS)
def test_a_sequence_does_not_depend_on_its_neighbours(name, dtype, with_alibi):
    """Neighbours of other values change no bit; other neighbours (alone in the pack) not more than a rounding."""
    kernel = kernel_of(name, dtype, alibi=with_alibi)
    alibi = slopes(4, "cuda") if with_alibi else None
    q_NHK, k_NHK, v_NHK = states(RAGGED, 4, 64, device="cuda", dtype=dtype)
    layout = layout_of(RAGGED, "cuda")
    before = kernel(call_of(q_NHK, k_NHK, v_NHK, layout, 0.125, alibi)).split(RAGGED)
    for kept in (0, 4, 7, len(RAGGED) - 1):
        altered = [torch.cat([x if i == kept else x.neg() * 3 for i, x in enumerate(part.split(RAGGED))])
                   for part in (q_NHK, k_NHK, v_NHK)]  # fmt: skip
        assert torch.equal(kernel(call_of(*altered, layout, 0.125, alibi)).split(RAGGED)[kept], before[kept])
        alone = [part.split(RAGGED)[kept] for part in (q_NHK, k_NHK, v_NHK)]
        single = kernel(call_of(*alone, layout_of([RAGGED[kept]], "cuda"), 0.125, alibi))
        # outputs stay below 4, where two units in the last place are 4 eps; FP32 sums go in another order
        limit = 5e-6 if dtype == torch.float32 else 4 * torch.finfo(dtype).eps
        assert (single - before[kept]).abs().max() <= limit


@pytest.mark.parametrize("name", KERNELS)
def test_a_nan_stays_in_its_own_sequence(name):
    kernel = kernel_of(name, torch.float16)
    q_NHK, k_NHK, v_NHK = states(RAGGED, 4, 64, device="cuda", dtype=torch.float16)
    broken = 4
    for part in (q_NHK, k_NHK, v_NHK):
        part.split(RAGGED)[broken].fill_(torch.nan)
    got = kernel(call_of(q_NHK, k_NHK, v_NHK, layout_of(RAGGED, "cuda"), 0.125)).split(RAGGED)
    assert [bool(part.isnan().any()) for part in got] == [i == broken for i in range(len(RAGGED))]


@pytest.mark.parametrize("name", KERNELS)
def test_the_same_call_twice_gives_the_same_bits(name):
    kernel = kernel_of(name, torch.float16)
    qkv, layout = states(RAGGED, 4, 64, device="cuda", dtype=torch.float16), layout_of(RAGGED, "cuda")
    assert torch.equal(kernel(call_of(*qkv, layout, 0.125)), kernel(call_of(*qkv, layout, 0.125)))


@pytest.mark.parametrize("name", KERNELS)
def test_q_k_and_v_may_be_views_of_one_fused_linear(name):
    kernel, layout = kernel_of(name, torch.float16), layout_of(RAGGED, "cuda")
    qkv = states(RAGGED, 4, 64, device="cuda", dtype=torch.float16)
    views = torch.stack(qkv, dim=1).unbind(1)
    assert not views[0].is_contiguous()
    assert torch.equal(kernel(call_of(*views, layout, 0.125)), kernel(call_of(*qkv, layout, 0.125)))


def test_flex_is_not_compiled_anew_for_another_pack():
    kernel = kernel_of("flex", torch.float16, alibi=True)
    first = True
    for lengths in (RAGGED, RAGGED[1:], [700, 3], RAGGED[3:]):
        with torch._dynamo.config.patch(error_on_recompile=not first), torch.inference_mode():
            qkv = states(lengths, 4, 64, device="cuda", dtype=torch.float16)
            got = kernel(call_of(*qkv, layout_of(lengths, "cuda"), 0.125, slopes(4, "cuda")))
        assert (got - exact(*qkv, lengths, 0.125, slopes(4, "cuda"))).abs().max() < 1e-2
        first = False


@pytest.fixture(scope="module")
def tokens():
    lengths = np.concatenate([np.arange(20, 140, 3), np.geomspace(140, 1022, 20).astype(np.int64)])
    return tokenize(random_proteins(lengths, 0), max_residues=1022)


@pytest.fixture(scope="module", params=[(128, 2), (320, 20), (480, 20)], ids=["head 64", "head 16", "head 24"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("attention")
    checkpoints.make_checkpoint(made, hidden=request.param[0], num_heads=request.param[1])
    return made


def hidden_states(folder, tokens, name, asked):
    """Token outputs of the whole model over all proteins in one pack, in FP32."""
    plan = plain_plan(name)
    source = ModelSource(given=str(folder), folder=folder)
    loaded = loading.load(source, plan, CUDA, asked)
    placed = to_device(packing.layout(tokens.lengths_S), CUDA)
    with torch.inference_mode(), precision.matmul_mode(plan):
        return loaded, loaded.model(torch.from_numpy(tokens.ids_N.astype(np.int64)).to(CUDA), placed).float()


@pytest.mark.parametrize("name", ["flash", "varlen", "flex"])
@pytest.mark.parametrize("number", ["fp16", "bf16"])
def test_esm2_with_any_kernel_is_as_near_to_fp32_as_with_sdpa(folder, tokens, number, name):
    head_dim = {128: 64, 320: 16, 480: 24}[loading.read_spec(folder).hidden]
    kernel_of(name, precision.storage_dtype(number), head_dim=head_dim)
    reference = hidden_states(folder, tokens, "fp32", "sdpa")[1]
    loaded, got = hidden_states(folder, tokens, number, name)
    noise = (hidden_states(folder, tokens, number, "sdpa")[1] - reference).norm()
    print(f"{name} {number} head {head_dim}: {(got - reference).norm() / noise:.3f} of the noise with sdpa")
    assert loaded.attention_kernel == name
    assert (got - reference).norm() <= 2 * noise


def test_auto_takes_a_packed_kernel_for_16_bit_and_sdpa_math_for_fp32(folder):
    source = ModelSource(given="x", folder=folder)
    half = loading.load(source, plain_plan("fp16"), CUDA)
    single = loading.load(source, plain_plan("fp32"), CUDA)
    if torch.cuda.get_device_capability() >= (8, 0):
        assert half.attention_kernel.removesuffix("+short") in {"flash", "varlen"}
    assert single.attention_kernel == "sdpa-math"
    assert "not flash: it takes float16 and bfloat16 only, not float32" in single.attention_reason
    print(half.attention_reason)


@pytest.mark.parametrize("name", KERNELS)
def test_no_kernel_waits_for_the_device(name):
    kernel = kernel_of(name, torch.float16)
    qkv, layout = states(RAGGED, 4, 64, device="cuda", dtype=torch.float16), layout_of(RAGGED, "cuda")
    again = layout_of(RAGGED, "cuda")
    with torch.inference_mode():
        kernel(call_of(*qkv, layout, 0.125))
        torch.cuda.set_sync_debug_mode("error")
        try:
            kernel(call_of(*qkv, again, 0.125))
        finally:
            torch.cuda.set_sync_debug_mode("default")
