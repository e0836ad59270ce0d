"""Every injected fault changes its own arm, leaves the other one's bits, and stays above the limit of raw cosine."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.faults.in_encoder import Tf32StandIn
from vp_tui.core.engine.faults.inject import FAULTS, FaultyEncoders
from vp_tui.core.errors import UsageError
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.spec import HfSpec
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.demo.data import make_fasta

CPU = torch.device("cpu")
FP16, FP32 = plain_plan("fp16"), plain_plan("fp32")
CANDIDATES = [name for name, fault in FAULTS.items() if fault.arm == "candidate"]


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """62 proteins of the demo, 8 of them homologues of others."""
    path = tmp_path_factory.mktemp("some") / "sequences.fasta"
    make_fasta(path, num_sequences=600)
    found = [record.split("\n", 1)[1].replace("\n", "").encode() for record in path.read_text().split(">")[1:]]
    copies = [i for i in range(len(found)) if i % 3 and i // 3 % 10 == 9][:8]
    return [found[i] for i in sorted({*range(0, 600, 13), *copies, *(i - 3 for i in copies)})]


@pytest.fixture(scope="module")
def tokens(some):
    return tokenize(some, max_residues=1022)


@pytest.fixture(scope="module")
def embed(tokens):
    """embed(encoder) -> [S, D] in the order of the proteins."""

    def run(encoder, budget=4096):
        block = encoder.encode(tokens, packing.by_length(tokens.lengths_S, budget))
        return block.embeddings_SD[np.argsort(block.seq_indices_S)]

    return run


@pytest.fixture(scope="module")
def demo_model(checkpoint, load):
    """demo_model(precision) -> a fresh LoadedModel of the default demo checkpoint."""
    return lambda precision: load(checkpoint(num_layers=6), precision)


@pytest.fixture(scope="module")
def sound(demo_model, embed):
    """Reference and candidate without any fault."""
    reference = embed(Encoder(demo_model("fp32"), FP32, CPU))
    return {"reference": reference, "candidate": embed(Encoder(demo_model("fp16"), FP16, CPU))}


@pytest.mark.parametrize("fault", CANDIDATES)
def test_a_fault_changes_the_candidate_and_raw_cosine_stays_above_the_limit(fault, demo_model, embed, sound):
    faulty = embed(FaultyEncoders(fault).make("candidate", demo_model("fp16"), FP16, CPU))
    assert np.isfinite(faulty).all()
    assert (faulty != sound["candidate"]).any()
    assert pair_measures(sound["reference"], faulty).cosine_S.min() > Thresholds().fail(M1)


def test_a_reference_in_tf32_differs_and_raw_cosine_stays_above_the_limit(demo_model, embed, sound):
    encoder = FaultyEncoders("tf32-reference").make("reference", demo_model("fp32"), FP32, CPU)
    assert isinstance(encoder, Tf32StandIn)
    faulty = embed(encoder)
    measures = pair_measures(sound["reference"], faulty)
    # TF32 has the mantissa of FP16: this reference errs as much as the candidate does
    assert 5e-5 < np.median(measures.relative_l2_S) < 5e-4
    assert measures.cosine_S.min() > Thresholds().fail(M1)


@pytest.mark.parametrize("fault", FAULTS)
def test_both_arms_take_turns_and_only_the_faulty_one_changes_its_bits(fault, checkpoint, load, tokens):
    packs = [np.arange(0, 12), np.arange(12, 20)]
    plans, encoders, sound = {"reference": FP32, "candidate": FP16}, {}, {}
    for arm, plan in plans.items():
        folder = checkpoint(num_layers=2)
        encoders[arm] = FaultyEncoders(fault).make(arm, load(folder, plan.precision), plan, CPU)
        sound[arm] = Encoder(load(folder, plan.precision), plan, CPU).encode(tokens, packs).embeddings_SD
    turns = [(arm, encoders[arm].encode(tokens, packs).embeddings_SD) for arm in (*plans, *reversed(plans))]
    faulty = FAULTS[fault].arm
    assert all(np.array_equal(found, sound[arm]) == (arm != faulty) for arm, found in turns)
    first, again = (found for arm, found in turns if arm == faulty)
    # noise that repeated would be a fault of another kind
    assert np.array_equal(first, again) == (fault != "noisy-candidate")
    assert [arm for arm, encoder in encoders.items() if type(encoder) is not Encoder] in ([], [faulty])


def test_without_a_fault_the_encoder_is_the_ordinary_one(tiny, load):
    assert type(Encoder(load(tiny), FP32, CPU)) is Encoder


def test_eos_is_pooled_with_the_residues_and_bos_is_not(tiny, load, engine_states, proteins):
    encoder = FaultyEncoders("eos-in-mean").make("candidate", load(tiny), FP32, CPU)
    wanted_SD = torch.stack([states[1:].double().mean(0) for states in engine_states(tiny, proteins, budget=2048)])
    tokens = tokenize(proteins, max_residues=1022)
    block = encoder.encode(tokens, packing.by_length(tokens.lengths_S, 2048))
    assert np.abs(block.embeddings_SD - wanted_SD[block.seq_indices_S].numpy()).max() < 1e-5


def test_the_most_alike_pair_gives_each_other_s_embeddings_in_any_pack(demo_model, embed, sound, tokens):
    encoder = FaultyEncoders("permuted-pair").make("candidate", demo_model("fp32"), FP32, CPU)
    x_SD = sound["reference"].astype(np.float64)
    faulty = embed(encoder)
    moved = np.flatnonzero(np.abs(faulty - sound["reference"]).max(1) > 1e-3)
    units_SD = x_SD / np.linalg.norm(x_SD, axis=1, keepdims=True)
    alike_SS = units_SD @ units_SD.T - np.eye(len(x_SD))
    assert moved.tolist() == sorted(np.unravel_index(alike_SS.argmax(), alike_SS.shape))
    first, second = moved
    # other packs: FP32 noise
    np.testing.assert_allclose(faulty[first], sound["reference"][second], rtol=0, atol=1e-5)
    np.testing.assert_allclose(embed(encoder, 2048), faulty, rtol=0, atol=1e-5)
    alone = encoder.encode(tokens, [np.array([first])])
    np.testing.assert_allclose(alone.embeddings_SD[0], faulty[first], rtol=0, atol=1e-5)
    assert alone.seq_indices_S.tolist() == [first]


def test_unlike_sequences_are_no_pair(demo_model):
    encoder = FaultyEncoders("permuted-pair").make("candidate", demo_model("fp32"), FP32, CPU)
    tokens = tokenize([b"MKTAYIAKQRQISFVKSHFSRQ", b"GGGWWPPPDDDEEGG"], max_residues=1022)
    wanted = Encoder(encoder.loaded, FP32, CPU).encode(tokens, [np.arange(2)]).embeddings_SD
    assert np.array_equal(encoder.encode(tokens, [np.arange(2)]).embeddings_SD, wanted)


def test_equal_sequences_are_no_pair_but_each_of_them_swaps_with_the_one_they_resemble(demo_model, some):
    encoder = FaultyEncoders("permuted-pair").make("candidate", demo_model("fp32"), FP32, CPU)
    first = max(some, key=len)
    tokens = tokenize([first, first, first[:-6] + b"MKTAYI"], max_residues=1022)
    packs = [np.array([row]) for row in range(3)]
    wanted = Encoder(encoder.loaded, FP32, CPU).encode(tokens, packs).embeddings_SD
    assert np.array_equal(encoder.encode(tokens, packs).embeddings_SD, wanted[[2, 2, 0]])


def test_the_sums_of_fp16_pooling_are_rounded_after_every_token(tiny, load, some):
    long = [max(some, key=len), b"MK"]
    loaded = load(tiny, "fp16")
    seen = []
    loaded.model.register_forward_hook(lambda *args: seen.append(args[2].numpy()))
    block = (
        FaultyEncoders("fp16-pooling")
        .make("candidate", loaded, FP16, CPU)
        .encode(tokenize(long, max_residues=1022), [np.arange(2)])
    )
    stops = len(long[0]) + 2
    for row, states in enumerate((seen[0][1 : stops - 1], seen[0][stops + 1 : -1])):
        total = np.add.accumulate(states, axis=0, dtype=np.float16)[-1]
        assert np.array_equal(block.embeddings_SD[row], (total / np.float16(len(states))).astype(np.float32))


def test_half_angles_are_off_by_a_tenth_of_a_radian_late_in_a_long_protein(tiny, load, tokens):
    loaded = load(tiny, "fp16")
    seen = []
    FaultyEncoders("half-angles").make("candidate", loaded, FP16, CPU)
    loaded.model.layers[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    longest = int(tokens.lengths_S.argmax())
    Encoder(loaded, FP16, CPU).encode(tokens, [np.array([longest])])
    angles = np.arange(tokens.lengths_S[longest])[:, None] * loaded.model.inv_freq.double().numpy()
    off = np.abs(seen[0].cos_Pk.double().numpy() - np.cos(angles))
    assert off[:64].max() < 0.02
    assert off.max() > 0.1


def test_the_tanh_formula_holds_for_the_planted_model_only_even_when_a_forward_fails(tiny, load, tokens):
    planted, other = load(tiny), load(tiny)
    encoder = FaultyEncoders("tanh-gelu").make("candidate", planted, FP32, CPU)
    x = torch.linspace(-3, 3, 7)
    exact = nn.functional.gelu(x)

    def fail(*_):
        raise RuntimeError("planted")

    handle = planted.model.layers[1].fc2.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="planted"):
        encoder.encode(tokens, [np.array([0])])
    handle.remove()
    assert torch.equal(nn.functional.gelu(x), exact)
    sound = Encoder(other, FP32, CPU).encode(tokens, [np.array([0])]).embeddings_SD
    faulty = encoder.encode(tokens, [np.array([0])]).embeddings_SD
    assert np.array_equal(Encoder(load(tiny), FP32, CPU).encode(tokens, [np.array([0])]).embeddings_SD, sound)
    assert 1e-5 < np.abs(faulty - sound).max() < 1e-2


def test_a_copy_of_a_planted_model_runs_its_own_weights(tiny, load, tokens):
    planted = load(tiny)
    encoder = FaultyEncoders("tanh-gelu").make("candidate", planted, FP32, CPU)
    faulty = encoder.encode(tokens, [np.array([0])]).embeddings_SD
    twin = copy.deepcopy(planted.model)
    for parameter in planted.model.parameters():
        parameter.data.zero_()
    again = Encoder(replace(planted, model=twin), FP32, CPU).encode(tokens, [np.array([0])]).embeddings_SD
    assert np.array_equal(again, faulty)


def test_the_bf16_block_is_the_middle_one(demo_model, tokens):
    loaded = demo_model("fp16")
    bf16, seen = [], {}
    encoder = FaultyEncoders("bf16-layer").make("candidate", loaded, FP16, CPU)
    for number, block in enumerate(loaded.model.layers):
        block.register_forward_hook(lambda *args, number=number: seen.update({number: args[2]}))
    encoder.encode(tokens, [np.array([0])])
    for number, output in seen.items():
        # FP16 has 10 bits of mantissa, BF16 7: the last 3 are zero
        bf16 += [number] if not (output.view(torch.int16) & 7).any() else []
    assert bf16 == [3]


def test_the_stand_in_for_tf32_rounds_what_enters_linear_layers_and_their_weights(tiny, load, tokens):
    loaded = load(tiny)
    loaded.model.layers[0].fc1.weight.data += 1e-6
    encoder = FaultyEncoders("tf32-reference").make("reference", loaded, FP32, CPU)
    seen = []
    loaded.model.layers[0].fc1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    encoder.encode(tokens, [np.array([0])])
    for values in (seen[0], loaded.model.layers[0].fc1.weight):
        assert not (values.view(torch.int32) & 0x1FFF).any()


@pytest.mark.parametrize("fault", ["half-angles", "recomputed-inv-freq", "missing-scale", "eos-in-mean"])
def test_a_fault_that_a_model_of_another_kind_cannot_have_is_refused(made_dnabert, load, fault):
    loaded = load(made_dnabert, "fp16")
    with pytest.raises(UsageError, match=fault):
        FaultyEncoders(fault).make("candidate", loaded, FP16, CPU)
    assert type(FaultyEncoders(fault).make("reference", loaded, FP32, CPU)) is Encoder


@pytest.mark.parametrize("fault", ["tanh-gelu", "bf16-layer", "fp16-pooling", "packing-leak", "noisy-candidate"])
def test_dnabert_s_has_the_faults_that_it_can_have(made_dnabert, load, fault):
    rng = np.random.default_rng(0)
    lengths_S = np.array([80, 40, 20])
    tokens = tokenize([b"A" * int(n - 2) for n in lengths_S], max_residues=1022)
    tokens = replace(tokens, ids_N=rng.integers(5, 4000, tokens.ids_N.size).astype(np.int32))
    encoders = (
        Encoder(load(made_dnabert, "fp16"), FP16, CPU),
        FaultyEncoders(fault).make("candidate", load(made_dnabert, "fp16"), FP16, CPU),
    )
    sound, faulty = (encoder.encode(tokens, [np.arange(3)]).embeddings_SD for encoder in encoders)
    assert (sound != faulty).any()
    assert pair_measures(sound, faulty).cosine_S.min() > Thresholds().fail(M1)


def test_a_fault_that_would_change_nothing_is_refused(tiny, load):
    with pytest.raises(UsageError, match="bf16-layer"):
        FaultyEncoders("bf16-layer").make("candidate", load(tiny, "bf16"), plain_plan("bf16"), CPU)
    with pytest.raises(UsageError, match="fp16"):
        FaultyEncoders("tf32-reference").make("reference", load(tiny, "fp16"), FP16, CPU)
    unscaled = replace(load(tiny).spec, token_dropout=False)
    with pytest.raises(UsageError, match="missing-scale"):
        FaultyEncoders("missing-scale").check("candidate", unscaled, FP32)
    loaded = load(tiny)
    steps = torch.arange(32, dtype=torch.float32) / 32
    loaded.model.inv_freq = 10_000.0**-steps
    with pytest.raises(UsageError, match="recomputed-inv-freq"):
        FaultyEncoders("recomputed-inv-freq").make("candidate", loaded, FP32, CPU)


def test_inside_transformers_only_the_encoder_s_own_faults_can_be_planted(tiny, load):
    given = load(tiny).spec
    common = {name: getattr(given, name) for name in ("num_layers", "hidden", "num_heads", "ffn", "vocab_size")}
    spec = HfSpec(name="theirs", num_parameters=1, max_tokens=None, **common)
    with pytest.raises(UsageError, match="tanh-gelu"):
        FaultyEncoders("tanh-gelu").check("candidate", spec, FP16)
    FaultyEncoders("permuted-pair").check("candidate", spec, FP16)


def test_an_unknown_fault_is_answered_with_the_known_ones(tiny, load):
    with pytest.raises(UsageError, match=r"gremlins.*missing-scale, eos-in-mean"):
        FaultyEncoders("gremlins").make("reference", load(tiny), FP32, CPU)
