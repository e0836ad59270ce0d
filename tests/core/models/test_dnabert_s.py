import json
import math
import shutil
from dataclasses import replace

import dnabert_oracle
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import packing
from vp_tui.core.inputs.spec import DnabertSSpec
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models.dnabert_s import DnabertLayer, alibi_slopes
from vp_tui.core.models.kernels.base import to_device
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.ops import PLAIN
from vp_tui.core.workers.demo.dnabert import make_dnabert

CPU = torch.device("cpu")
EXACT = 1e-5
"""Largest absolute difference that FP32 rounding explains: outputs reach 5."""

LENGTHS = [5, 6, 7, 20, 33, 50, 99, 130, 333, 511, 512, 513, 700]
TYPES = "embeddings.token_type_embeddings.weight"
GATED = "encoder.layer.0.mlp.gated_layers.weight"


def some_rows(lengths=LENGTHS, seed=0):
    """Token ids of sequences of these lengths, [CLS] and [SEP] included; every third has an [UNK]."""
    rng = np.random.default_rng(seed)
    rows = [[1, *rng.integers(5, 4096, length - 2).tolist(), 2] for length in lengths]
    for row in rows[::3]:
        row[len(row) // 2] = 0
    return rows


def token_set(rows):
    lengths_S = np.array([len(row) for row in rows])
    return TokenSet(
        ids_N=np.concatenate(rows).astype(np.int32),
        lengths_S=lengths_S,
        starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=0,
        unknown=0,
        unknown_letters={},
        lower_case=0,
    )


def packed(loaded, rows):
    """Token outputs of our forward, all rows in one pack, longest first, given back in the order of `rows`."""
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    layout = packing.layout(np.array([len(rows[i]) for i in order]))
    ids_N = torch.tensor([token for i in order for token in rows[i]])
    parts = loaded.model(ids_N, to_device(layout, CPU)).split([len(rows[i]) for i in order])
    return [parts[order.index(i)] for i in range(len(rows))]


def embeddings(loaded, rows, packs=None, precision="fp32"):
    packs = [np.argsort([-len(row) for row in rows], kind="stable")] if packs is None else packs
    block = Encoder(loaded, plain_plan(precision), CPU).encode(token_set(rows), packs)
    return block.embeddings_SD[np.argsort(block.seq_indices_S)]


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """shapes(heads, hidden) -> folder of a checkpoint, made once."""
    made = {}

    def folder_of(num_heads, hidden, num_layers=2):
        if (num_heads, hidden) not in made:
            made[num_heads, hidden] = tmp_path_factory.mktemp("dnabert")
            make_dnabert(made[num_heads, hidden], num_layers=num_layers, hidden=hidden, num_heads=num_heads)
        return made[num_heads, hidden]

    return folder_of


@pytest.fixture
def changed(made_dnabert, tmp_path):
    """changed(change, name) -> folder with the tiny checkpoint after `change(state)`."""

    def write(change, name="pytorch_model.bin", save=torch.save):
        folder = tmp_path / "changed"
        folder.mkdir()
        state = torch.load(made_dnabert / "pytorch_model.bin", weights_only=True)
        state = change(state) or state
        for file in ("config.json", "tokenizer.json"):
            shutil.copy(made_dnabert / file, folder)
        save(state, folder / name)
        return folder

    return write


@pytest.mark.parametrize(
    ("num_heads", "hidden", "num_layers"),
    [(4, 128, 2), (12, 96, 2), (6, 48, 2), (12, 768, 1)],
    ids=["4 heads of 32", "12 heads of 8", "6 heads of 8", "the published layer, 12 heads of 64"],
)
def test_every_length_from_5_to_700_tokens_equals_the_formulas_in_float64(
    num_heads, hidden, num_layers, shapes, load, max_error
):
    folder = shapes(num_heads, hidden, num_layers)
    # two padded batches: float64 over 700 columns for every row would take most of the time
    short, long = some_rows(LENGTHS[:8]), some_rows([5, 513, 700] if hidden == 96 else [333, 512])
    wanted = [*dnabert_oracle.states(folder, short), *dnabert_oracle.states(folder, long)]
    assert max_error(packed(load(folder), short + long), wanted) < EXACT


def test_12_heads_have_the_published_slopes_and_any_number_those_of_the_paper_s_code():
    assert alibi_slopes(12).dtype == torch.float32
    assert torch.equal(alibi_slopes(12), torch.tensor(dnabert_oracle.TWELVE, dtype=torch.float32))
    for num_heads in (1, 2, 3, 4, 6, 8, 10, 16, 20):
        wanted = torch.tensor(dnabert_oracle.slopes(num_heads), dtype=torch.float32)
        assert torch.allclose(alibi_slopes(num_heads), wanted, rtol=1e-7, atol=0)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_the_slopes_stay_fp32_in_every_format(precision, shapes, load):
    slopes_H = load(shapes(12, 96), precision).model.slopes_H
    assert slopes_H.dtype == torch.float32
    assert torch.equal(slopes_H, torch.tensor(dnabert_oracle.TWELVE, dtype=torch.float32))


def test_token_type_row_0_is_added_and_row_1_is_not(changed, made_dnabert, load, max_error):
    rows = some_rows([30, 90])

    def other_row_1(state):
        state[TYPES][1] += 3

    assert max_error(packed(load(changed(other_row_1)), rows), packed(load(made_dnabert), rows)) == 0
    without = load(made_dnabert)
    without.model.token_type.weight.data[0] = 0
    assert max_error(packed(without, rows), packed(load(made_dnabert), rows)) > 0.1


def test_the_first_half_of_the_gated_linear_goes_through_gelu(made_dnabert, load, changed, max_error):
    def swap(state):
        state[GATED] = torch.cat(state[GATED].chunk(2)[::-1])

    rows = some_rows([30, 90])
    folder = changed(swap)
    assert max_error(packed(load(folder), rows), packed(load(made_dnabert), rows)) > 0.1
    assert max_error(packed(load(folder), rows), dnabert_oracle.states(folder, rows)) < EXACT


def test_gelu_is_the_exact_erf_in_half_too(made_dnabert, load):
    layer = load(made_dnabert, "fp16").model.layers[0]
    seen = {}
    layer.gated.register_forward_hook(lambda module, inputs, output: seen.update(gated=output.clone()))
    layer.wo.register_forward_pre_hook(lambda module, inputs: seen.update(grown=inputs[0]))
    placed = to_device(packing.layout(np.array([30])), CPU)
    hidden_ND = torch.randn(30, 128, generator=torch.Generator().manual_seed(0)).half()
    layer(hidden_ND, alibi_slopes(4), SdpaAttention(), placed)
    first, second = seen["gated"].double().chunk(2, dim=-1)
    exact = first * 0.5 * torch.erfc(-first / math.sqrt(2)) * second
    assert ((seen["grown"].double() - exact).abs() <= exact.abs() * 2**-9 + 2**-20).all()


def test_the_norms_come_after_the_sums(made_dnabert, load):
    """Post-LayerNorm: every block's output is normalized, whatever comes in."""
    layer = load(made_dnabert).model.layers[0]
    placed = to_device(packing.layout(np.array([30])), CPU)
    hidden_ND = 50 * torch.randn(30, 128, generator=torch.Generator().manual_seed(0))
    out_ND = layer(hidden_ND, alibi_slopes(4), SdpaAttention(), placed)
    plain_ND = (out_ND - layer.ffn_norm.bias) / layer.ffn_norm.weight
    assert torch.allclose(plain_ND.mean(1), torch.zeros(30), atol=1e-5)
    assert torch.allclose(plain_ND.var(1, unbiased=False), torch.ones(30), atol=1e-4)


def test_the_bias_is_symmetric_and_not_scaled_with_the_scores():
    """With q = 0 only the bias is left: the softmax of -slope |i - j|, seen from the middle both ways."""
    width, tokens = 64, 9
    out = torch.zeros(3 * width, width)
    seen = {}

    def kernel(call):
        one_hot_NHK = torch.eye(tokens, width)[:, None].expand(tokens, 1, width)
        seen.update(scale=call.scale, weights=SdpaAttention()(replace(call, v_NHK=one_hot_NHK)))
        return call.v_NHK

    spec = DnabertSSpec(
        name="one", num_layers=1, hidden=width, num_heads=1, ffn=8, layer_norm_eps=1e-12, vocab_size=5, num_parameters=1
    )  # fmt: skip
    layer = DnabertLayer(spec, PLAIN)
    layer.qkv.weight.data, layer.qkv.bias.data = out, torch.zeros(3 * width)
    placed = to_device(packing.layout(np.array([tokens])), CPU)
    with torch.inference_mode():
        layer(torch.randn(tokens, width), alibi_slopes(1), kernel, placed)
    assert seen["scale"] == 1 / 8
    got = seen["weights"][tokens // 2, 0, :tokens].double()
    distance = (torch.arange(tokens) - tokens // 2).abs().double()
    wanted = (-(2.0**-8) * distance).softmax(0)
    assert torch.allclose(got, wanted, rtol=1e-6, atol=0)
    assert torch.allclose(got, got.flip(0), rtol=1e-6, atol=0)


def test_an_embedding_is_the_mean_over_all_tokens_with_cls_sep_and_unk(made_dnabert, load):
    rows = some_rows(LENGTHS[:8])
    states = dnabert_oracle.states(made_dnabert, rows)
    wanted_SD = torch.stack([x_TD.mean(0) for x_TD in states]).numpy()
    got_SD = embeddings(load(made_dnabert), rows)
    assert got_SD.dtype == np.float32
    assert np.abs(got_SD - wanted_SD).max() < EXACT
    inside_SD = torch.stack([x_TD[1:-1].mean(0) for x_TD in states]).numpy()
    assert np.abs(got_SD - inside_SD).max() > 1e-3, "the test would not see [CLS] and [SEP] left out"


def test_neighbours_in_the_pack_do_not_change_an_embedding(made_dnabert, load):
    loaded, rows = load(made_dnabert), some_rows()
    together = embeddings(loaded, rows)
    alone = np.concatenate([embeddings(loaded, [row]) for row in rows])
    turned = embeddings(loaded, rows[::-1])[::-1]
    pairs = embeddings(
        loaded, rows, [np.array([i, j]) for i, j in zip(range(12, 6, -1), range(6), strict=True)] + [np.array([6])]
    )
    assert max(np.abs(together - other).max() for other in (alone, turned, pairs)) < 1e-6


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_what_the_neighbours_say_does_not_move_a_single_bit(precision, shapes, load):
    """Same lengths, other letters: the products have the same shapes, so nothing at all may differ."""
    loaded, rows = load(shapes(12, 96), precision), some_rows(LENGTHS[:8])
    others = [rows[i] if i == 4 else row for i, row in enumerate(some_rows(LENGTHS[:8], seed=1))]
    first, second = (embeddings(loaded, data, precision=precision) for data in (rows, others))
    assert np.array_equal(first[4], second[4])
    assert (first[3] != second[3]).any()


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
def test_16_bit_runs_are_16_bit_all_the_way(precision, dtype, made_dnabert, load):
    loaded = load(made_dnabert, precision)
    assert {parameter.dtype for parameter in loaded.model.parameters()} == {dtype}
    seen = set()
    for module in loaded.model.modules():
        if isinstance(module, torch.nn.Linear | torch.nn.LayerNorm):
            module.register_forward_hook(lambda module, inputs, output: seen.update({inputs[0].dtype, output.dtype}))
    (out_ND,) = packed(loaded, some_rows([40]))
    assert seen == {out_ND.dtype} == {dtype}


@pytest.mark.parametrize(("precision", "limit"), [("fp16", 0.05), ("bf16", 0.4)])
def test_16_bit_stays_near_the_formulas(precision, limit, made_dnabert, load, max_error):
    rows = some_rows(LENGTHS[:8])
    assert (
        1e-4 < max_error(packed(load(made_dnabert, precision), rows), dnabert_oracle.states(made_dnabert, rows)) < limit
    )


def test_a_nan_stays_in_its_own_sequence(made_dnabert, load, max_error):
    loaded, rows = load(made_dnabert), some_rows()
    rows = [[token if token != 4000 else 4001 for token in row] for row in rows]
    clean = packed(loaded, rows)
    rows[5][10] = 4000
    loaded.model.embedding.weight.data[4000] = math.nan
    got = packed(loaded, rows)
    assert got[5].isnan().all()
    assert max_error(got[:5] + got[6:], clean[:5] + clean[6:]) < EXACT


def prefixed(state):
    """The names of DNABERT-2: prefix, and a head that DNABERT-S does not have."""
    return {f"bert.{name}": tensor for name, tensor in state.items()} | {
        "cls.predictions.transform.dense.weight": torch.zeros(128, 128),
        "cls.predictions.decoder.bias": torch.zeros(4096),
    }


def old_norms(state):
    return {name.replace("LayerNorm.weight", "LayerNorm.gamma"): tensor for name, tensor in state.items()}


def without_pooler(state):
    return {name: tensor for name, tensor in state.items() if "pooler" not in name}


@pytest.mark.parametrize("change", [prefixed, old_norms, without_pooler])
@pytest.mark.parametrize(("name", "save"), [("pytorch_model.bin", torch.save), ("model.safetensors", save_file)])
def test_other_key_names_and_containers_load_the_same_weights(change, name, save, changed, made_dnabert, load):
    ours, theirs = load(made_dnabert), load(changed(change, name, save))
    assert ours.spec.num_parameters == sum(parameter.numel() for parameter in ours.model.parameters())
    ours, theirs = ours.model.state_dict(), theirs.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda state: state.pop("encoder.layer.1.mlp.layernorm.bias"), r"missing: encoder\.layer\.1\.mlp\.layernorm"),
        (
            lambda state: state.update({"encoder.layer.0.mlp.gated_layers.bias": torch.zeros(4)}),
            "DNABERT-S: enc",
        ),
        (lambda state: state.update({GATED: torch.zeros(512, 128)}), r"\[512, 128\] instead of \[1024, 128\]"),
        (lambda state: state.update({"bert." + GATED: state[GATED]}), "two key names"),
    ],
    ids=["missing", "surplus", "misshapen", "twice"],
)
def test_a_tensor_that_does_not_fit_is_named(change, told, changed, load):
    def only_change(state):
        change(state)

    with pytest.raises(ModelError, match=told):
        load(changed(only_change))


def test_a_pickle_that_would_run_code_is_refused(changed, load):
    with pytest.raises(ModelError, match="not a readable checkpoint"):
        load(changed(lambda state: state | {"evil": pytest.raises}))


def test_the_facts_of_the_weights_are_told(made_dnabert, load):
    loaded = load(made_dnabert, "fp16")
    assert not loaded.fp16_exact
    assert loaded.weights.file_dtype == "float32"
    assert loaded.parameter_bytes == 2 * loaded.spec.num_parameters + 4 * 4
    assert json.loads((made_dnabert / "config.json").read_text())["model_type"] == "bert"
