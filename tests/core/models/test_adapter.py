"""LoRA adapters: merged by peft into what a hand-made merge gives, or refused with the command that merges."""

import importlib.util
import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vp_tui.core.config import plain_plan
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import adapter
from vp_tui.core.inputs.source import resolve
from vp_tui.core.models import loading

HAS_PEFT = importlib.util.find_spec("peft") is not None
QUERY = "encoder.layer.0.attention.self.query"
RANK, ALPHA, LABELS = 4, 8, 3


@pytest.fixture
def base(tiny, tmp_path):
    """The base model's folder, next to the adapter's."""
    return shutil.copytree(tiny, tmp_path / "base")


@pytest.fixture
def lora(base, tmp_path):
    """The adapter's folder, as PeftModel.save_pretrained writes it, and the change of the query weight."""
    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(RANK, 128, generator=generator), torch.randn(128, RANK, generator=generator) / 50
    folder = tmp_path / "adapter"
    folder.mkdir()
    head = {
        "dense.weight": (128, 128),
        "dense.bias": (128,),
        "out_proj.weight": (LABELS, 128),
        "out_proj.bias": (LABELS,),
    }
    tensors = {
        f"base_model.model.esm.{QUERY}.lora_A.weight": down,
        f"base_model.model.esm.{QUERY}.lora_B.weight": up,
        **{f"base_model.model.classifier.{name}": torch.zeros(shape) for name, shape in head.items()},
    }
    save_file(tensors, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    settings = {
        "peft_type": "LORA", "task_type": "SEQ_CLS", "base_model_name_or_path": "base", "r": RANK, "lora_alpha": ALPHA,
        "target_modules": ["query"], "layers_to_transform": [0], "layers_pattern": "layer", "inference_mode": True,
        "modules_to_save": ["classifier"], "bias": "none",
    }  # fmt: skip
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return folder, ALPHA / RANK * up @ down


def test_without_peft_the_adapter_its_base_and_the_command_are_named(lora, base, monkeypatch):
    folder, _ = lora
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModelError) as refused:
        resolve(str(folder))
    words = str(refused.value)
    assert "LORA adapter" in words
    command = words[words.index('python -c "') :]
    for part in (
        str(base),
        str(folder),
        "AutoModelForSequenceClassification",
        f"num_labels={LABELS}",
        "merge_and_unload",
    ):
        assert part in command
    compile(command.removeprefix('python -c "').removesuffix('"'), "command", "exec")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: (folder / "adapter_config.json").write_text("{}"), "base_model_name_or_path"),
        (lambda folder: (folder / "adapter_config.json").write_text("{"), "not readable JSON"),
        (lambda folder: (folder / "adapter_model.safetensors").unlink(), "without adapter_model"),
    ],
)
def test_a_broken_adapter_is_refused_by_what_is_wrong(change, named, lora):
    change(lora[0])
    with pytest.raises(ModelError, match=named):
        resolve(str(lora[0]))


def test_a_hub_id_and_the_bare_encoder_are_known_from_the_adapter():
    assert adapter._class_of({}, {f"base_model.model.{QUERY}.lora_A.weight": (4, 128)}) == "AutoModel"
    assert adapter._class_of({}, {f"base_model.model.esm.{QUERY}.lora_A.weight": (4, 128)}) == "AutoModelForMaskedLM"
    assert adapter._num_labels({"base_model.model.classifier.modules_to_save.default.weight": (5, 8)}) == 5


@pytest.mark.skipif(not HAS_PEFT, reason="peft is not installed")
def test_with_peft_the_adapter_is_merged_once_into_its_base(lora, base, tiny, tmp_path, monkeypatch):
    folder, change = lora
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = resolve(str(folder))
    loaded = loading.load(source, plain_plan("fp32"), torch.device("cpu"))
    wanted = load_file(tiny / "model.safetensors")[f"{QUERY}.weight"] + change
    assert torch.allclose(loaded.model.state_dict()["layers.0.qkv.weight"][:128], wanted, atol=1e-6)
    assert source.name == "adapter"
    assert any(str(folder) in note and str(base) in note for note in loaded.notes)
    monkeypatch.setattr(adapter.subprocess, "run", pytest.fail)
    assert resolve(str(folder)) == source


@pytest.mark.skipif(not HAS_PEFT, reason="peft is not installed")
def test_an_adapter_that_does_not_fit_is_refused_and_never_the_base_model(lora, tmp_path, monkeypatch):
    folder, _ = lora
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tensors = load_file(folder / "adapter_model.safetensors")
    renamed = {name.replace(".esm.", ".other."): tensor for name, tensor in tensors.items()}
    save_file(renamed, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="peft could not merge"):
        resolve(str(folder))
