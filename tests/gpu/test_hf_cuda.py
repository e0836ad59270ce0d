"""An encoder inside transformers on a CUDA machine: FP32 is IEEE there too, 16 bits stay near it."""

import numpy as np
import pytest
import torch

import hf_checkpoints
from samples import PROTEINS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing, sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device: torch sees none"),
]


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """embedded(precision, device) -> embeddings of 40 proteins by a tiny ProtBERT, and its attention."""
    folder = tmp_path_factory.mktemp("cuda") / "prot_bert"
    hf_checkpoints.prot_bert(folder)
    tokens = tokenizing.tokenize(read_spec(folder), folder, sequences.read(PROTEINS), None)
    packs = packing.by_length(tokens.lengths_S, 4096)

    def embed(precision, device):
        plan, place = plain_plan(precision), torch.device(device)
        loaded = loading.load(resolve(str(folder)), plan, place)
        return Encoder(loaded, plan, place).encode(tokens, packs).embeddings_SD, loaded.attention_kernel

    return embed


def test_fp32_on_cuda_equals_fp32_on_the_cpu(embedded):
    cuda_SD, kernel = embedded("fp32", "cuda")
    assert kernel == "transformers-sdpa-math"
    assert np.abs(cuda_SD - embedded("fp32", "cpu")[0]).max() < 2e-5


@pytest.mark.parametrize(("precision", "limit"), [("fp16", 0.02), ("bf16", 0.2)])
def test_16_bit_on_cuda_stays_near_fp32(precision, limit, embedded):
    cuda_SD, kernel = embedded(precision, "cuda")
    assert kernel == "transformers-sdpa"
    assert 0 < np.abs(cuda_SD - embedded("fp32", "cpu")[0]).max() < limit
