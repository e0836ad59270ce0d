"""The measures that run with every pack, and the injected faults, on a CUDA device."""

import numpy as np
import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.faults.in_encoder import Tf32Products
from vp_tui.core.engine.faults.inject import FAULTS, FaultyEncoders
from vp_tui.core.engine.probe.diagnose import diagnose
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import load
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.demo import checkpoints
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.validate.arms import PlainEncoders

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA = torch.device("cuda")


@pytest.fixture(scope="module")
def tokens():
    lengths = np.concatenate([np.arange(20, 140, 3), np.geomspace(140, 1022, 20).astype(np.int64)])
    proteins = random_proteins(lengths, 0)
    # a homologue, for the fault that swaps two sequences
    return tokenize([*proteins, proteins[45][:-6] + b"MKTAYI"], max_residues=1022)


@pytest.fixture(scope="module")
def packs(tokens):
    return packing.by_length(tokens.lengths_S, 4096)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Kind -> checkpoint."""
    folder = tmp_path_factory.mktemp("live")
    checkpoints.make_checkpoint(folder / "esm2")
    checkpoints.make_checkpoint(folder / "overflow", fault="overflow")
    make_dnabert(folder / "dnabert-s")
    return {kind: resolve(str(folder / kind)) for kind in ("esm2", "overflow", "dnabert-s")}


def encoder_of(source, name, fault=None):
    arm = "reference" if name == "fp32" else "candidate"
    encoders = PlainEncoders() if fault is None else FaultyEncoders(fault)
    return encoders.make(arm, load(source, plain_plan(name), CUDA), plain_plan(name), CUDA)


def embed(encoder, tokens, packs):
    block = encoder.encode(tokens, packs)
    return block.embeddings_SD[np.argsort(block.seq_indices_S)]


@pytest.mark.parametrize("kind", ["esm2", "overflow", "dnabert-s"])
@pytest.mark.parametrize("name", ["fp32", "tf32", "bf16", "fp16"])
def test_a_block_is_queued_whole_without_waiting_for_the_device(sources, tokens, packs, kind, name):
    encoder = encoder_of(sources[kind], name)
    encoder.encode(tokens, packs)
    torch.cuda.set_sync_debug_mode("error")
    try:
        running = encoder.start(tokens, packs)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert (running.finish().nan_count_S > 0).any() == (kind == "overflow" and name == "fp16")


def test_counts_on_the_device_are_those_of_the_outputs(sources, tokens, packs):
    encoder = encoder_of(sources["overflow"], "fp16")
    outputs = []
    encoder.loaded.model.register_forward_hook(lambda *args: outputs.append(args[2].cpu()))
    block = encoder.encode(tokens, packs)
    lengths = tokens.lengths_S[block.seq_indices_S].tolist()
    parts = [part for output, pack in zip(outputs, packs, strict=True) for part in output.split(
        tokens.lengths_S[pack].tolist())]  # fmt: skip
    assert [len(part) for part in parts] == lengths
    assert block.nan_count_S.tolist() == [int(part.isnan().sum()) for part in parts]
    assert block.inf_count_S.tolist() == [int(part.isinf().sum()) for part in parts]
    assert 0 < (block.nan_count_S > 0).sum() < len(parts)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_changes_its_own_arm_and_raw_cosine_stays_above_the_limit(sources, tokens, packs, fault):
    sound, faulty = {}, {}
    for name in ("fp32", "fp16"):
        sound[name] = embed(encoder_of(sources["esm2"], name), tokens, packs)
        faulty[name] = embed(encoder_of(sources["esm2"], name, fault), tokens, packs)
    mine, other = ("fp32", "fp16") if FAULTS[fault].arm == "reference" else ("fp16", "fp32")
    assert (faulty[mine] != sound[mine]).any()
    assert np.array_equal(faulty[other], sound[other])
    measures = pair_measures(faulty["fp32"], faulty["fp16"])
    assert measures.cosine_S.min() > Thresholds().fail(M1)


def test_a_reference_in_tf32_is_really_tf32_and_its_plan_still_says_fp32(sources, tokens, packs):
    encoder = encoder_of(sources["esm2"], "fp32", "tf32-reference")
    assert isinstance(encoder, Tf32Products)
    assert encoder.plan.name == "fp32"
    assert np.array_equal(embed(encoder, tokens, packs), embed(encoder_of(sources["esm2"], "tf32"), tokens, packs))


def test_the_module_that_overflows_is_found(sources, tokens, packs):
    encoder = encoder_of(sources["overflow"], "fp16")
    block = encoder.encode(tokens, packs)
    row = int(np.flatnonzero(block.nan_count_S)[0])
    found = diagnose(encoder, tokens, packs[block.pack_of_S[row]], int(block.seq_indices_S[row]))
    assert (found.module, found.transient) == ("layers.3.fc1", False)
