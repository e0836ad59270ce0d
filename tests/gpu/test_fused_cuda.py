"""The fused ops as compiled kernels on a CUDA device, against the plain ones and exact arithmetic."""

import numpy as np
import pytest
import torch
from torch import nn

from attention_oracle import slopes
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.models.kernels.base import SHORT_LEN, to_device
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.loading import load
from vp_tui.core.models.ops import PLAIN, Ops, ResidualNorm, Rotary
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.workers.demo import checkpoints
from vp_tui.core.workers.demo.dnabert import make_dnabert

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA = torch.device("cuda")
FORMATS = {name: storage_dtype(name) for name in ("fp32", "bf16", "fp16")}


@pytest.fixture(params=FORMATS)
def dtype(request):
    return FORMATS[request.param]


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(shape, generator=torch.Generator(CUDA).manual_seed(seed), device=CUDA).to(dtype)


def assert_as_exact(got, plain, exact):
    """As models/ops.py asks: the error of a fused op is at most 1.1x that of the plain one, or one FP32 rounding."""
    mine, theirs = ((states.double() - exact).square().mean().sqrt() for states in (got, plain))
    assert mine <= max(1.1 * theirs, torch.finfo(torch.float32).eps * exact.square().mean().sqrt())


def paired(states):
    """The order in which plain rotary leaves the dimensions."""
    return torch.stack(states.chunk(2, dim=-1), dim=-1).flatten(-2)


@pytest.mark.parametrize("width", [128, 480, 768, 1280, 2560])
def test_norm_of_a_sum(dtype, width):
    from vp_tui.core.models.fused import elementwise

    hidden_ND, delta_ND = 30 * normal(700, width, dtype=dtype), normal(700, width, seed=1, dtype=dtype)
    norm = ResidualNorm(width, 1e-5, PLAIN).to(CUDA, dtype)
    norm.weight.data, norm.bias.data = normal(width, seed=2, dtype=dtype), normal(width, seed=3, dtype=dtype)
    normed_ND, summed_ND = elementwise.add_norm(hidden_ND, delta_ND, norm)
    assert torch.equal(summed_ND, hidden_ND + delta_ND)
    exact = nn.functional.layer_norm(summed_ND.double(), (width,), norm.weight.double(), norm.bias.double(), norm.eps)
    assert_as_exact(normed_ND, PLAIN.norm(summed_ND, norm), exact)
    assert torch.equal(elementwise.norm(hidden_ND, norm, delta_ND), normed_ND)


@pytest.mark.parametrize(("heads", "size"), [(40, 64), (20, 24), (20, 16), (5, 128)])
def test_rotary_in_place(dtype, heads, size):
    from vp_tui.core.models.fused import elementwise

    lengths = np.array([900, 77, 3])
    placed = to_device(packing.layout(lengths), CUDA)
    inv_freq = 10_000.0 ** -torch.linspace(0, 1, size // 2, device=CUDA)
    rotary, exact = (Rotary(900, placed.positions_N, inv_freq) for _ in range(2))
    exact.cos_Pk, exact.sin_Pk = rotary.cos_Pk.double(), rotary.sin_Pk.double()
    qkv = normal(980, 3 * heads * size, dtype=dtype)
    before = qkv.view(980, 3, heads, size)
    turned = qkv.clone()
    elementwise.rotate_(turned, heads, rotary)
    after = turned.view(980, 3, heads, size)
    assert_as_exact(paired(after[:, :2]), rotary.rotate(before[:, :2]), exact.rotate(before[:, :2].double()))
    assert torch.equal(after[:, 2], before[:, 2])


def test_gated_gelu(dtype):
    from vp_tui.core.models.fused import elementwise

    both = 3 * normal(500, 2 * 3072, dtype=dtype)
    first, second = both.double().chunk(2, dim=-1)
    assert_as_exact(elementwise.gated(both), PLAIN.gated(both.clone()), nn.functional.gelu(first) * second)


@pytest.mark.parametrize("longest", [12, 64, 65, SHORT_LEN])
@pytest.mark.parametrize("size", [32, 64, 128])
@pytest.mark.parametrize("kind", ["rotary", "alibi"])
@pytest.mark.parametrize("name", ["fp16", "bf16"])
def test_short_attention(longest, size, kind, name):
    from vp_tui.core.models.fused import short

    lengths = np.array([longest, longest - 3, 7, 1])
    layout = packing.layout(lengths)
    placed = to_device(layout, CUDA)
    qkv = normal(layout.tokens, 3 * 4 * size, dtype=FORMATS[name])
    given, wide = {"slopes_H": slopes(4, CUDA)}, {"slopes_H": slopes(4, CUDA)}
    if kind == "rotary":
        inv_freq = 10_000.0 ** -torch.linspace(0, 1, size // 2, device=CUDA)
        given = {"rotary": Rotary(longest, placed.positions_N, inv_freq)}
        wide = {"rotary": Rotary(longest, placed.positions_N, inv_freq.double())}
    got = short.attend(qkv, 4, placed.tiles_B3, **given)
    plain = PLAIN.mix(qkv, 4, SdpaAttention(), placed, **given)
    exact = PLAIN.mix(qkv.double(), 4, SdpaAttention(math_only=True), placed, **wide)
    assert_as_exact(got, plain, exact)
    assert torch.equal(got, short.attend(qkv, 4, placed.tiles_B3, **given))


def with_ops(loaded, ops):
    for module in loaded.model.modules():
        if isinstance(getattr(module, "ops", None), Ops):
            module.ops = ops
    return loaded


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16"])
def test_embeddings_err_at_most_1_1_times_as_much_as_with_plain_steps(tmp_path, kind, name):
    if kind == "esm2":
        checkpoints.make_checkpoint(tmp_path, num_layers=8, hidden=640, num_heads=10)
    else:
        make_dnabert(tmp_path, hidden=768, num_heads=12)
    source, plan = resolve(str(tmp_path)), plain_plan(name)
    tokens = tokenize(random_proteins(np.arange(20, 400, 5), 0), max_residues=1022)
    packs = packing.by_length(tokens.lengths_S, 4096)

    def embed(precision, ops):
        arm = plain_plan(precision)
        encoder = Encoder(with_ops(load(source, arm, CUDA), ops), arm, CUDA)
        block = encoder.encode(tokens, packs)
        return block.embeddings_SD[np.argsort(block.seq_indices_S)].astype(np.float64)

    fused = load(source, plan, CUDA)
    assert fused.ops == "fused"
    own = next(module.ops for module in fused.model.modules() if isinstance(getattr(module, "ops", None), Ops))
    exact_SD = embed("fp64", PLAIN)
    errors = {
        ops.name: np.median(np.linalg.norm(embed(name, ops) - exact_SD, axis=1) / np.linalg.norm(exact_SD, axis=1))
        for ops in (own, PLAIN)
    }
    print(f"\n{kind} {name}: fused {errors['fused']:.2e}, plain {errors['plain']:.2e}")
    assert errors["fused"] <= 1.1 * errors["plain"]
