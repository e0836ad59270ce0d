"""Checkpoints as people have them: heads, wrappers, nested files and formats of one tiny ESM-2, or a clear refusal."""

import json
import shutil
import sys
from collections import Counter, OrderedDict
from dataclasses import replace
from pathlib import Path, PosixPath
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file

from vp_tui.core.config import plain_plan
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import compatibility
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models import loading

CPU = torch.device("cpu")
QUERY = "encoder.layer.0.attention.self.query.weight"
VALUE = "encoder.layer.1.attention.self.value.weight"
FAIR = {
    "attention.self.query": "self_attn.q_proj", "attention.self.key": "self_attn.k_proj",
    "attention.self.value": "self_attn.v_proj", "attention.output.dense": "self_attn.out_proj",
    "attention.LayerNorm": "self_attn_layer_norm", "intermediate.dense": "fc1", "output.dense": "fc2",
    "LayerNorm": "final_layer_norm", "attention.self.rotary_embeddings": "self_attn.rot_emb",
}  # fmt: skip


@pytest.fixture
def state(tiny):
    """The tensors of the encoder as EsmModel's own state_dict names them."""
    found = load_file(tiny / "model.safetensors")
    return {
        name.replace(".gamma", ".weight").replace(".beta", ".bias").replace(
            "encoder.layer.*.attention.self.rotary", "rotary"
        ): tensor
        for name, tensor in found.items()
    }  # fmt: skip


@pytest.fixture
def folder(tiny, tmp_path):
    """folder(state, **config): a folder with the tiny config and `state` as model.safetensors."""

    def write(state, **config):
        made = tmp_path / "made"
        made.mkdir()
        values = json.loads((tiny / "config.json").read_text())
        (made / "config.json").write_text(json.dumps({**values, **config}))
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, made / "model.safetensors")
        return made

    return write


def load(path):
    return loading.load(resolve(str(path)), plain_plan("fp32"), CPU)


def require_equal(loaded, tiny):
    wanted, found = load(tiny).model.state_dict(), loaded.model.state_dict()
    assert wanted.keys() == found.keys()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)


def under(prefix, state):
    return {f"{prefix}{name}": tensor for name, tensor in state.items()}


def random(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


HEADS = {
    "sequence classification": ("classifier", ("classifier.dense.weight", "classifier.out_proj.bias")),
    "token classification": ("classifier", ("classifier.weight", "classifier.bias")),
    "masked language model": ("lm_head", ("lm_head.dense.weight", "lm_head.bias")),
    "a head of one's own": ("regressor", ("regressor.0.weight", "regressor.2.bias")),
}


@pytest.mark.parametrize("prefix", ["", "esm."])
@pytest.mark.parametrize("kind", HEADS)
def test_a_head_is_left_and_named(kind, prefix, tiny, state, folder):
    name, tensors = HEADS[kind]
    loaded = load(folder({**under(prefix, state), **{tensor: random(4) for tensor in tensors}}))
    require_equal(loaded, tiny)
    assert any(f"{name} (2 tensors)" in note for note in loaded.notes)


def test_the_encoder_alone_leaves_no_note(tiny, state, folder):
    loaded = load(folder(under("esm.", state)))
    require_equal(loaded, tiny)
    assert loaded.notes == ()


PREFIXES = [
    "module.", "model.", "encoder.", "module.esm.", "model.esm.", "base_model.model.esm.", "_orig_mod.esm.",
    "model.backbone.encoder.", "module.encoder.esm.",
]  # fmt: skip


@pytest.mark.parametrize("prefix", PREFIXES)
def test_one_rule_finds_any_prefix(prefix, tiny, state, folder):
    parent = prefix.rpartition(".")[0].rpartition(".")[0]
    head = f"{parent}.classifier.weight".removeprefix(".")
    loaded = load(folder({**under(prefix, state), head: random(4)}))
    require_equal(loaded, tiny)
    assert any("classifier (1 tensor)" in note for note in loaded.notes)


@pytest.mark.parametrize("prefix", ["", "esm.", "module.esm."])
@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("encoder.layer.0.attention.self.query.lora_A.default.weight", "adapter .LoRA. weights that are not merged"),
        ("encoder.layer.0.attention.self.query.lora_a", "adapter .LoRA. weights that are not merged"),
        ("encoder.layer.0.gate.weight", r"unknown to ESM-2: encoder\.layer\.0\.gate\.weight"),
        ("embeddings.layer_norm.weight", r"unknown to ESM-2: embeddings\.layer_norm\.weight"),
    ],
)
def test_an_unknown_tensor_inside_the_encoder_is_an_error(prefix, name, named, state, folder):
    with pytest.raises(ModelError, match=named):
        load(folder(under(prefix, {**state, name: random(4)})))


def test_unmerged_lora_is_called_so(state, folder):
    state = under("base_model.model.esm.", state)
    state = {name.replace("query.weight", "query.base_layer.weight"): tensor for name, tensor in state.items()}
    with pytest.raises(ModelError, match="merge_and_unload"):
        load(folder(state))


def test_two_encoders_are_refused_by_their_prefixes(state, folder):
    with pytest.raises(ModelError, match=r"2 encoders, under 'student\.', 'teacher\.'"):
        load(
            folder(
                {
                    **under("student.", state),
                    **under("teacher.", {name: tensor.clone() for name, tensor in state.items()}),
                }
            )
        )


def test_a_part_of_the_encoder_outside_of_it_is_no_head(state, folder):
    with pytest.raises(ModelError, match="outside its encoder"):
        load(folder({**under("esm.", state), f"other.{QUERY}": random(128, 128)}))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_stored_in_other_float_formats_are_read(dtype, state, folder):
    loaded = load(folder({name: tensor.to(dtype) for name, tensor in state.items()}))
    assert loaded.weights.file_dtype == str(dtype).removeprefix("torch.")
    rounded = state["embeddings.word_embeddings.weight"].to(dtype).float()
    assert torch.equal(loaded.model.embedding.weight, rounded)


@pytest.mark.parametrize("dtype", [torch.int8, torch.float8_e4m3fn, torch.float8_e5m2])
def test_quantized_weights_are_refused_as_what_they_are(dtype, state, folder):
    state[QUERY] = state[QUERY].to(dtype)
    with pytest.raises(ModelError, match=f"quantized: 1 tensor.*{QUERY}"):
        load(folder(state))


def test_scales_next_to_integers_are_refused_as_quantized(state, folder):
    state[QUERY], state[QUERY.replace("weight", "SCB")] = state[QUERY].to(torch.int8), random(128)
    with pytest.raises(ModelError, match="quantized"):
        load(folder(state))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 134\n"


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize(
    ("content", "named"), [(POINTER, "git-lfs pointer.*git lfs pull"), (b"<html>", "web page"), (b"", "is empty")]
)
def test_what_is_no_weight_file_is_named_before_a_run_exists(name, content, named, tiny, tmp_path):
    shutil.copy(tiny / "config.json", tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=named) as refused:
        load(tmp_path)
    assert "weights_only" not in str(refused.value)
    with pytest.raises(ModelError, match=named):
        compatibility.check(read_spec(tmp_path), tmp_path)


def test_a_pointer_given_as_a_file_is_named(tmp_path):
    (tmp_path / "esm2.pt").write_bytes(POINTER)
    with pytest.raises(ModelError, match="git-lfs pointer"):
        read_spec(tmp_path / "esm2.pt")


@pytest.mark.parametrize("name", ["model.fp16.safetensors", "last.ckpt", "weights.pt"])
def test_one_file_of_weights_under_another_name_is_taken(name, tiny, state, tmp_path):
    shutil.copy(tiny / "config.json", tmp_path)
    torch.save({"lr": 1}, tmp_path / "optimizer.pt")
    (save_file if name.endswith(".safetensors") else torch.save)(state, tmp_path / name)
    require_equal(load(tmp_path), tiny)


@pytest.mark.parametrize("names", [("a.pt", "b.pt"), ("tf_model.h5",)])
def test_a_folder_without_weights_names_what_it_has(names, tiny, tmp_path):
    shutil.copy(tiny / "config.json", tmp_path)
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=f"no weights.*{', '.join(names)}"):
        load(tmp_path)


class AttributeDict(dict):
    """As Lightning's, which is pickled under its own module's name."""


AttributeDict.__module__ = "lightning.fabric.utilities.data"


@pytest.fixture
def lightning(monkeypatch):
    """A module with Lightning's class for hyperparameters, without Lightning."""
    for name in ("lightning", "lightning.fabric", "lightning.fabric.utilities", "lightning.fabric.utilities.data"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    sys.modules["lightning.fabric.utilities.data"].AttributeDict = AttributeDict


def of_lightning(state):
    return {
        "epoch": 3, "global_step": 100, "pytorch-lightning_version": "2.5.0",
        "state_dict": under("model.", state),
        "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.5), "dirpath": PosixPath("a/b")}},
        "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}],
        "lr_schedulers": [{"milestones": Counter({3: 1})}],
        "hyper_parameters": AttributeDict(lr=1e-4, size=torch.Size([1, 2]), device=torch.device("cpu")),
    }  # fmt: skip


NESTED = {
    "flat": dict,
    "an OrderedDict": OrderedDict,
    "DistributedDataParallel": lambda state: under("module.", state),
    "training loop": lambda state: {"epoch": 3, "loss": torch.tensor(0.1), "model_state_dict": state, "optimizer": {}},
    "DeepSpeed": lambda state: {"module": under("module.", state), "lr": 0.1},
    "Lightning": of_lightning,
    "nested twice": lambda state: {"model": {"state_dict": under("net.", state)}},
    "parameters": lambda state: {name: torch.nn.Parameter(tensor) for name, tensor in state.items()},
}


def fair_names(state):
    """fair-esm's names of the encoder, which has a rotary table per layer."""
    table = state["rotary_embeddings.inv_freq"]
    found = {f"layers.{i}.self_attn.rot_emb.inv_freq": table.clone() for i in (0, 1)}
    found["embed_tokens.weight"] = state["embeddings.word_embeddings.weight"]
    for name, tensor in state.items():
        words = name.split(".")
        if words[:2] == ["encoder", "layer"]:
            found[f"layers.{words[2]}.{FAIR['.'.join(words[3:-1])]}.{words[-1]}"] = tensor
        elif words[0] == "encoder":
            found[name.removeprefix("encoder.")] = tensor
    return found


@pytest.mark.usefixtures("lightning")
@pytest.mark.parametrize("names", ["fair-esm", "transformers"])
@pytest.mark.parametrize("kind", NESTED)
def test_files_of_training_give_the_encoder_without_a_config(kind, names, tiny, state, tmp_path):
    state = fair_names(state) if names == "fair-esm" else under("esm.", state)
    path = tmp_path / ("x.ckpt" if kind == "Lightning" else "x.pt")
    torch.save(NESTED[kind]({**state, "head.weight": random(2)}), path)
    loaded = load(path)
    require_equal(loaded, tiny)
    assert loaded.spec == replace(read_spec(tiny), name="x")
    assert any("head (1 tensor)" in note for note in loaded.notes)


def test_a_pickle_that_asks_for_a_class_is_refused_in_every_form(state, tmp_path):
    torch.save({"state_dict": state, "hyper_parameters": pytest.raises}, tmp_path / "x.ckpt")
    with pytest.raises(ModelError, match=r"it asks for [\w.]*raises"):
        load(tmp_path / "x.ckpt")


def test_a_fine_tuned_dnabert_2_gives_its_encoder(made_dnabert, tmp_path):
    copy = shutil.copytree(made_dnabert, tmp_path / "tuned")
    found = torch.load(copy / "pytorch_model.bin", weights_only=True)
    bare = {name.removeprefix("bert."): tensor for name, tensor in found.items()}
    head = {"classifier.weight": random(2, 4), "classifier.bias": random(2), "bert.pooler.dense.bias": random(4)}
    torch.save({**under("bert.", bare), **head}, copy / "pytorch_model.bin")
    loaded = load(copy)
    require_equal(loaded, made_dnabert)
    assert any("classifier (2 tensors)" in note for note in loaded.notes)
    torch.save({**under("bert.", bare), "bert.encoder.layer.0.lora_A": random(4)}, copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match="merge_and_unload"):
        load(copy)


CASES = Path(__file__).parents[4] / "shared/cases/checkpoints"
LOADS = ("esm2_ok", "esm2_seqcls", "esm2_tokcls", "esm2_peft_merged", "esm2_ddp", "dnabert2_ok", "dnabert2_finetuned",
         "protbert_ok", "fair_finetuned_state_dict.pt")  # fmt: skip
REFUSED = {
    "esm2_bnb8": "quantized .bitsandbytes", "esm2_fp8": "quantized.*F8_E4M3", "esm2_lfs_safetensors": "git-lfs pointer",
    "protbert_lora_prottrans": "merge_and_unload", "nt_v2": "--trust-remote-code",
}  # fmt: skip


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not on this machine")
@pytest.mark.parametrize("name", LOADS)
def test_the_shared_cases_load(name):
    assert load(CASES / name).model is not None


@pytest.mark.skipif(not CASES.is_dir(), reason=f"{CASES} is not on this machine")
@pytest.mark.parametrize("name", REFUSED)
def test_the_shared_cases_that_cannot_be_used_are_refused_as_what_they_are(name):
    with pytest.raises(ModelError, match=REFUSED[name]):
        load(CASES / name)
