"""The engine on a CUDA device; without one every test is skipped with the reason."""

import numpy as np
import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine import memory
from vp_tui.core.engine.encode import Encoder, OutOfMemoryError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models import loading, precision
from vp_tui.core.models.precision import EXACT
from vp_tui.core.workers.demo import checkpoints

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA, CPU = torch.device("cuda"), torch.device("cpu")
FP32, FP16 = plain_plan("fp32"), plain_plan("fp16")


@pytest.fixture(scope="module")
def tokens():
    lengths = np.concatenate([np.arange(20, 140, 3), np.geomspace(140, 1022, 20).astype(np.int64)])
    return tokenize(random_proteins(lengths, 0), max_residues=1022)


@pytest.fixture(scope="module", params=[(128, 2), (320, 20), (480, 20)], ids=["head 64", "head 16", "head 24"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("cuda")
    checkpoints.make_checkpoint(made, hidden=request.param[0], num_heads=request.param[1])
    return made


def encode(folder, tokens, plan, device, budget=4096):
    source = ModelSource(given=str(folder), folder=folder)
    encoder = Encoder(loading.load(source, plan, device), plan, device)
    block = encoder.encode(tokens, packing.by_length(tokens.lengths_S, budget))
    return block.embeddings_SD[np.argsort(block.seq_indices_S)], block


def test_fp32_on_cuda_errs_against_fp64_at_most_twice_as_much_as_fp32_on_the_cpu(folder, tokens):
    """Twice, because sums in another order err by another amount; TF32 would err a thousandfold."""
    exact = encode(folder, tokens, EXACT, CUDA)[0]
    cuda, cpu = (encode(folder, tokens, FP32, device)[0] for device in (CUDA, CPU))
    error_S, cpu_error_S = (pair_measures(exact, found).relative_l2_S for found in (cuda, cpu))
    assert np.median(error_S) < 2 * np.median(cpu_error_S)
    assert error_S.max() < 2 * cpu_error_S.max()


def test_fp32_on_cuda_does_not_depend_on_the_packs(folder, tokens):
    small, large = encode(folder, tokens, FP32, CUDA, 1024)[0], encode(folder, tokens, FP32, CUDA, 16_896)[0]
    assert np.abs(small - large).max() < 1e-5


@pytest.mark.parametrize(("name", "limit"), [("fp16", 0.9999), ("bf16", 0.999), ("tf32", 0.9999)])
def test_lower_precision_runs_and_stays_near(folder, tokens, name, limit):
    reference, _ = encode(folder, tokens, FP32, CUDA)
    candidate, block = encode(folder, tokens, plain_plan(name), CUDA)
    norms = np.linalg.norm(reference, axis=1) * np.linalg.norm(candidate, axis=1)
    assert ((reference * candidate).sum(1) / norms).min() > limit
    assert (reference != candidate).any()
    assert 0 < block.encode_s <= block.wall_s


def test_the_fp16_model_lies_on_the_device_in_fp16(folder):
    loaded = loading.load(ModelSource(given="x", folder=folder), FP16, CUDA)
    assert {(p.dtype, p.device.type) for p in loaded.model.parameters()} == {(torch.float16, "cuda")}
    assert loaded.model.inv_freq.dtype == torch.float32


def test_the_same_fp16_block_twice_gives_the_same_bits(folder, tokens):
    first, second = encode(folder, tokens, FP16, CUDA)[0], encode(folder, tokens, FP16, CUDA)[0]
    assert np.array_equal(first, second)


def test_the_forward_does_not_wait_for_the_device(folder, tokens):
    from vp_tui.core.models.kernels.base import to_device

    model = loading.load(ModelSource(given="x", folder=folder), FP16, CUDA).model
    placed = to_device(packing.layout(tokens.lengths_S[:10]), CUDA)
    ids_N = torch.from_numpy(tokens.ids_N[: tokens.lengths_S[:10].sum()].copy()).to(CUDA).long()
    model(ids_N, placed)
    torch.cuda.set_sync_debug_mode("error")
    try:
        model(ids_N, placed)
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_a_nan_stays_in_its_own_sequence_on_cuda(tmp_path, tokens):
    checkpoints.make_checkpoint(tmp_path, fault="overflow")
    block = encode(tmp_path, tokens, FP16, CUDA)[1]
    starts_S, lengths_S = tokens.starts_S, tokens.lengths_S
    with_w = {i for i in range(len(starts_S)) if 22 in tokens.ids_N[starts_S[i] : starts_S[i] + lengths_S[i]]}
    assert {int(i) for i in block.seq_indices_S[block.nan_count_S > 0]} == with_w
    assert 0 < len(with_w) < len(starts_S)


def test_running_out_of_device_memory_names_the_pack(folder, tokens):
    source = ModelSource(given="x", folder=folder)
    encoder = Encoder(loading.load(source, FP32, CUDA), FP32, CUDA)
    torch.cuda.empty_cache()
    held = torch.cuda.memory_reserved()
    torch.cuda.set_per_process_memory_fraction((held + 2**20) / torch.cuda.get_device_properties(0).total_memory)
    try:
        with pytest.raises(OutOfMemoryError, match="--token-budget"):
            encoder.encode(tokens, packing.by_length(tokens.lengths_S, 16_896))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_the_ieee_switch_changes_products_against_tf32():
    a, b = (torch.randn(512, 512, device=CUDA, generator=torch.Generator(CUDA).manual_seed(i)) for i in (0, 1))
    exact = a.double() @ b.double()
    errors = {}
    for name in ("fp32", "tf32"):
        with precision.matmul_mode(plain_plan(name)):
            errors[name] = (a @ b - exact).abs().max().item()
    assert errors["fp32"] < 1e-3
    if torch.cuda.get_device_capability()[0] >= 8:
        assert errors["tf32"] > 5 * errors["fp32"]


def test_device_memory_is_read():
    assert memory.free_memory(CUDA) > 2**20
    assert memory.peak_memory_mib(CUDA) >= 0
