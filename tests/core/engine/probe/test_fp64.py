"""FP64 through the native engines, and streamed block by block."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from attention_oracle import call_of, exact, layout_of, states
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder, place
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.models import dnabert_s, esm2, linear, loading, precision
from vp_tui.core.models.kernels import sdpa
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.precision import EXACT
from vp_tui.core.models.streaming import streamed

CPU = torch.device("cpu")
NATIVE = ["esm2", "dnabert-s"]


def outputs(model, found, budget=4096):
    with torch.inference_mode():
        placed = (place(found.sample.tokens, pack_S, CPU) for pack_S in found.sample.packs(budget))
        return torch.cat([model(pack.ids_N, pack.layout) for pack in placed])


def exact_model(found):
    return loading.load(found.source, EXACT, CPU).model


def plain_esm2(folder, row):
    """ESM-2 from its formulas, dense, FP64, one protein; shares no code with vp_tui."""
    stored = load_file(folder / "model.safetensors")
    w = {name.replace("gamma", "weight").replace("beta", "bias"): x.double() for name, x in stored.items()}
    config = json.loads((folder / "config.json").read_text())
    heads, eps = config["num_attention_heads"], config["layer_norm_eps"]
    x_TD = w["embeddings.word_embeddings.weight"][row] * (1 - 0.15 * 0.8)

    def norm(x, name):
        x = x - x.mean(-1, keepdim=True)
        return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    table = next(tensor for name, tensor in w.items() if name.endswith("inv_freq"))
    angles_T1k = (torch.arange(len(row)).double()[:, None] * table)[:, None]

    def turn(x_THK):
        first, second = x_THK.chunk(2, -1)
        cos, sin = angles_T1k.cos(), angles_T1k.sin()
        return torch.cat((first * cos - second * sin, second * cos + first * sin), -1)

    for index in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{index}"
        inner = norm(x_TD, f"{layer}.attention.LayerNorm")
        q, k, v = (linear(inner, f"{layer}.attention.self.{part}").unflatten(-1, (heads, -1))
                   for part in ("query", "key", "value"))  # fmt: skip
        scores_HTT = torch.einsum("thk,shk->hts", turn(q), turn(k)) / q.shape[-1] ** 0.5
        mixed_TD = torch.einsum("hts,shk->thk", scores_HTT.softmax(-1), v).flatten(1)
        x_TD = x_TD + linear(mixed_TD, f"{layer}.attention.output.dense")
        grown = linear(norm(x_TD, f"{layer}.LayerNorm"), f"{layer}.intermediate.dense")
        x_TD = x_TD + linear(grown * 0.5 * (1 + torch.erf(grown / 2**0.5)), f"{layer}.output.dense")
    return norm(x_TD, "encoder.emb_layer_norm_after")


def rows_of(found):
    tokens = found.sample.tokens
    members = found.sample.indices_P[found.sample.order_P]
    return [tokens.ids_N[tokens.starts_S[i] : tokens.starts_S[i] + tokens.lengths_S[i]].tolist() for i in members]


def test_esm2_in_fp64_is_its_formulas_to_fp64(case):
    found = case("esm2")
    wanted_ND = torch.cat([plain_esm2(found.folder, row) for row in rows_of(found)])
    got_ND = outputs(exact_model(found), found)
    assert got_ND.dtype == torch.float64
    # rounding of FP64 over two layers; a step left in FP32 is 1e-8 to 1e-6 off
    assert (got_ND - wanted_ND).abs().max() < 1e-12


def test_dnabert_s_in_fp64_is_its_formulas_to_fp64(case, dnabert_states):
    found = case("dnabert-s")
    wanted_ND = torch.cat(dnabert_states(found.folder, rows_of(found)))
    assert (outputs(exact_model(found), found) - wanted_ND).abs().max() < 1e-12


@pytest.fixture
def dnabert_states(request, monkeypatch):
    monkeypatch.syspath_prepend(request.config.rootpath / "tests/core/models")
    from dnabert_oracle import states

    return states


@pytest.mark.parametrize("alibi", [False, True], ids=["plain", "alibi"])
def test_sdpa_in_fp64_is_attention_to_fp64(alibi):
    """Slopes of FP32 that are no powers of two: their products with distances need more than 24 bits."""
    lengths = [60, 41, 7]
    qkv = states(lengths, 3, 16, dtype=torch.float64)
    slopes_H = torch.tensor([0.7, 0.3, 0.01]).double() if alibi else None
    wanted_NHK = exact(*qkv, lengths, 0.25, slopes_H)
    got_NHK = SdpaAttention()(call_of(*qkv, layout_of(lengths), 0.25, slopes_H))
    assert (got_NHK - wanted_NHK).abs().max() < 1e-14


@pytest.mark.parametrize("kind", NATIVE)
def test_in_fp64_parameters_and_tables_are_the_fp32_ones_upcast(case, kind):
    exact, single = exact_model(case(kind)), loading.load(case(kind).source, plain_plan("fp32"), CPU).model
    assert {tensor.dtype for tensor in (*exact.parameters(), *exact.buffers())} == {torch.float64}
    for one, other in zip(
        (*exact.parameters(), *exact.buffers()), (*single.parameters(), *single.buffers()), strict=True
    ):
        assert torch.equal(one, other.double())


@pytest.mark.parametrize("name", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("kind", NATIVE)
def test_other_formats_keep_every_bit_that_plain_float_gave_them(case, kind, name, monkeypatch):
    """The engine had `.float()` where it has at_least_fp32 now."""
    found = case(kind)
    now_PD = found.rows(found.encoder(name))
    for module in (esm2, sdpa):
        monkeypatch.setattr(module, "at_least_fp32", lambda tensor: tensor.float())
    assert np.array_equal(now_PD, found.rows(found.encoder(name)))
    assert not hasattr(dnabert_s, "at_least_fp32")


def test_at_least_fp32_lifts_16_bits_and_leaves_the_rest():
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        assert precision.at_least_fp32(torch.ones(1, dtype=dtype)).dtype == torch.float32
    assert precision.at_least_fp32(torch.ones(1, dtype=torch.float64)).dtype == torch.float64


def test_the_user_cannot_ask_for_fp64():
    from vp_tui.core.config import RunConfig

    with pytest.raises(ValueError, match="precision"):
        RunConfig(model="m", input="i", precision="fp64")


def test_masked_tokens_scale_in_fp64_too(case):
    """1 - 1/3 is no FP32 number; 0.88 over it in FP32 would be 1e-8 off."""
    found = case("esm2")
    model = exact_model(found)
    placed = place(found.sample.tokens, found.sample.packs(4096)[0][-1:], CPU)
    ids_N = placed.ids_N.clone()
    ids_N[1] = 32
    share = 1 / len(ids_N)
    wanted_ND = model.embedding(ids_N) * (0.88 / (1 - share))
    wanted_ND[1] = 0
    assert (model.embed(ids_N, placed.layout) - wanted_ND).abs().max() < 1e-15


@pytest.mark.parametrize("plan", [EXACT, plain_plan("fp32"), plain_plan("fp16")], ids=lambda plan: plan.name)
@pytest.mark.parametrize("kind", NATIVE)
def test_streamed_is_the_model_loaded_whole_bit_for_bit(case, kind, plan, monkeypatch):
    # streamed keeps torch's linear layers, and which ones `load` takes in 16 bits is a matter of their speed
    monkeypatch.setattr(linear, "_faster", lambda _: linear.LinearChoice(way="native", reason="asked for"))
    found = case(kind)
    wanted_ND = outputs(loading.load(found.source, plan, CPU).model, found, 1100)
    with streamed(found.source, plan, CPU) as model:
        assert torch.equal(outputs(model, found, 1100), wanted_ND)


@pytest.mark.parametrize("kind", NATIVE)
def test_one_block_at_most_has_its_weights(case, kind):
    found = case(kind)
    with streamed(found.source, EXACT, CPU) as model:
        blocks = list(model.layers)
        seen = []

        def note(*_):
            seen.append([all(not p.is_meta for p in block.parameters()) for block in blocks])

        handles = [leaf.register_forward_hook(note) for leaf in model.modules() if isinstance(leaf, nn.Linear)]
        outputs(model, found)
        assert sorted(map(tuple, seen)) == sorted([(True, False)] * 4 + [(False, True)] * 4)
        assert all(p.is_meta for block in blocks for p in block.parameters())
        for handle in handles:
            handle.remove()


def test_a_block_is_dropped_when_its_forward_fails(case):
    found = case("esm2")
    with streamed(found.source, EXACT, CPU) as model:

        def fail(*_):
            raise ZeroDivisionError

        model.layers[0].fc1.register_forward_hook(fail)
        with pytest.raises(ZeroDivisionError):
            outputs(model, found)
        assert all(p.is_meta for block in model.layers for p in block.parameters())


def test_streaming_reads_sharded_safetensors(case, tmp_path):
    found = case("esm2")
    tensors = load_file(found.folder / "model.safetensors")
    halves = [dict(list(tensors.items())[::2]), dict(list(tensors.items())[1::2])]
    for number, half in enumerate(halves):
        save_file(half, tmp_path / f"model-{number}.safetensors", metadata={"format": "pt"})
    names = {name: f"model-{number}.safetensors" for number, half in enumerate(halves) for name in half}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": names}))
    (tmp_path / "config.json").write_text((found.folder / "config.json").read_text())
    with streamed(resolve(str(tmp_path)), EXACT, CPU) as model:
        assert torch.equal(outputs(model, found), outputs(exact_model(found), found))


def test_streaming_reads_fair_esm_files(case, tmp_path):
    from esm.model.esm2 import ESM2

    found = case("esm2")
    torch.manual_seed(0)
    theirs = ESM2(num_layers=2, embed_dim=64, attention_heads=4, alphabet="ESM-1b", token_dropout=True)
    state = {f"encoder.sentence_encoder.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({"model": state, "cfg": {}}, tmp_path / "tiny.pt")
    source = resolve(str(tmp_path / "tiny.pt"))
    wanted_ND = outputs(loading.load(source, EXACT, CPU).model, found)
    with streamed(source, EXACT, CPU) as model:
        assert torch.equal(outputs(model, found), wanted_ND)


def test_streaming_refuses_a_checkpoint_that_lacks_a_tensor(case, tmp_path):
    found = case("esm2")
    tensors = load_file(found.folder / "model.safetensors")
    del tensors["encoder.layer.1.output.dense.bias"]
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((found.folder / "config.json").read_text())
    with (
        pytest.raises(ModelError, match=r"missing.*layer\.1\.output"),
        streamed(resolve(str(tmp_path)), EXACT, CPU),
    ):
        pass


def test_rounded_weights_are_what_the_blocks_get(case):
    fp16 = plain_plan("fp16")
    found = case("dnabert-s")
    wanted_ND = None
    whole = loading.load(found.source, plain_plan("fp32"), CPU).model
    for parameter in whole.parameters():
        parameter.data = precision.stored_as(parameter.data, fp16)
    wanted_ND = outputs(whole, found)
    with streamed(
        found.source, plain_plan("fp32"), CPU, rounding=lambda _, __, weight: precision.stored_as(weight, fp16)
    ) as model:
        assert torch.equal(outputs(model, found), wanted_ND)
    plain_ND = outputs(loading.load(found.source, plain_plan("fp32"), CPU).model, found)
    assert not torch.equal(plain_ND, wanted_ND)


def test_an_encoder_takes_an_fp64_plan(case):
    """Pooling of the run ends in FP32; what goes in is FP64."""
    found = case("esm2")
    rows_PD = found.rows(Encoder(loading.load(found.source, EXACT, CPU), EXACT, CPU))
    assert np.abs(rows_PD - found.rows(found.encoder("fp32"))).max() < 1e-5
