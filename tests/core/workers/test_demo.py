from argparse import Namespace

import numpy as np
import pytest
import torch

from samples import READS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults import ENGINE_FAULTS
from vp_tui.core.engine.faults.inject import FAULTS as INJECTED
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs import packing, sequences, tokenizing
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.workers.demo import FAULTS, NUM_PROTEINS, NUM_READS, checkpoints
from vp_tui.core.workers.demo.dnabert import make_dnabert

CPU = torch.device("cpu")


def read(path):
    records = path.read_text().split(">")[1:]
    return [record.split("\n", 1)[1].replace("\n", "").encode() for record in records]


@pytest.fixture(scope="module")
def demo_proteins(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "sequences.fasta"
    checkpoints.make_fasta(path, num_sequences=600)
    return read(path)


@pytest.fixture(scope="module")
def embed(checkpoint, load, demo_proteins):
    """embed(fault, precision): every fifth demo protein through the default demo checkpoint."""
    some = demo_proteins[::5]
    tokens = tokenize(some, max_residues=1022)
    packs = packing.by_length(tokens.lengths_S, 4096)
    made = {}

    def run(fault, precision):
        if (fault, precision) not in made:
            loaded = load(checkpoint(num_layers=6, fault=fault), precision)
            block = Encoder(loaded, plain_plan(precision), CPU).encode(tokens, packs)
            made[fault, precision] = block.embeddings_SD.astype(np.float64), block
        return made[fault, precision]

    run.proteins = some
    return run


def cosines(a, b):
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


def test_the_fasta_has_a_third_of_each_stratum_and_is_the_same_every_time(demo_proteins, tmp_path):
    lengths = np.array([len(protein) for protein in demo_proteins])
    assert [(lengths <= 64).sum(), ((lengths > 64) & (lengths <= 128)).sum(), (lengths > 128).sum()] == [200] * 3
    assert lengths.max() <= 1022
    checkpoints.make_fasta(tmp_path / "again.fasta", num_sequences=600)
    assert read(tmp_path / "again.fasta") == demo_proteins
    checkpoints.make_fasta(tmp_path / "other.fasta", seed=1, num_sequences=30)
    assert len(read(tmp_path / "other.fasta")) == 30


def homologues(proteins):
    """(original, copy) as `make_fasta` says: the last of every ten medium and of every ten long ones."""
    return [(i - 3, i) for i in range(len(proteins)) if i % 3 and i // 3 % 10 == 9]


def test_every_tenth_medium_and_long_protein_has_a_homologue_of_its_own_length(demo_proteins):
    pairs = homologues(demo_proteins)
    assert len(pairs) == 40
    for original, copy in pairs:
        first, second = demo_proteins[original], demo_proteins[copy]
        assert len(first) == len(second) > 64
        assert 0.02 < np.mean([a != b for a, b in zip(first, second, strict=True)]) < 0.04
    assert len(set(demo_proteins)) == len(demo_proteins)


def test_homologues_are_alike_to_raw_cosine_and_not_to_the_centred_one(checkpoint, load, demo_proteins):
    tokens = tokenize(demo_proteins, max_residues=1022)
    packs = packing.by_length(tokens.lengths_S, 4096)
    block = Encoder(load(checkpoint(num_layers=6)), plain_plan("fp32"), CPU).encode(tokens, packs)
    embeddings = block.embeddings_SD[np.argsort(block.seq_indices_S)].astype(np.float64)
    first, second = np.array(homologues(demo_proteins)).T
    assert cosines(embeddings[first], embeddings[second]).min() > 0.99
    centred = embeddings - embeddings.mean(0)
    assert cosines(centred[first], centred[second]).max() < 0.99


def test_the_healthy_checkpoint_passes_fp16_comfortably(embed):
    reference, candidate = embed(None, "fp32")[0], embed(None, "fp16")[0]
    assert cosines(reference, candidate).min() > 0.9999
    assert (reference != candidate).any()


def test_one_dimension_dominates_and_proteins_resemble_each_other_as_real_ones_do(embed):
    embeddings = embed(None, "fp32")[0]
    dominant = embeddings[:, checkpoints.dominant_dimension(128)] ** 2 / (embeddings**2).sum(1)
    assert 0.7 < dominant.mean() < 0.9
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    between = (units @ units.T)[np.triu_indices(len(units), 1)]
    assert 0.85 < np.median(between) < 0.95


def test_overflow_breaks_exactly_the_sequences_with_tryptophan(embed):
    block = embed("overflow", "fp16")[1]
    broken = {int(i) for i in block.seq_indices_S[block.nan_count_S > 0]}
    assert broken == {i for i, protein in enumerate(embed.proteins) if b"W" in protein}
    assert 0 < len(broken) < len(embed.proteins)
    assert np.isfinite(embed("overflow", "fp32")[0]).all()


def test_precision_loss_is_finite_and_below_the_cosine_limit(embed):
    reference, candidate = embed("precision-loss", "fp32")[0], embed("precision-loss", "fp16")[0]
    assert np.isfinite(candidate).all()
    assert cosines(reference, candidate).max() < 0.99


def test_silent_loss_passes_raw_cosine_and_fails_the_centred_one(embed):
    reference, candidate = embed("silent-loss", "fp32")[0], embed("silent-loss", "fp16")[0]
    assert cosines(reference, candidate).min() > 0.99
    mean = reference.mean(0)
    assert cosines(reference - mean, candidate - mean).min() < 0.95


def test_every_fault_has_its_injection_and_a_name_of_its_own():
    assert FAULTS.keys() == checkpoints._INJECT.keys()
    assert tuple(ENGINE_FAULTS) == tuple(INJECTED)
    assert not FAULTS.keys() & ENGINE_FAULTS.keys()


def test_weights_are_fp16_numbers_as_in_the_published_files(checkpoint, load):
    assert load(checkpoint(num_layers=6)).fp16_exact


def test_making_a_checkpoint_is_repeatable_and_leaves_the_random_state_alone(tmp_path):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    checkpoints.make_checkpoint(tmp_path / "a", num_layers=1)
    assert torch.equal(torch.rand(3), wanted)
    checkpoints.make_checkpoint(tmp_path / "b", num_layers=1)
    checkpoints.make_checkpoint(tmp_path / "c", num_layers=1, seed=1)
    a, b, c = ((tmp_path / name / "model.safetensors").read_bytes() for name in "abc")
    assert a == b != c
    assert (tmp_path / "a/vocab.txt").read_text().split()[:5] == ["<cls>", "<pad>", "<eos>", "<unk>", "L"]


def test_an_unknown_fault_is_answered_with_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match="overflow, precision-loss"):
        checkpoints.make_checkpoint(tmp_path, fault="gremlins")


def test_the_command_writes_both_files(tmp_path):
    assert checkpoints.main(Namespace(folder=tmp_path, fault=None)) == 0
    assert (tmp_path / "checkpoint/config.json").exists()
    assert len(read(tmp_path / "sequences.fasta")) == NUM_PROTEINS
    assert read_spec(tmp_path / "checkpoint").kind == "esm2"
    assert read_spec(tmp_path / "dnabert/checkpoint").kind == "dnabert-s"
    assert len(read(tmp_path / "dnabert/sequences.fasta")) == NUM_READS


def test_a_fault_is_in_the_esm2_and_there_is_no_second_model_then(tmp_path):
    assert checkpoints.main(Namespace(folder=tmp_path, fault="overflow")) == 0
    assert not (tmp_path / "dnabert").exists()


def test_the_dna_has_a_third_of_each_stratum_no_stop_codon_and_is_the_same_every_time(tmp_path):
    for name in ("a", "b"):
        checkpoints.make_dna_fasta(tmp_path / name, num_sequences=600)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    found = read(tmp_path / "a")
    lengths = np.array([len(sequence) for sequence in found])
    assert [(lengths < 200).sum(), ((lengths >= 200) & (lengths < 400)).sum(), (lengths >= 400).sum()] == [200] * 3
    assert 700 < lengths.max() <= 3000
    stops = {b"TAA", b"TAG", b"TGA"}
    assert not any(stops & {sequence[i : i + 3] for i in range(0, len(sequence), 3)} for sequence in found)


def test_making_a_dnabert_is_repeatable_leaves_the_random_state_alone_and_has_the_hub_s_files(tmp_path):
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    make_dnabert(tmp_path / "a", num_layers=1)
    assert torch.equal(torch.rand(3), wanted)
    make_dnabert(tmp_path / "b", num_layers=1)
    make_dnabert(tmp_path / "c", num_layers=1, seed=1)
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"config.json", "pytorch_model.bin", "tokenizer.json"}
    a, b, c = ([path.read_bytes() for path in sorted((tmp_path / name).iterdir())] for name in "abc")
    assert a == b != c


def test_dnabert_embeddings_have_the_norms_and_cosines_of_real_ones(made_dnabert, load):
    reads = sequences.read(READS)
    tokens = tokenizing.tokenize(read_spec(made_dnabert), made_dnabert, reads, None)
    packs = packing.by_length(tokens.lengths_S, 4096)
    found = Encoder(load(made_dnabert), plain_plan("fp32"), CPU).encode(tokens, packs).embeddings_SD.astype(np.float64)
    # the published spot values: norms of 2.6 and 3.7
    assert 2 < np.linalg.norm(found, axis=1).mean() < 6
    units = found / np.linalg.norm(found, axis=1, keepdims=True)
    assert 0.7 < np.median((units @ units.T)[np.triu_indices(len(units), 1)]) < 0.99
