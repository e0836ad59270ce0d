import json
import subprocess
import sys

import pytest

from vp_tui.core.errors import ModelError
from vp_tui.core.models.spec import SHORT_NAMES, read_spec, resolve

CONFIG_8M = {
    "model_type": "esm",
    "vocab_size": 33,
    "mask_token_id": 32,
    "pad_token_id": 1,
    "num_hidden_layers": 6,
    "hidden_size": 320,
    "num_attention_heads": 20,
    "intermediate_size": 1280,
    "layer_norm_eps": 1e-05,
    "position_embedding_type": "rotary",
    "emb_layer_norm_before": False,
    "is_folding_model": False,
    "token_dropout": True,
}


@pytest.fixture
def folder(tmp_path):
    def write(**changes):
        config = {key: value for key, value in (CONFIG_8M | changes).items() if value is not ...}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return tmp_path

    return write


def test_the_published_8m_config_gives_its_shape_and_size(folder):
    spec = read_spec(folder(), "facebook/esm2_t6_8M_UR50D")
    assert (spec.kind, spec.name) == ("esm2", "facebook/esm2_t6_8M_UR50D")
    assert (spec.num_layers, spec.hidden, spec.num_heads, spec.head_dim, spec.ffn) == (6, 320, 20, 16, 1280)
    assert (spec.layer_norm_eps, spec.token_dropout, spec.max_residues) == (1e-5, True, 1022)
    assert spec.num_parameters == 7_408_960


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": "bert"}, "model_type is 'bert'"),
        ({"position_embedding_type": "absolute"}, "position_embedding_type is 'absolute'"),
        ({"position_embedding_type": ...}, "position_embedding_type is 'absolute'"),
        ({"emb_layer_norm_before": True}, "emb_layer_norm_before is True"),
        ({"is_folding_model": True}, "is_folding_model is True"),
        ({"vocab_size": 64}, "vocab_size is 64"),
        ({"num_attention_heads": 7}, "320 does not split into 7"),
        ({"hidden_size": "wide"}, "hidden_size is 'wide'"),
        ({"layer_norm_eps": ...}, "no layer_norm_eps"),
        ({"token_dropout": ...}, "no token_dropout"),
    ],
)
def test_another_architecture_is_refused_with_the_value(folder, changes, named):
    with pytest.raises(ModelError, match=named):
        read_spec(folder(**changes))


def test_null_for_false_is_accepted(folder):
    assert read_spec(folder(emb_layer_norm_before=None, is_folding_model=None)).num_layers == 6


def test_a_folder_without_config_and_a_broken_config_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        read_spec(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match="no readable JSON"):
        read_spec(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="list"):
        read_spec(tmp_path)


def test_a_folder_comes_before_the_hub_and_keeps_its_name(tmp_path, monkeypatch):
    (tmp_path / "esm2-8m").mkdir()
    assert resolve("esm2-8m").hub_id == "facebook/esm2_t6_8M_UR50D"
    monkeypatch.chdir(tmp_path)
    source = resolve("esm2-8m")
    assert source.folder == (tmp_path / "esm2-8m").resolve()
    assert source.name == "esm2-8m"


def test_short_names_and_hub_ids_lead_to_the_hub():
    assert resolve("ESM2-3B").hub_id == SHORT_NAMES["esm2-3b"]
    assert resolve("someone/my_esm2").name == "someone/my_esm2"


@pytest.mark.parametrize(
    "given", ["/no/such/folder", "./model", "~/no-such-model", "a/b/c", "model.pt", "checkpoints/"]
)
def test_a_path_that_does_not_exist_is_said_to_be_missing(given):
    with pytest.raises(ModelError, match="no folder"):
        resolve(given)


def test_a_file_is_refused(tmp_path):
    (tmp_path / "esm2.pt").write_text("")
    with pytest.raises(ModelError, match="is a file"):
        resolve(str(tmp_path / "esm2.pt"))


@pytest.mark.parametrize("given", ["dnabert-s", "zhihan1996/DNABERT-S"])
def test_dnabert_s_is_known_and_not_supported_yet(given):
    with pytest.raises(ModelError, match="not supported yet"):
        resolve(given)


def test_an_unknown_word_is_answered_with_the_short_names():
    with pytest.raises(ModelError, match="esm2-8m, esm2-35m"):
        resolve("esm3")


def test_neither_specs_nor_tokens_nor_packs_nor_fault_names_load_torch():
    code = (
        "import sys, vp_tui.core.models.spec, vp_tui.core.tokens, vp_tui.core.packing, vp_tui.core.demo_data; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
