import numpy as np
import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.engine import footprint, memory
from vp_tui.core.engine.encode import Encoder, OutOfMemoryError
from vp_tui.core.errors import ResourceError, UsageError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.inputs.tokens import VOCABULARY, tokenize
from vp_tui.core.models import precision
from vp_tui.core.models.kernels.base import to_device

CPU = torch.device("cpu")
FP32 = plain_plan("fp32")
SPEC_3B = Esm2Spec(
    name="esm2-3b",
    num_layers=36,
    hidden=2560,
    num_heads=40,
    ffn=10_240,
    layer_norm_eps=1e-5,
    vocab_size=33,
    token_dropout=True,
    num_parameters=2_832_442_880,
)


@pytest.fixture
def fake_h200(monkeypatch):
    """A device with the SMs of an H200; a fake, because there is none (tests/gpu asks the real one)."""
    monkeypatch.setattr(memory, "num_sms", lambda device: 132)
    return torch.device("cuda")


@pytest.fixture(scope="module")
def tokens(proteins):
    return tokenize(proteins, max_residues=1022)


@pytest.fixture(scope="module")
def packs(tokens):
    return packing.by_length(tokens.lengths_S, 2048)


def test_an_embedding_is_the_mean_over_residues_without_bos_and_eos(tiny, load, proteins, tokens, packs, engine_states):
    block = Encoder(load(tiny), FP32, CPU).encode(tokens, packs)
    states = engine_states(tiny, proteins)
    wanted_SD = torch.stack([states[i][1:-1].double().mean(0) for i in block.seq_indices_S]).numpy()
    assert np.abs(block.embeddings_SD - wanted_SD).max() < 1e-5
    assert block.embeddings_SD.dtype == np.float32


def test_rows_name_their_sequence_and_their_pack(tiny, load, tokens, packs):
    block = Encoder(load(tiny), FP32, CPU).encode(tokens, packs)
    assert block.seq_indices_S.tolist() == np.concatenate(packs).tolist()
    assert block.pack_of_S.tolist() == [number for number, pack in enumerate(packs) for _ in pack]
    assert (block.sequences, block.tokens) == (40, tokens.lengths_S.sum())
    assert 0 < block.encode_s <= block.wall_s


def test_pooling_in_fp16_keeps_fp32_sums(tiny, load, proteins, tokens, packs, engine_states):
    block = Encoder(load(tiny, "fp16"), plain_plan("fp16"), CPU).encode(tokens, packs)
    states = engine_states(tiny, proteins, precision="fp16", budget=2048)
    wanted_SD = torch.stack([states[i][1:-1].double().mean(0) for i in block.seq_indices_S]).numpy()
    assert np.abs(block.embeddings_SD - wanted_SD).max() < 1e-5


def test_the_same_block_twice_gives_the_same_bits(tiny, load, tokens, packs):
    encoder = Encoder(load(tiny, "fp16"), plain_plan("fp16"), CPU)
    first, second = encoder.encode(tokens, packs), encoder.encode(tokens, packs)
    assert np.array_equal(first.embeddings_SD, second.embeddings_SD)


def test_non_finite_outputs_are_counted_per_sequence_with_bos_and_eos(tiny, load):
    loaded = load(tiny)
    loaded.model.embedding.weight.data[VOCABULARY.index("W")] = torch.nan
    tokens = tokenize([b"MKTW", b"MKTAA", b"M"], max_residues=1022)
    block = Encoder(loaded, FP32, CPU).encode(tokens, [np.array([1, 0]), np.array([2])])
    assert block.seq_indices_S.tolist() == [1, 0, 2]
    assert block.nan_count_S.tolist() == [0, 6 * 128, 0]
    assert block.inf_count_S.tolist() == [0, 0, 0]
    assert np.isfinite(block.embeddings_SD[[0, 2]]).all()


def test_infinities_in_the_arm_s_own_format_are_counted(tiny, load):
    loaded = load(tiny, "fp16")
    loaded.model.final_norm.bias.data[5] = torch.inf
    block = Encoder(loaded, plain_plan("fp16"), CPU).encode(tokenize([b"MK"], max_residues=1022), [np.array([0])])
    assert block.inf_count_S.tolist() == [4]


def test_counts_of_tokens_add_up_to_those_of_their_sequence_exactly():
    """Also where all that is counted is more than FP32 can count one by one (2^24)."""
    layout = to_device(packing.layout(np.array([30_000, 1, 3])), CPU)
    counts_N = torch.full((30_004,), 2_561.0)
    counts_N[-3:] = torch.tensor([1.0, 0.0, 2.0])
    assert layout.sums(counts_N).tolist() == [30_000 * 2_561, 2_561, 3]
    assert layout.sums(counts_N < 2.0).tolist() == [0, 0, 2]
    assert layout.sums(counts_N).dtype == torch.int64


def test_nan_and_infinities_are_told_apart_and_counted_where_they_are(tiny, load):
    loaded = load(tiny, "fp16")
    values_ND = torch.zeros(9, 128, dtype=torch.float16)
    values_ND[:] = 65_504
    values_ND[0, :3] = torch.nan
    values_ND[3, 5], values_ND[3, 6], values_ND[3, 7] = torch.inf, -torch.inf, torch.nan
    values_ND[8, 0], values_ND[8, 1] = torch.inf, torch.inf
    loaded.model.forward = lambda *_: values_ND
    block = Encoder(loaded, plain_plan("fp16"), CPU).encode(
        tokenize([b"M", b"M", b"M"], max_residues=1022), [np.arange(3)]
    )
    assert block.nan_count_S.tolist() == [3, 1, 0]
    assert block.inf_count_S.tolist() == [0, 2, 2]


def test_products_run_under_the_plan_s_switches(tiny, load):
    loaded = load(tiny)
    seen = []
    loaded.model.register_forward_hook(lambda *_: seen.append(precision.flags()["cuda_matmul"]))
    Encoder(loaded, FP32, CPU).encode(tokenize([b"MK"], max_residues=1022), [np.array([0])])
    assert seen == ["ieee"]


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("no room"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("Triton Error [CUDA]: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=["torch", "host", "Triton", "cuBLAS"],
)
def test_running_out_of_memory_names_the_tokens_of_the_pack(tiny, load, tokens, packs, monkeypatch, error):
    encoder = Encoder(load(tiny), FP32, CPU)

    def fail(*_):
        raise error

    monkeypatch.setattr(encoder.loaded.model, "forward", fail)
    with pytest.raises(OutOfMemoryError, match="--token-budget") as caught:
        encoder.encode(tokens, packs)
    assert caught.value.tokens == tokens.lengths_S[packs[0]].sum()


def test_another_runtime_error_is_not_taken_for_memory(tiny, load, tokens, packs, monkeypatch):
    encoder = Encoder(load(tiny), FP32, CPU)
    monkeypatch.setattr(encoder, "mean", lambda *_: torch.zeros(2, 3) @ torch.zeros(2, 3))
    with pytest.raises(RuntimeError, match="shapes"):
        encoder.encode(tokens, packs)


def test_a_subclass_may_change_which_tokens_are_pooled_and_how(tiny, load, proteins, engine_states):
    class WithoutFirstResidueAndDoubled(Encoder):
        margins = (2, 1)

        def mean(self, hidden_ND, pack):
            return 2 * super().mean(hidden_ND, pack)

    short = [protein for protein in proteins if len(protein) < 100][:3]
    encoder = WithoutFirstResidueAndDoubled(load(tiny), FP32, CPU)
    block = encoder.encode(tokenize(short, max_residues=1022), [np.arange(len(short))])
    wanted_SD = torch.stack([2 * states[2:-1].mean(0) for states in engine_states(tiny, short)])
    # FP32 noise of another pack
    np.testing.assert_allclose(block.embeddings_SD, wanted_SD, rtol=0, atol=1e-4)


def test_tf32_on_a_cpu_is_refused_before_anything_runs(tiny, load):
    with pytest.raises(UsageError, match="tf32"):
        Encoder(load(tiny), plain_plan("tf32"), CPU)


def test_the_automatic_budget_is_the_cap_when_memory_is_ample():
    assert memory.auto_token_budget(SPEC_3B, [FP32], CPU, 2**40, 1000)[0] == memory.CPU_TOKENS == 2048


def test_on_a_gpu_the_cap_is_two_waves_of_tiles(fake_h200):
    budget, reason = memory.auto_token_budget(SPEC_3B, [FP32], fake_h200, 2**40, 1024)
    assert (budget, reason) == (33_792, "33792 tokens: the cap for cuda")


def test_the_automatic_budget_is_halved_until_it_fits_and_says_so(fake_h200):
    per_token = footprint.activation_bytes(SPEC_3B, "fp32")
    budget, reason = memory.auto_token_budget(SPEC_3B, [plain_plan("fp16"), FP32], fake_h200, 9000 * per_token, 1024)
    assert budget == 4224
    assert "would not fit" in reason


def test_a_run_halves_its_budget_once_where_both_arms_can_stay_loaded_then(fake_h200):
    arms, gib = [FP32, plain_plan("fp16")], 2**30

    def budget_of(free_gib):
        return memory.budget_of_a_run(SPEC_3B, arms, fake_h200, free_gib * gib, 1024)

    assert budget_of(139) == (33_792, "33792 tokens: the cap for cuda")
    assert footprint.are_resident(SPEC_3B, ("fp32", "fp16"), 33_792, 139 * gib)
    # 24 GiB: weights of both 15.8, activations of 16,896 tokens 4.4, of 33,792 8.7
    assert budget_of(24) == (16_896, "16896 tokens: with 33792 both precisions do not fit into memory together")
    assert footprint.are_resident(SPEC_3B, ("fp32", "fp16"), 16_896, 24 * gib)
    # 19 GiB: they do not fit with half of it either, so one at a time has all the room
    assert not footprint.are_resident(SPEC_3B, ("fp32", "fp16"), 8_448, 19 * gib)
    assert "beside each other" not in budget_of(19)[1]


def test_a_sequence_longer_than_the_cap_gets_a_budget_of_its_own():
    assert memory.auto_token_budget(SPEC_3B, [FP32], CPU, 2**40, 9000) == (9000, "9000 tokens: the longest sequence")


def test_the_scores_of_fp32_attention_on_cuda_are_counted_once_per_device_not_per_token():
    cuda, half = torch.device("cuda"), plain_plan("fp16")
    assert memory.score_bytes(SPEC_3B, [half, FP32], cuda, 1024) == 3 * 256 * 2**20
    assert memory.score_bytes(SPEC_3B, [half, FP32], cuda, 4096) == 3 * SPEC_3B.num_heads * 4096**2 * 4
    assert memory.score_bytes(SPEC_3B, [half], cuda, 1024) == memory.score_bytes(SPEC_3B, [FP32], CPU, 1024) == 0


def test_no_room_for_the_longest_sequence_is_an_error_with_numbers():
    with pytest.raises(ResourceError, match="1024 tokens needs about"):
        memory.auto_token_budget(SPEC_3B, [FP32], CPU, 2**20, 1024)


def test_memory_is_read_in_bytes_and_mib():
    assert 2**24 < memory.free_memory(CPU) < 2**50
    assert 50 < memory.peak_memory_mib(CPU) < 2**20


@pytest.mark.parametrize("name", ["fp64", "fp32", "fp16"])
def test_values_that_are_not_finite_are_counted_in_every_format(tiny, load, tokens, packs, name):
    loaded = load(tiny, name)
    loaded.model.final_norm.bias.data[3] = torch.nan
    loaded.model.final_norm.bias.data[5] = torch.inf
    block = Encoder(loaded, plain_plan(name), CPU).encode(tokens, packs)
    lengths_S = tokens.lengths_S[block.seq_indices_S]
    assert (block.nan_count_S == lengths_S).all()
    assert (block.inf_count_S == lengths_S).all()
