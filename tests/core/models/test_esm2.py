import math
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from vp_tui.core.inputs import packing
from vp_tui.core.inputs.tokens import MASK, VOCABULARY, tokenize
from vp_tui.core.models.kernels.base import to_device
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.ops import Rotary

CPU = torch.device("cpu")
EXACT = 1e-5
"""Largest absolute difference that FP32 reordering explains: outputs reach 5, 6 layers deep."""

ASTERISK = "encoder.layer.*.attention.self.rotary_embeddings.inv_freq"


def changed(tiny, tmp_path, change):
    """A copy of the tiny checkpoint after `change(state)`."""
    state = load_file(tiny / "model.safetensors")
    change(state)
    shutil.copy(tiny / "config.json", tmp_path)
    save_file(state, tmp_path / "model.safetensors")
    return tmp_path


def test_300_real_proteins_equal_transformers(tiny, many_proteins, engine_states, oracle_states, max_error):
    assert max_error(engine_states(tiny, many_proteins), oracle_states(tiny, many_proteins)) < EXACT


@pytest.mark.parametrize(
    ("num_layers", "hidden", "num_heads"),
    [(6, 320, 20), (2, 96, 4), (2, 128, 4), (1, 512, 4)],
    ids=["the 8M model, head size 16", "head size 24 as in 35M", "head size 32 as in 150M", "head size 128 as in 15B"],
)
def test_the_8m_shape_and_all_published_head_sizes_equal_transformers(
    num_layers, hidden, num_heads, checkpoint, proteins, engine_states, oracle_states, max_error
):
    folder = checkpoint(num_layers=num_layers, hidden=hidden, num_heads=num_heads)
    assert max_error(engine_states(folder, proteins), oracle_states(folder, proteins)) < EXACT


def test_neither_the_packs_nor_the_order_change_a_result(tiny, proteins, engine_states, max_error):
    large = engine_states(tiny, proteins, budget=10_000)
    alone = engine_states(tiny, proteins, budget=1024)
    turned = engine_states(tiny, proteins[::-1])[::-1]
    one_by_one = [engine_states(tiny, [protein])[0] for protein in proteins[:10]]
    assert max_error(large, alone) < EXACT
    assert max_error(large, turned) < EXACT
    assert max_error(large[:10], one_by_one) < EXACT


def test_rotary_frequencies_are_the_checkpoint_s_own(tiny, tmp_path, proteins, engine_states, oracle_states, max_error):
    folder = changed(tiny, tmp_path, lambda state: state[ASTERISK].mul_(1.5))
    altered = engine_states(folder, proteins)
    assert max_error(altered, oracle_states(folder, proteins)) < EXACT
    assert max_error(altered, engine_states(tiny, proteins)) > 0.01


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_rotary_angles_stay_fp32_in_16_bit(tiny, load, precision):
    inv_freq = load_file(tiny / "model.safetensors")[ASTERISK]
    model = load(tiny, precision).model
    assert model.inv_freq.dtype == torch.float32
    assert torch.equal(model.inv_freq, inv_freq)


def test_embeddings_are_scaled_by_088_and_more_with_masked_tokens(tiny, load):
    model = load(tiny).model
    ids_N = torch.tensor([0, 20, 15, 2, 0, 20, MASK, 4, 2])
    placed = to_device(packing.layout(np.array([4, 5])), CPU)
    raw_ND, got_ND = model.embedding(ids_N), model.embed(ids_N, placed)
    assert torch.allclose(got_ND[:4], raw_ND[:4] * 0.88)
    assert torch.allclose(got_ND[5], raw_ND[5] * 0.88 / (1 - 1 / 5))
    assert (got_ND[6] == 0).all()


def test_masked_tokens_equal_transformers(tiny, load, max_error):
    from transformers import EsmModel

    ids = torch.tensor([[0, 20, MASK, 4, 4, MASK, 9, 2]])
    oracle = EsmModel.from_pretrained(tiny, add_pooling_layer=False, dtype=torch.float32, attn_implementation="eager")
    with torch.inference_mode():
        wanted = oracle.eval()(ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
    placed = to_device(packing.layout(np.array([8])), CPU)
    assert max_error([load(tiny).model(ids[0], placed)], [wanted]) < EXACT


def test_outputs_are_those_after_the_last_layer_norm(tiny, tmp_path, proteins, engine_states, max_error):
    def shift(state):
        state["encoder.emb_layer_norm_after.bias"] += 1

    shifted = engine_states(changed(tiny, tmp_path, shift), proteins[:3])
    plain = engine_states(tiny, proteins[:3])
    assert max_error(shifted, [states + 1 for states in plain]) < EXACT


def test_gelu_is_the_exact_erf_in_half_too(tiny, load):
    layer = load(tiny, "fp16").model.layers[0]
    before, after = [], []
    layer.fc1.register_forward_hook(lambda module, inputs, output: before.append(output.clone()))
    layer.fc2.register_forward_pre_hook(lambda module, inputs: after.append(inputs[0]))
    placed = to_device(packing.layout(np.array([30])), CPU)
    hidden_ND = torch.randn(30, 128, generator=torch.Generator().manual_seed(0)).half()
    layer(hidden_ND, Rotary(30, placed.positions_N, torch.ones(32)), SdpaAttention(), placed)
    x = before[0].double()
    exact = x * 0.5 * torch.erfc(-x / math.sqrt(2))
    assert ((after[0].double() - exact).abs() <= exact.abs() * 2**-10 + 2**-23).all()


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_16_bit_runs_are_16_bit_all_the_way(precision, dtype, tiny, load, proteins):
    loaded = load(tiny, precision)
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {dtype}
    seen = set()
    for module in loaded.model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.LayerNorm):
            module.register_forward_hook(
                lambda module, inputs, output: seen.update(
                    {inputs[0].dtype, *(part.dtype for part in (output if isinstance(output, tuple) else (output,)))}
                )
            )
    tokens = tokenize(proteins[:2], max_residues=1022)
    placed = to_device(packing.layout(tokens.lengths_S), CPU)
    assert loaded.model(torch.from_numpy(tokens.ids_N.astype(np.int64)), placed).dtype == dtype
    assert seen == {dtype}


@pytest.mark.parametrize(("precision", "limit"), [("fp16", 0.05), ("bf16", 0.4)])
def test_16_bit_stays_near_fp32_on_real_proteins(precision, limit, tiny, proteins, engine_states, max_error):
    error = max_error(engine_states(tiny, proteins, precision=precision), engine_states(tiny, proteins))
    assert 0 < error < limit


@pytest.mark.parametrize("broken", [9, 2, 30])
def test_a_nan_stays_in_its_own_sequence(broken, tiny, load, proteins, engine_states, max_error):
    # 9 lies behind a padded row of its group: padding taken from the next sequence would pass the NaN on
    loaded = load(tiny)
    residues = [protein.replace(b"W", b"A") for protein in proteins]
    residues[broken] = residues[broken][:-1] + b"W"
    clean = engine_states(tiny, residues, loaded=loaded)
    loaded.model.embedding.weight.data[VOCABULARY.index("W")] = math.nan
    got = engine_states(tiny, residues, loaded=loaded)
    assert got[broken].isnan().all()
    others = [i for i in range(len(residues)) if i != broken]
    assert max_error([got[i] for i in others], [clean[i] for i in others]) < EXACT
