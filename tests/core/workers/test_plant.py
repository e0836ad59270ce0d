"""Planted checkpoints: FP32 stays as it was, FP16 fails, and exactly the named units cure it."""

import json

import numpy as np
import pytest
import torch
from command_line import document_of
from planted import planted, unseen
from unit_emulation import Emulated

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ModelError, UsageError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import load
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.dnabert import make_dnabert
from vp_tui.core.workers.plant import KINDS, MIXED, RESULT
from vp_tui.core.workers.plant.planting import Request, draw_sites, plant

CPU = torch.device("cpu")
LAYERS = 3
BLOCK = 1
CULPRITS = {
    ("esm2", "ffn-overflow"): ["layers.1.fc1", "layers.1.fc2", "layers.1.gelu"],
    ("esm2", "score-overflow"): ["layers.1.attention", "layers.1.qkv"],
    ("esm2", "cancellation"): ["layers.1.attention", "layers.1.out", "layers.1.qkv"],
    ("esm2", "weight-rounding"): ["layers.1.fc2"],
    ("esm2", "residual-overflow"): [
        "layers.1.fc2",
        "layers.1.residual",
        "layers.2.attention_norm",
        "layers.2.ffn_norm",
        "layers.2.residual",
        "final_norm",
    ],
    ("dnabert-s", "ffn-overflow"): ["layers.1.gated", "layers.1.gelu", "layers.1.wo"],
    ("dnabert-s", "score-overflow"): ["layers.1.attention", "layers.1.qkv"],
    ("dnabert-s", "cancellation"): ["layers.1.attention", "layers.1.out", "layers.1.qkv"],
    ("dnabert-s", "weight-rounding"): ["layers.1.out"],
    ("dnabert-s", "residual-overflow"): ["layers.1.attention_norm", "layers.1.out"],
}
UNCHANGED = {("esm2", "score-overflow"): 0, ("dnabert-s", "score-overflow"): 0, ("dnabert-s", "ffn-overflow"): 0} | {
    (model, kind): limit
    for model in ("esm2", "dnabert-s")
    for kind, limit in (("residual-overflow", 1e-4), ("cancellation", 2e-3))
}
"""Largest relative L2 between FP32 of the copy and of the source, where the change preserves the function."""
NOT_FINITE = {"ffn-overflow", "score-overflow", "residual-overflow"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Model -> folder of a tiny sound checkpoint."""
    folder = tmp_path_factory.mktemp("sources")
    make_checkpoint(folder / "esm2", num_layers=LAYERS, hidden=64)
    make_dnabert(folder / "dnabert-s", num_layers=LAYERS, hidden=64)
    return {"esm2": folder / "esm2", "dnabert-s": folder / "dnabert-s"}


@pytest.fixture(scope="module")
def copy(sources, tmp_path_factory):
    """copy(model, kind) -> folder and planted.json of a fault in BLOCK, calibrated on few sequences, made once."""
    made, inputs = {}, tmp_path_factory.mktemp("inputs")
    lengths = np.array([40, 60, 80, 100, 120, 150])
    for model, draw, letters in (("esm2", random_proteins, 1), ("dnabert-s", random_coding_dna, 4)):
        drawn = draw(letters * lengths, seed=2)
        (inputs / model).write_text("".join(f">{i}\n{one.decode()}\n" for i, one in enumerate(drawn)))

    def of(model, kind):
        if (model, kind) not in made:
            folder = tmp_path_factory.mktemp("planted") / kind
            request = Request(kind=kind, block=BLOCK, input=str(inputs / model))
            made[model, kind] = folder, plant(str(sources[model]), folder, request)
        return made[model, kind]

    return of


def engine_embeddings(folder, tokens, precision):
    plan = plain_plan(precision)
    block = Encoder(load(resolve(str(folder)), plan, CPU), plan, CPU).encode(
        tokens, packing.by_length(tokens.lengths_S, 4096)
    )
    return block.embeddings_SD[np.argsort(block.seq_indices_S)]


@pytest.mark.parametrize(("model", "kind"), CULPRITS)
def test_fp32_is_sound_and_fp16_of_the_engine_fails_on_sequences_the_planting_never_saw(sources, copy, model, kind):
    folder, document = copy(model, kind)
    tokens = unseen(folder)
    sound_SD, single_SD, half_SD = (
        engine_embeddings(*one)
        for one in ((sources[model], tokens, "fp32"), (folder, tokens, "fp32"), (folder, tokens, "fp16"))
    )
    kept = pair_measures(sound_SD, single_SD)
    assert np.isfinite(single_SD).all()
    assert kept.relative_l2_S.max() <= UNCHANGED.get((model, kind), 0.045)
    assert document["measured"]["fp32_largest_relative_l2"] <= UNCHANGED.get((model, kind), 0.045)
    assert np.isfinite(half_SD).all() == (kind not in NOT_FINITE)
    assert not (pair_measures(single_SD, half_SD).cosine_S > 0.99).any()


@pytest.mark.parametrize(("model", "kind"), CULPRITS)
def test_the_named_units_in_fp32_cure_it_and_none_of_them_can_be_left_out(sources, copy, model, kind):
    folder, document = copy(model, kind)
    assert document == json.loads((folder / RESULT).read_text())
    assert document["culprits"] == document["sites"][0]["culprits"] == CULPRITS[model, kind]
    tokens = unseen(folder, count=3)
    emulated, sound = Emulated(folder, tokens), Emulated(sources[model], tokens)
    exact_SD = emulated.embeddings(None)

    def error(kept):
        return pair_measures(exact_SD, emulated.embeddings(kept)).relative_l2_S.max()

    culprits = set(document["culprits"])
    usual = pair_measures(sound.embeddings(None), sound.embeddings(())).relative_l2_S.max()
    assert error(culprits) < 2 * usual
    for unit in culprits:
        assert not error(culprits - {unit}) < 20 * usual, unit


@pytest.mark.parametrize("model", ["esm2", "dnabert-s"])
def test_the_emulation_of_the_units_agrees_with_the_engine(sources, model):
    tokens = unseen(sources[model], count=3)
    emulated = Emulated(sources[model], tokens)
    exact_SD = engine_embeddings(sources[model], tokens, "fp32")
    assert pair_measures(exact_SD, emulated.embeddings(None)).relative_l2_S.max() < 1e-5
    both = (emulated.embeddings(()), engine_embeddings(sources[model], tokens, "fp16"))
    ours, theirs = (pair_measures(exact_SD, half_SD).relative_l2_S.max() for half_SD in both)
    assert 0.5 < ours / theirs < 2


def test_several_sites_lie_in_different_blocks_and_the_seed_decides_them():
    drawn = draw_sites(Request(kind=MIXED, culprits=8, seed=3), 12)
    assert len({site.block for site in drawn}) == 8
    assert [site.block for site in drawn] == sorted(site.block for site in drawn)
    assert len({site.kind for site in drawn}) > 1
    assert MIXED not in {site.kind for site in drawn}
    assert draw_sites(Request(kind=MIXED, culprits=8, seed=3), 12) == drawn
    assert draw_sites(Request(kind=MIXED, culprits=8, seed=4), 12) != drawn
    assert {kind for _, kind in CULPRITS} == set(KINDS) - {MIXED}


def test_the_same_seed_plants_the_same_weights_and_culprits_of_all_sites_are_named(tmp_path):
    folder, document = planted(MIXED, 5, tmp_path / "a", culprits=3, num_layers=4)
    again = tmp_path / "again"
    assert plant(str(tmp_path / "a" / "source"), again, Request(kind=MIXED, seed=5, culprits=3)) == document
    assert (again / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert len(document["sites"]) == 3
    assert set(document["culprits"]) == {unit for site in document["sites"] for unit in site["culprits"]}


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (Request(kind="rotary"), "ffn-overflow"),
        (Request(kind=MIXED, culprits=LAYERS + 1), str(LAYERS)),
        (Request(kind=MIXED, culprits=0), "--culprits 0"),
        (Request(kind=MIXED, block=LAYERS), f"0 to {LAYERS - 1}"),
        (Request(kind=MIXED, block=0, culprits=2), "--block 0"),
    ],
    ids=["kind", "culprits", "none", "block", "block and culprits"],
)
def test_sites_that_do_not_exist_are_refused(sources, tmp_path, request_, named):
    with pytest.raises(UsageError, match=named):
        plant(str(sources["esm2"]), tmp_path / "copy", request_)
    assert not list(tmp_path.iterdir())


def test_a_folder_with_files_is_left_alone(sources, tmp_path):
    (tmp_path / "mine").write_text("keep")
    with pytest.raises(UsageError, match="not empty"):
        plant(str(sources["esm2"]), tmp_path, Request(kind="ffn-overflow"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_checkpoint_of_another_kind_is_named(tmp_path):
    (tmp_path / "bert").mkdir()
    config = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 8, "num_hidden_layers": 1}
    (tmp_path / "bert" / "config.json").write_text(json.dumps(config | {"num_attention_heads": 1, "vocab_size": 9}))
    with pytest.raises(ModelError, match=r"bert.*ESM-2 and DNABERT-S"):
        plant(str(tmp_path / "bert"), tmp_path / "copy", Request(kind="ffn-overflow"))


def test_a_source_that_fails_in_fp16_already_is_refused(checkpoint, tmp_path):
    with pytest.raises(ModelError, match="FP16 already"):
        plant(str(checkpoint(num_layers=6, fault="overflow")), tmp_path / "copy", Request(kind="ffn-overflow"))
    assert not list(tmp_path.iterdir())


def test_the_command_writes_a_checkpoint_that_is_calibrated_on_the_given_sequences(vp_tui, sources, tmp_path):
    (tmp_path / "some.fasta").write_text("".join(f">{i}\n{'MKVLAAGIWTRE' * (i + 2)}\n" for i in range(4)))
    done = vp_tui(
        "checkpoint", "plant", sources["esm2"], tmp_path / "copy", "--kind", "score-overflow", "--block", 2, "--json",
        "-i", tmp_path / "some.fasta", "--device", "cpu",
    )  # fmt: skip
    document = document_of(done)
    assert document["culprits"] == ["layers.2.attention", "layers.2.qkv"]
    assert document["measured"]["sequences"] == document["measured"]["fp16_not_finite"] == 4
    assert json.loads((tmp_path / "copy" / RESULT).read_text()) == document
