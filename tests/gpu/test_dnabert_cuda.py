"""DNABERT-S on a CUDA device, on every attention kernel that takes ALiBi; without one every test is skipped."""

import numpy as np
import pytest
import torch

from samples import READS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs import packing, sequences, tokenizing
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.synthetic import random_coding_dna
from vp_tui.core.models import loading
from vp_tui.core.workers.demo.dnabert import make_dnabert

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA, CPU = torch.device("cuda"), torch.device("cpu")


@pytest.fixture(scope="module", params=[(4, 128), (12, 768)], ids=["4 heads of 32", "12 heads of 64"])
def folder(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("cuda")
    make_dnabert(made, num_layers=2, num_heads=request.param[0], hidden=request.param[1])
    return made


@pytest.fixture(scope="module")
def tokens(folder):
    """Real reads, and synthetic ones up to 3,000 bases: more than 512 tokens."""
    reads = sequences.read(READS).residues + tuple(random_coding_dna(np.geomspace(20, 3000, 30).astype(np.int64), 0))
    data = sequences.SequenceSet(ids=tuple(map(str, range(len(reads)))), residues=reads)
    return tokenizing.tokenize(read_spec(folder), folder, data, None)


def load(folder, name, device, kernel="auto"):
    return loading.load(ModelSource(given="x", folder=folder), plain_plan(name), device, kernel)


def encode(folder, tokens, name, device, *, kernel="auto", budget=4096):
    encoder = Encoder(load(folder, name, device, kernel), plain_plan(name), device)
    block = encoder.encode(tokens, packing.by_length(tokens.lengths_S, budget))
    return block.embeddings_SD[np.argsort(block.seq_indices_S)]


def usable(kernel):
    """Skip where a kernel is not installed or does not fit; its reason is the kernel's own."""

    def check(folder, name="fp16"):
        try:
            load(folder, name, CUDA, kernel)
        except UsageError as error:
            pytest.skip(str(error))

    return check


def test_fp32_on_cuda_equals_fp32_on_the_cpu(folder, tokens):
    assert np.abs(encode(folder, tokens, "fp32", CUDA) - encode(folder, tokens, "fp32", CPU)).max() < 1e-5


def test_neighbours_in_the_pack_do_not_change_an_fp32_embedding(folder, tokens):
    longest = int(tokens.lengths_S.max())
    small, large = (encode(folder, tokens, "fp32", CUDA, budget=budget) for budget in (longest, 16_896))
    # cuBLAS picks another product for another number of tokens; measured noise of FP32, not of neighbours
    assert np.abs(small - large).max() < 5e-6


@pytest.mark.parametrize("kernel", ["auto", "flash", "flex", "sdpa"])
def test_fp16_stays_near_fp32_on_every_kernel_with_alibi(folder, tokens, kernel):
    usable(kernel)(folder)
    reference = encode(folder, tokens, "fp32", CUDA)
    candidate = encode(folder, tokens, "fp16", CUDA, kernel=kernel)
    relative = np.linalg.norm(candidate - reference, axis=1) / np.linalg.norm(reference, axis=1)
    # a wrong slope, sign or scale of ALiBi moves embeddings by more than 5 %
    assert 0 < relative.max() < 5e-3


def test_torch_s_varlen_kernel_is_refused_because_it_has_no_alibi(folder):
    with pytest.raises(UsageError, match=r"(?i)alibi"):
        load(folder, "fp16", CUDA, "varlen")


def test_the_fp16_model_lies_on_the_device_in_fp16_and_its_slopes_in_fp32(folder):
    model = load(folder, "fp16", CUDA).model
    assert {(p.dtype, p.device.type) for p in model.parameters()} == {(torch.float16, "cuda")}
    assert (model.slopes_H.dtype, model.slopes_H.device.type) == (torch.float32, "cuda")


def test_the_same_fp16_block_twice_gives_the_same_bits(folder, tokens):
    first, second = encode(folder, tokens, "fp16", CUDA), encode(folder, tokens, "fp16", CUDA)
    assert np.array_equal(first, second)


def test_a_run_of_real_reads_on_cuda_passes(vp_tui, made_dnabert, document):
    found = document(vp_tui("run", "-m", made_dnabert, "-i", READS, "--device", "cuda", "--json", timeout=300))
    assert (found["status"], found["verdict"]) == ("completed", "PASS")
    assert found["device"] == "cuda:0"
    assert found["environment"]["flags"]["reference"]["cuda_matmul"] == "ieee"
