"""What stands between the blocks of a run on a real GPU: nothing that waits for the host, and no kernel to compile."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp_tui.core.bench.random_weights import random_model, shape_of
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.validate.arms import ArmRunner, Budget
from vp_tui.core.workers.validate.prepare import Block

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")]
CUDA = torch.device("cuda")
BUDGET = 8_192

# CPU builds of torch come without Triton
elementwise, pooling, short = (
    pytest.importorskip(f"vp_tui.core.models.fused.{name}", reason="needs Triton")
    for name in ("elementwise", "pooling", "short")
)


@pytest.fixture(scope="module")
def encoder():
    plan = plain_plan("fp32")
    return Encoder(random_model(shape_of("esm2-150m"), plan, CUDA), plan, CUDA)


@pytest.mark.parametrize("name", ["fp32", "fp16"])
def test_no_block_compiles_a_kernel_once_every_length_was_met(tmp_path, name):
    make_checkpoint(tmp_path / "esm2", num_layers=2, hidden=256, num_heads=4)
    source, plan = resolve(str(tmp_path / "esm2")), plain_plan(name)
    tokens = tokenize(random_proteins(np.arange(3, 1023), 0), max_residues=1022)
    data = SimpleNamespace(sequences=range(1020), tokens=tokens)
    rows_SD = np.zeros((1020, 256), np.float32)
    arm = ArmRunner("candidate", plan, source=source, device=CUDA, data=data, embeddings_SD=rows_SD)
    arm.load()
    before = compiled()
    arm.compile_kernels()
    met = compiled()
    assert met > before
    for index, members_S in enumerate(np.array_split(np.argsort(-tokens.lengths_S), 40)):
        block = Block(index=index, stratum=0, indices_S=members_S)
        arm.keep(block, arm.start(block, Budget(BUDGET, 1024, pytest.fail)))
    assert compiled() == met


def compiled():
    """How many kernels of ours Triton holds in this process, by format and constants."""
    kernels = (pooling._pool_kernel, elementwise._norm_kernel, elementwise._rotary_kernel, short._attend_kernel)
    return sum(len(caches[0]) for kernel in kernels for caches in kernel.device_caches.values())


def test_a_block_is_read_while_the_next_one_is_still_under_way(encoder):
    """FP32, so that a block (a fifth of a second on an H200) outlasts the few milliseconds that reading takes."""
    tokens = tokenize(random_proteins(np.full(400, 200), 0), max_residues=1022)
    packs = packing.by_length(tokens.lengths_S, BUDGET)
    halves = packs[: len(packs) // 2], packs[len(packs) // 2 :]
    encoder.encode(tokens, packs)
    alone = [encoder.encode(tokens, half) for half in halves]
    first, second = (encoder.start(tokens, half) for half in halves)
    found = [first.finish()]
    assert not torch.cuda.current_stream(CUDA).query(), "the second block was done before the first one was read"
    found.append(second.finish())
    for queued, by_itself in zip(found, alone, strict=True):
        assert np.array_equal(queued.embeddings_SD, by_itself.embeddings_SD)
        assert np.array_equal(queued.seq_indices_S, by_itself.seq_indices_S)
        # events time the device, whoever waits for it; other work on the GPU may slow either
        assert queued.encode_s == pytest.approx(by_itself.encode_s, rel=0.5)
