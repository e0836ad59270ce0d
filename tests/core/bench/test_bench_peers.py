"""Peers on our very weights give our embeddings: then what differs in a bench is speed alone."""

import sys
from types import ModuleType

import numpy as np
import pytest
import torch

from vp_tui.core.bench import cases
from vp_tui.core.bench.cases import BATCH_TOKENS, Absent, own_cases, peer_cases, runnable
from vp_tui.core.bench.implementations import Models, Weights, packed
from vp_tui.core.bench.interleaved import protocol_for
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.peers import Peer, by_budget, padded, peers_of
from vp_tui.core.bench.random_weights import dnabert_s, esm2, random_model
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import Unavailable
from vp_tui.core.inputs.source import resolve
from vp_tui.core.models.loading import load

CPU = torch.device("cpu")
FP32, FP16 = plain_plan("fp32"), plain_plan("fp16")
TINY = esm2("tiny", 2, 64, 4)
TOKENS = drawer("uniref", TINY, None)(1500)


def embedded(loaded, plan):
    return packed(Encoder(loaded, plan, CPU), 700)(TOKENS)()


@pytest.fixture(scope="module")
def loaded():
    return random_model(TINY, FP32, CPU)


@pytest.mark.parametrize("name", ["transformers sdpa", "fair-esm"])
def test_a_peer_gives_our_embeddings_in_fp32(loaded, name):
    peer = next(peer for peer in peers_of(loaded, FP32) if peer.name == name)
    theirs_SD = padded(peer.forward, FP32, CPU, by_budget(600))(TOKENS)()
    # values of about 1; FP32 sums in another order differ by some 1e-6
    assert np.abs(theirs_SD - embedded(loaded, FP32)).max() < 1e-4


@pytest.mark.parametrize("name", ["transformers sdpa", "fair-esm"])
def test_a_peer_runs_in_fp16_and_gives_nearly_our_embeddings(name):
    half = random_model(TINY, FP16, CPU)
    peer = next(peer for peer in peers_of(half, FP16) if peer.name == name)
    theirs_SD = padded(peer.forward, FP16, CPU, by_budget(600))(TOKENS)()
    # 11 binary digits, two layers, and angles in half
    assert np.abs(theirs_SD - embedded(half, FP16)).max() < 2e-2


def test_a_peer_of_a_loaded_checkpoint_has_its_weights_and_rotary_table(made_checkpoint):
    real = load(resolve(str(made_checkpoint())), FP32, CPU)
    peer = peers_of(real, FP32)[0]
    theirs_SD = padded(peer.forward, FP32, CPU, by_budget(600))(TOKENS)()
    ours_SD = embedded(real, FP32)
    assert np.abs(theirs_SD - ours_SD).max() < 1e-4 * np.abs(ours_SD).max()


def test_a_peer_holds_views_of_our_tensors_and_no_copy(loaded):
    model = peers_of(loaded, FP32)[0].forward.args[0]
    held = {tensor.untyped_storage().data_ptr() for tensor in loaded.model.state_dict().values()}
    for name, parameter in model.named_parameters():
        assert parameter.untyped_storage().data_ptr() in held, name


def test_what_is_not_installed_or_takes_no_fp32_says_so(loaded):
    reasons = {peer.name: peer.reason for peer in peers_of(loaded, FP32)}
    assert "FP16 and BF16" in reasons["transformers flash_attention_2"]
    half = {peer.name: peer for peer in peers_of(random_model(TINY, FP16, CPU), FP16)}
    assert half["transformers flash_attention_2"].reason == "flash_attn is not installed"
    assert half["faesm"].reason == "faesm is not installed"
    assert half["faesm"].forward is None


def test_a_peer_of_another_version_is_absent_with_the_text_of_its_error(monkeypatch, loaded):
    broken = ModuleType("esm.model.esm2")
    monkeypatch.setitem(sys.modules, "esm.model.esm2", broken)
    peer = next(peer for peer in peers_of(loaded, FP32) if peer.name == "fair-esm")
    assert peer.forward is None
    assert "ESM2" in peer.reason


def test_dnabert_has_no_peer_and_says_why():
    made = random_model(dnabert_s("tiny", 1, 64, 4), FP32, CPU)
    peers = peers_of(made, FP32)
    assert [peer.forward for peer in peers] == [None]
    assert "Triton" in peers[0].reason


def test_a_batch_holds_its_budget_of_cells_and_every_sequence_once():
    lengths_S = np.array([10, 300, 20, 290, 500, 7])
    batches = by_budget(600)(lengths_S)
    assert [batch.tolist() for batch in batches] == [[4], [1, 3], [2, 0, 5]]
    assert by_budget(100)(np.array([300]))[0].tolist() == [0]


def test_a_precision_that_the_device_cannot_run_is_absent_with_the_reason():
    plans, absent = runnable(("fp32", "tf32", "fp16"), CPU)
    assert [plan.name for plan in plans] == ["fp32", "fp16"]
    assert [(one.precision, "needs a CUDA device" in one.reason) for one in absent] == [("tf32", True)]


@pytest.mark.parametrize(
    ("trials", "tried", "best"),
    [
        ([5.0, 4.0, 4.5], 3, 512),
        ([4.0, 5.0], 2, 256),
        ([5.0, 4.0, 3.0, 2.0, 1.0], 5, 4096),
        ([5.0, 4.0, Unavailable("no room")], 3, 512),
        ([Unavailable("no room")], 1, None),
    ],
    ids=["in the middle", "the smallest", "the largest", "until it does not fit", "never"],
)
def test_a_peer_is_tried_with_larger_batches_until_they_are_slower(monkeypatch, trials, tried, best):
    """The seconds of a trial are told, because this machine's differ from call to call."""
    asked = iter(trials)
    monkeypatch.setattr(cases, "_trial", lambda *_: next(asked))
    peer = Peer(name="made", forward=lambda *_: None, reason=None)
    found = cases._fastest(peer, FP32, TOKENS, CPU)
    assert list(asked) == trials[tried:]
    assert found.reason == "no room" if best is None else found.batch_tokens == best


def test_own_cases_have_their_kernel_and_peers_their_fastest_batch_size():
    models = Models(Weights(name="tiny", spec=TINY, source=None), CPU)
    mine = own_cases(models, [FP32], 512)
    assert [(one.name, one.attention, one.ops, one.batch_tokens) for one in mine] == [
        ("vp-tui fp32", "sdpa", "plain", 512)
    ]
    told = []
    theirs, absent = peer_cases(models, FP32, TOKENS, protocol_for(CPU), told.append)
    assert [one.engine for one in theirs] == ["transformers sdpa", "fair-esm"]
    assert {one.batch_tokens for one in theirs} <= set(BATCH_TOKENS["cpu"])
    assert all(isinstance(one, Absent) for one in absent)
    assert len(told) == len(absent) == 2
    assert peer_cases(models, FP32, TOKENS, protocol_for(CPU, lambda: True), told.append) == ([], [])
