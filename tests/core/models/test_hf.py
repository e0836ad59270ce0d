"""Encoders of transformers behind the engine's own call: exact, without leaks, nothing random or foreign in them."""

import json
import re
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import dynamic_module_utils

import hf_checkpoints
from samples import PROTEINS, READS
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ModelError, UsageError
from vp_tui.core.inputs import packing, sequences, tokenizing
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading
from vp_tui.core.models.hf import hf_attention

CPU = torch.device("cpu")
EXACT = 1e-5
KINDS = tuple(hf_checkpoints.MAKERS)


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """folder_of(kind): a tiny checkpoint, made once."""
    made = {}

    def folder(kind):
        if kind not in made:
            made[kind] = tmp_path_factory.mktemp("hf") / kind
            hf_checkpoints.MAKERS[kind](made[kind])
        return made[kind]

    return folder


def data_of(kind, count=12):
    """Sequences of all lengths; the ESM-1b here has 200 positions only."""
    data = sequences.read(READS if kind == "ModernBERT" else PROTEINS)
    longest = 180 if kind == "ESM-1b" else 1100
    return data.take([i for i in range(len(data)) if len(data.residues[i]) <= longest][:: max(1, len(data) // count)])


def load(folder, precision="fp32"):
    return loading.load(resolve(str(folder)), plain_plan(precision), CPU)


def embed(loaded, tokens, precision="fp32", budget=1200):
    encoder = Encoder(loaded, plain_plan(precision), CPU)
    block = encoder.encode(tokens, packing.by_length(tokens.lengths_S, budget))
    ordered_SD = np.empty_like(block.embeddings_SD)
    ordered_SD[block.seq_indices_S] = block.embeddings_SD
    return ordered_SD


def one_by_one(kind, folder, data):
    """transformers itself: one sequence at a time, eager, FP32, mean over all tokens."""
    from transformers import AutoModel, AutoTokenizer, T5EncoderModel

    tokenizer = AutoTokenizer.from_pretrained(folder)
    loader = T5EncoderModel if kind == "ProtT5" else AutoModel
    model = loader.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    blank = " " if kind.startswith("Prot") else ""
    rows = []
    with torch.inference_mode():
        for residues in data.residues:
            ids = torch.tensor([tokenizer(blank.join(residues.decode()))["input_ids"]])
            rows.append(model(input_ids=ids, attention_mask=torch.ones_like(ids))[0][0].double().mean(0))
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_equal_transformers_one_sequence_at_a_time(kind, folder_of):
    folder, data = folder_of(kind), data_of(kind)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    got_SD = embed(load(folder), tokens)
    assert np.abs(got_SD).max() > 0.3, "the comparison is of numbers that matter"
    assert np.abs(got_SD - one_by_one(kind, folder, data)).max() < EXACT


@pytest.mark.parametrize("kind", KINDS)
def test_neither_the_packs_nor_the_neighbours_change_a_result(kind, folder_of):
    folder, data = folder_of(kind), data_of(kind)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    loaded = load(folder)
    assert np.abs(embed(loaded, tokens, budget=1200) - embed(loaded, tokens, budget=9000)).max() < EXACT


@pytest.mark.parametrize("kind", KINDS)
def test_a_nan_stays_in_its_own_sequence(kind, folder_of):
    folder, data = folder_of(kind), data_of(kind)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    loaded = load(folder)
    clean_SD = embed(loaded, tokens)
    rows = np.split(tokens.ids_N, tokens.starts_S[1:])
    poison = next(token for token in np.unique(tokens.ids_N) if 0 < sum(token in row for row in rows) < len(rows))
    table = loaded.model.body.get_input_embeddings()
    table.weight.data[int(poison)] = torch.nan
    hit_S = np.array([poison in row for row in rows])
    got_SD = embed(loaded, tokens)
    assert np.isnan(got_SD[hit_S]).any(axis=1).all()
    assert np.abs(got_SD[~hit_S] - clean_SD[~hit_S]).max() < EXACT


@pytest.mark.parametrize(("precision", "dtype"), [("fp16", torch.float16), ("bf16", torch.bfloat16)])
@pytest.mark.parametrize("kind", KINDS)
def test_16_bit_is_transformers_own_and_stays_near_fp32(kind, precision, dtype, folder_of):
    folder, data = folder_of(kind), data_of(kind, 4)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    loaded = load(folder, precision)
    formats = {parameter.dtype for parameter in loaded.model.parameters()}
    kept = [note for note in loaded.notes if "another format" in note]
    assert formats == {dtype} or (kept and formats == {dtype, torch.float32})
    error = np.abs(embed(loaded, tokens, precision) - embed(load(folder), tokens)).max()
    assert 0 < error < (0.02 if precision == "fp16" else 0.2)


def test_the_facts_of_the_model_are_told(folder_of):
    loaded = load(folder_of("ProtBERT"))
    assert (loaded.spec.kind, loaded.attention_kernel) == ("hf", "transformers-sdpa")
    assert "inside transformers" in loaded.attention_reason
    assert "BertModel" in loaded.notes[0]
    assert (loaded.weights.file_dtype, loaded.fp16_exact) == ("float32", False)
    assert 0 < loaded.weights.fp16_max_error < 2e-3
    assert not any("pooler" in name for name, _ in loaded.model.named_parameters()), "no random pooler"


def test_fp32_on_a_gpu_takes_the_plain_backend():
    assert hf_attention("auto", plain_plan("fp32"), torch.device("cuda")).name == "transformers-sdpa-math"
    assert hf_attention("sdpa", plain_plan("fp16"), torch.device("cuda")).name == "transformers-sdpa"


def test_scores_laid_out_in_full_are_cut_into_rows(folder_of, monkeypatch):
    folder, data = folder_of("ProtBERT"), data_of("ProtBERT")
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None)
    loaded = load(folder)
    whole_SD = embed(loaded, tokens)
    monkeypatch.setattr("vp_tui.core.models.hf.SCORE_BYTES", 1)
    loaded.model.math_only = True
    calls = []
    loaded.model.body.register_forward_hook(lambda *_: calls.append(1))
    assert np.abs(embed(loaded, tokens) - whole_SD).max() < EXACT
    assert len(calls) == len(data)


@pytest.mark.parametrize("kernel", ["flash", "varlen", "flex"])
def test_a_kernel_of_ours_cannot_be_had_there(kernel, folder_of):
    with pytest.raises(UsageError, match=f"--attention {kernel} .*ESM-2"):
        loading.load(resolve(str(folder_of("ProtBERT"))), plain_plan("fp32"), CPU, kernel)


@pytest.fixture
def changed(folder_of, tmp_path):
    """changed(kind, weights=.., **config): a copy with other weights and words of its config."""

    def copy(kind, weights=None, **config):
        folder = tmp_path / "changed"
        shutil.copytree(folder_of(kind), folder)
        values = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**values, **config}))
        if weights is not None:
            state = load_file(folder / "model.safetensors")
            weights(state)
            save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    return copy


def test_missing_weights_are_an_error_and_never_random(changed):
    folder = changed("ProtBERT", lambda state: [state.pop(name) for name in list(state) if "layer.1.output" in name])
    with pytest.raises(
        ModelError,
        match=r"lacks 4 tensors of BertModel that are not in the file: encoder\.layer\.1\.output.* and 1 more",
    ):
        load(folder)


def test_weights_of_another_shape_are_an_error(changed):
    folder = changed("ProtBERT", intermediate_size=64)
    with pytest.raises(ModelError, match="cannot be loaded by transformers' BertModel"):
        load(folder)


def test_a_head_in_the_file_is_left_there_and_a_missing_pooler_is_no_fault(changed):
    def change(state):
        for name in list(state):
            if "pooler" in name:
                del state[name]
        state["cls.predictions.bias"] = torch.full((30,), 1e6)

    loaded = load(changed("ProtBERT", change))
    assert loaded.weights.fp16_overflows == 0, "heads are not counted"


def test_a_head_is_named_in_a_note(changed):
    loaded = load(changed("ProtBERT", lambda state: state.update({"cls.predictions.bias": torch.zeros(30)})))
    assert any("cls (1 tensor)" in note for note in loaded.notes)


@pytest.mark.parametrize("kind", KINDS)
def test_unmerged_lora_in_the_encoder_is_an_error_and_never_the_base_model(kind, changed):
    def change(state):
        name = next(name for name in sorted(state) if re.search(r"\.0\..*weight$", name))
        state[name.removesuffix("weight") + "lora_a"] = torch.ones(64, 4)

    with pytest.raises(ModelError, match=r"1 tensor.* in its encoder .*lora_a.*merge_and_unload"):
        load(changed(kind, change))


def test_an_unknown_tensor_in_the_encoder_is_an_error(changed):
    with pytest.raises(ModelError, match=r"encoder\.layer\.1\.gate\.weight"):
        load(changed("ProtBERT", lambda state: state.update({"encoder.layer.1.gate.weight": torch.ones(4)})))


def test_position_ids_of_old_files_are_no_unknown_tensor(changed):
    load(changed("ProtBERT", lambda state: state.update({"embeddings.position_ids": torch.arange(1200)[None]})))


@pytest.mark.parametrize("prefix", ["module.", "module.bert.", "_orig_mod."])
def test_the_prefix_of_a_wrapper_is_found(prefix, changed, folder_of):
    def change(state):
        for name in list(state):
            state[prefix + name] = state.pop(name)

    loaded, plain = load(changed("ProtBERT", change)), load(folder_of("ProtBERT"))
    wanted = plain.model.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in loaded.model.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn])
def test_quantized_weights_are_refused_here_too(dtype, changed):
    def change(state):
        state["encoder.layer.0.output.dense.weight"] = state["encoder.layer.0.output.dense.weight"].to(dtype)

    with pytest.raises(ModelError, match="quantized"):
        load(changed("ProtBERT", change))


def test_a_git_lfs_pointer_is_called_one_here_too(changed):
    folder = changed("ProtBERT")
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(ModelError, match="git-lfs pointer"):
        load(folder)


def test_a_nucleotide_transformer_v2_runs_when_its_code_is_trusted(tmp_path, monkeypatch):
    from transformers import AutoModelForMaskedLM

    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder = tmp_path / "nt_v2"
    hf_checkpoints.nucleotide_transformer_v2(folder)
    with pytest.raises(ModelError, match="--trust-remote-code") as refused:
        load(folder)
    assert "report" not in str(refused.value)
    loaded = loading.load(resolve(str(folder), trust_remote_code=True), plain_plan("fp32"), CPU)
    assert any("lm_head" in note or "own Python code" in note for note in loaded.notes)
    data = data_of("ModernBERT", 5)
    tokens = tokenizing.tokenize(read_spec(folder), folder, data, None, trust_remote_code=True)
    model = AutoModelForMaskedLM.from_pretrained(folder, trust_remote_code=True, attn_implementation="eager").eval()
    rows = np.split(tokens.ids_N, tokens.starts_S[1:])
    with torch.inference_mode():
        states = [
            model(torch.from_numpy(row[None]).long(), output_hidden_states=True).hidden_states[-1] for row in rows
        ]
    wanted_SD = torch.stack([state[0].mean(0) for state in states]).numpy()
    assert np.abs(wanted_SD).max() > 0.3, "the comparison is of numbers that matter"
    assert np.abs(embed(loaded, tokens) - wanted_SD).max() < EXACT


def test_a_module_of_foreign_code_that_is_named_like_a_wrapper_keeps_its_name(tmp_path, monkeypatch):
    monkeypatch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(tmp_path / "modules")
    folder = tmp_path / "nested_stranger"
    hf_checkpoints.stranger(folder)
    code = (folder / "stranger.py").read_text()
    code = code.replace("self.embed = ", "self.model = torch.nn.Module(); self.model.embed = ")
    (folder / "stranger.py").write_text(code.replace("self.embed(", "self.model.embed("))
    weight = load_file(folder / "model.safetensors")["embed.weight"]
    save_file({"model.embed.weight": weight}, folder / "model.safetensors", metadata={"format": "pt"})
    loaded = loading.load(resolve(str(folder), trust_remote_code=True), plain_plan("fp32"), CPU)
    assert torch.equal(loaded.model.body.model.embed.weight, weight)


def test_an_unknown_model_type_is_an_error(changed):
    with pytest.raises(ModelError, match="transformers cannot read"):
        load(changed("ProtBERT", model_type="nobody_knows"))


@pytest.mark.parametrize("words", [{"model_type": "gpt2", "n_embd": 64}, {"is_decoder": True}])
def test_a_decoder_is_refused(words, changed):
    with pytest.raises(ModelError, match="is a decoder; embeddings need an encoder"):
        load(changed("ProtBERT", **words))


def test_code_of_its_own_that_is_not_needed_is_not_run_and_that_is_said(changed):
    loaded = load(changed("ProtBERT", auto_map={"AutoModel": "evil.Model"}))
    assert any("was not run; BertModel" in note for note in loaded.notes)


def test_a_protbert_is_validated_by_the_ordinary_command(folder_of, vp_tui, document):
    folder = folder_of("ProtBERT")
    found = document(vp_tui("run", "-m", folder, "-i", PROTEINS, "--sample", "15", "--json"))
    assert found["verdict"] in {"PASS", "WARN"}
    assert (found["model"]["kind"], found["model"]["pooling"], found["model"]["revision"]) == ("hf", "all_tokens", None)
    assert (found["dataset"]["alphabet"], found["dataset"]["cuts"]) == ("protein", [64, 128])
    assert found["arms"]["candidate"]["attention_kernel"] == "transformers-sdpa"
    assert found["measures"]["details"]["weights"]["fp16_exact"] is False
    assert found["measures"]["details"]["weights"]["fp16_max_error"] > 0
    messages = [alert["message"] for alert in found["alerts"]]
    assert any("tokenization: one token per residue" in message for message in messages)
    assert sum("BertModel of transformers" in message for message in messages) == 1


def test_foreign_code_runs_only_when_it_is_trusted(vp_tui, tmp_path):
    folder, output = tmp_path / "stranger", tmp_path / "out.npz"
    hf_checkpoints.stranger(folder)
    with pytest.raises(ModelError, match="--trust-remote-code"):
        load(folder)
    arguments = ("embed", "-m", folder, "-i", PROTEINS, "-o", output, "--trust-remote-code")
    done = vp_tui(*arguments, environment={"HF_HOME": str(tmp_path / "hf")})
    assert "own Python code is used" in done.stderr
    data, table_VD = sequences.read(PROTEINS), load_file(folder / "model.safetensors")["embed.weight"]
    words = [*hf_checkpoints.SPECIALS, *hf_checkpoints.AMINO_ACIDS]
    rows = [[2, *(words.index(letter) for letter in residues.decode()), 3] for residues in data.residues]
    wanted_SD = torch.stack([table_VD[row].mean(0) for row in rows]).numpy()
    assert np.abs(np.load(output)["embeddings"] - wanted_SD).max() < EXACT
