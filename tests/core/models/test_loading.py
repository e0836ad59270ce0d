import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from vp_tui.core.errors import ModelError
from vp_tui.core.models.weight_hash import weights_sha256

ASTERISK = "encoder.layer.*.attention.self.rotary_embeddings.inv_freq"
QUERY = "encoder.layer.0.attention.self.query.weight"


@pytest.fixture
def copy(tiny, tmp_path):
    """copy(state): a folder with the tiny config and `state` as model.safetensors."""

    def write(state=None):
        folder = tmp_path / "copy"
        folder.mkdir()
        shutil.copy(tiny / "config.json", folder)
        if state is not None:
            save_file(state, folder / "model.safetensors")
        return folder

    return write


@pytest.fixture
def state(tiny):
    return load_file(tiny / "model.safetensors")


def published(state):
    """The key names of the files on the hub: prefix, weight/bias, one inv_freq per layer, unused tensors."""
    old = {
        "esm." + key.replace(".gamma", ".weight").replace(".beta", ".bias"): value
        for key, value in state.items()
        if key != ASTERISK
    }
    for index in (0, 1):
        old["esm." + ASTERISK.replace("*", str(index))] = state[ASTERISK].clone()
    old["esm.embeddings.position_embeddings.weight"] = torch.zeros(1026, 128)
    old["esm.embeddings.position_ids"] = torch.arange(1026)[None]
    old["lm_head.dense.weight"] = torch.zeros(128, 128)
    old["lm_head.bias"] = torch.zeros(33)
    return old


def shards(state):
    keys = sorted(state)
    return [{key: state[key] for key in keys[part::2]} for part in (0, 1)]


def write_sharded(folder, state, stem, suffix, save):
    weight_map = {}
    for number, shard in enumerate(shards(state), start=1):
        name = f"{stem}-{number:05d}-of-00002{suffix}"
        save(shard, folder / name)
        weight_map |= dict.fromkeys(shard, name)
    (folder / f"{stem}{suffix}.index.json").write_text(json.dumps({"weight_map": weight_map}))


def write_old_zipless_bin(state, path):
    torch.save(state, path, _use_new_zipfile_serialization=False)


WRITERS = {
    "safetensors": lambda folder, state: save_file(state, folder / "model.safetensors"),
    "sharded safetensors": lambda folder, state: write_sharded(folder, state, "model", ".safetensors", save_file),
    "bin": lambda folder, state: torch.save(state, folder / "pytorch_model.bin"),
    "sharded bin": lambda folder, state: write_sharded(folder, state, "pytorch_model", ".bin", torch.save),
    "bin before torch 1.6": lambda folder, state: write_old_zipless_bin(state, folder / "pytorch_model.bin"),
}


@pytest.mark.parametrize("container", WRITERS)
def test_published_key_names_load_the_same_weights_from_every_container(container, tiny, copy, state, load):
    folder = copy()
    WRITERS[container](folder, published(state))
    new, old = load(tiny), load(folder)
    ours, theirs = new.model.state_dict(), old.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_transformers_state_dict_names_are_read_too(copy, state, load):
    state["rotary_embeddings.inv_freq"] = state.pop(ASTERISK)
    assert load(copy(state)).model.inv_freq.shape == (32,)


def test_the_facts_of_the_weights_are_told(tiny, load):
    loaded = load(tiny, "fp16")
    assert loaded.fp16_exact
    assert loaded.weights.file_dtype == "float32"
    assert loaded.parameter_bytes == 2 * loaded.spec.num_parameters + 4 * 32
    assert loaded.attention_kernel == "sdpa"


def test_a_weight_that_fp16_can_not_hold_is_told(copy, state, load):
    state[QUERY][0, 0] = 1 + 2**-20
    loaded = load(copy(state))
    assert not loaded.fp16_exact
    assert (loaded.weights.fp16_max_error, loaded.weights.fp16_overflows) == (2**-20, 0)


def test_a_weight_beyond_fp16_is_counted_and_is_no_infinite_error(copy, state, load):
    state[QUERY][0, :2] = 70_000
    loaded = load(copy(state), "fp16")
    assert not loaded.fp16_exact
    assert (loaded.weights.fp16_max_error, loaded.weights.fp16_overflows) == (0.0, 2)


def test_the_hash_changes_with_one_weight_and_not_with_the_folder(tiny, copy, state):
    shutil.copy(tiny / "model.safetensors", folder := copy())
    assert weights_sha256(folder) == weights_sha256(tiny)
    state[QUERY][0, 0] += 1
    save_file(state, folder / "model.safetensors")
    assert weights_sha256(folder) != weights_sha256(tiny)


def test_missing_tensors_are_named_and_counted(copy, state, load):
    for layer in (0, 1):
        for name in ("query", "key"):
            del state[f"encoder.layer.{layer}.attention.self.{name}.weight"]
    with pytest.raises(ModelError, match=rf"4 .*missing: {QUERY}.* and 1 more"):
        load(copy(state))


def test_surplus_tensors_are_named(copy, state, load):
    state["encoder.layer.2.output.dense.bias"] = torch.zeros(128)
    with pytest.raises(ModelError, match=r"ESM-2: encoder\.layer\.2\.output\.dense\.bias"):
        load(copy(state))


def test_a_tensor_of_another_shape_is_named_with_both_shapes(copy, state, load):
    state[QUERY] = torch.zeros(64, 128)
    with pytest.raises(ModelError, match=rf"{QUERY} \[64, 128\] instead of \[128, 128\]"):
        load(copy(state))


def test_a_missing_rotary_table_is_an_error_and_never_recomputed(copy, state, load):
    del state[ASTERISK]
    with pytest.raises(ModelError, match="no rotary inv_freq"):
        load(copy(state))


def test_rotary_tables_that_differ_between_layers_are_refused(copy, state, load):
    old = published(state)
    old["esm." + ASTERISK.replace("*", "1")] *= 2
    with pytest.raises(ModelError, match="differs"):
        load(copy(old))


def test_a_tensor_under_two_names_is_refused(copy, state, load):
    state["esm." + QUERY] = state[QUERY].clone()
    with pytest.raises(ModelError, match="two key names"):
        load(copy(state))


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"PK\x03\x04" + b"0" * 100])
def test_a_file_that_is_no_checkpoint_is_refused_by_name(copy, load, name, content):
    folder = copy()
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=name):
        load(folder)


def test_a_truncated_file_is_refused(tiny, copy, load):
    folder = copy()
    whole = (tiny / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        load(folder)


def test_a_folder_without_weights_and_one_without_a_shard_are_refused(copy, state, load):
    folder = copy()
    with pytest.raises(ModelError, match="no weights"):
        load(folder)
    write_sharded(folder, state, "model", ".safetensors", save_file)
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(ModelError, match="model-00002-of-00002"):
        load(folder)
