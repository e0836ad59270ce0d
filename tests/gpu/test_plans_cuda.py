"""Precision plans and the search on a CUDA device: fused ops, kernels and pooling in mixed formats."""

import numpy as np
import pytest
import torch
from search_parts import options, searchable

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.units import units_of
from vp_tui.core.models.loading import load
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.search import run, trial

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device: torch.cuda.is_available() is False"),
]
CUDA = torch.device("cuda:0")
KINDS = pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
BLOCK = {
    "esm2": ("attention_norm", "qkv", "attention", "out", "residual", "ffn_norm", "fc1", "gelu", "fc2"),
    "dnabert-s": ("qkv", "attention", "out", "attention_norm", "gated", "gelu", "wo", "ffn_norm"),
}


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Kind -> SearchData of a tiny checkpoint with heads of 64."""
    root = tmp_path_factory.mktemp("plans")
    make_checkpoint(root / "esm2", num_layers=3, hidden=128, num_heads=2)
    make_dnabert(root / "dnabert-s", num_layers=3)
    return {kind: searchable(root / kind, root / f"{kind}-run", count=48) for kind in BLOCK}


def embeddings(data, plan):
    encoder = Encoder(load(resolve(str(data.source.path)), plan, CUDA), plan, CUDA)
    return trial.encode(encoder, data, np.arange(len(data.prepared.sequences))).embeddings_QD


def mixed(kept, own="fp32", base="fp16"):
    return PrecisionPlan(name="test", precision=base, kept=dict.fromkeys(kept, own))


@KINDS
def test_all_units_in_fp32_give_fp32_and_all_in_the_base_change_no_bit(cases, kind):
    data = cases[kind]
    units = units_of(read_spec(data.source.path))
    single, half = (embeddings(data, plain_plan(name)) for name in ("fp32", "fp16"))
    assert np.abs(embeddings(data, mixed(units)) - single).max() < 2e-5
    assert np.abs(half - single).max() > 1e-4
    assert np.array_equal(embeddings(data, mixed(units, own="fp16")), half)


@KINDS
@pytest.mark.parametrize("own", ["fp32", "bf16", "tf32"])
def test_every_unit_alone_can_have_a_format_of_its_own(cases, kind, own):
    data = cases[kind]
    half = embeddings(data, plain_plan("fp16"))
    for operation in BLOCK[kind]:
        one = embeddings(data, mixed([f"layers.1.{operation}"], own))
        assert np.isfinite(one).all(), operation
        assert np.abs(one - half).max() < 0.2, operation
        assert (np.abs(one - half).max() > 0) or own != "bf16", operation


@KINDS
def test_products_in_tf32_are_switched_for_their_units_only(cases, kind):
    data = cases[kind]
    units = [unit for unit in units_of(read_spec(data.source.path)) if unit.rpartition(".")[2] in {"qkv", "out"}]
    single = embeddings(data, plain_plan("fp32"))
    some = embeddings(data, mixed(units, "tf32", "fp32"))
    every = embeddings(data, plain_plan("tf32"))
    errors = [float(np.abs(one - single).max()) for one in (some, every)]
    assert 0 < errors[0] < errors[1]


def test_a_search_on_the_device_finds_the_overflow(tmp_path):
    make_checkpoint(tmp_path / "overflow", num_layers=4, hidden=128, fault="overflow")
    data = searchable(tmp_path / "overflow", tmp_path / "run", count=96)
    result = run.search_of(data, CUDA, "fp16", "fp32", options()).result()
    assert result.status == "confirmed"
    assert set(result.plan.kept) == {f"layers.2.{name}" for name in ("fc1", "gelu", "fc2")}
    assert result.device == "cuda:0"
