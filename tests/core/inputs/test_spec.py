import json
import subprocess
import sys

import pytest

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.source import SHORT_NAMES, resolve
from vp_tui.core.inputs.spec import DnabertSSpec, Esm2Spec, HfSpec, default_cuts, read_spec

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
    ("layers", "hidden", "heads", "head_dim", "parameters"),
    [
        (6, 320, 20, 16, 7_408_960),
        (12, 480, 20, 24, 33_269_280),
        (30, 640, 20, 32, 147_728_000),
        (33, 1280, 20, 64, 649_400_320),
        (36, 2560, 40, 64, 2_832_442_880),
        (48, 5120, 40, 128, 15_102_868_480),
    ],
    ids=["8M", "35M", "150M", "650M", "3B", "15B"],
)
def test_every_published_size_is_read(folder, layers, hidden, heads, head_dim, parameters):
    sizes = {"num_hidden_layers": layers, "hidden_size": hidden, "intermediate_size": 4 * hidden}
    spec = read_spec(folder(**sizes, num_attention_heads=heads))
    assert (spec.kind, spec.head_dim, spec.num_parameters) == ("esm2", head_dim, parameters)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"model_type": ...}, "no model_type"),
        ({"position_embedding_type": ...}, "no position_embedding_type"),
        ({"is_folding_model": True}, "is_folding_model is True"),
        ({"vocab_size": ...}, "no vocab_size"),
        ({"mask_token_id": 3}, "mask_token_id is 3"),
        ({"num_attention_heads": 7}, "320 .* 7 heads"),
        ({"hidden_size": "wide"}, "hidden_size is 'wide'"),
        ({"layer_norm_eps": ...}, "no layer_norm_eps"),
        ({"token_dropout": ...}, "no token_dropout"),
    ],
)
def test_another_architecture_is_refused_with_the_value(folder, changes, named):
    with pytest.raises(ModelError, match=named):
        read_spec(folder(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"model_type": "bert"},
        {"position_embedding_type": "absolute"},
        {"emb_layer_norm_before": True},
        {"vocab_size": 4105},
    ],
    ids=["a BERT", "ESM-1b's positions", "ESM-1's first norm", "the vocabulary of Nucleotide Transformer"],
)
def test_what_is_neither_native_model_runs_inside_transformers(folder, changes):
    spec = read_spec(folder(**changes))
    assert isinstance(spec, HfSpec)
    assert (spec.kind, spec.hidden, spec.alphabet, spec.pooling) == ("hf", 320, "any", "all_tokens")


@pytest.mark.parametrize(
    ("words", "sizes"),
    [
        ({"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 16}, (2, 8, 4, 16)),
        ({"d_model": 8, "num_layers": 2, "num_heads": 4, "d_ff": 16}, (2, 8, 4, 16)),
        ({"dim": 8, "n_layers": 2, "n_heads": 4, "hidden_dim": 16}, (2, 8, 4, 16)),
        ({"hidden_size": 8}, (0, 8, 0, 0)),
    ],
    ids=["BERT", "T5", "DistilBERT", "no attention"],
)
def test_the_sizes_are_found_under_each_author_s_words(tmp_path, words, sizes):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x", "vocab_size": 30, **words}))
    spec = read_spec(tmp_path)
    assert (spec.num_layers, spec.hidden, spec.num_heads, spec.ffn) == sizes


def test_a_config_without_a_width_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "x", "vocab_size": 30}))
    with pytest.raises(ModelError, match="hidden_size or d_model"):
        read_spec(tmp_path)


@pytest.mark.parametrize(
    ("words", "tokens"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "esm", "max_position_embeddings": 1026, "pad_token_id": 1}, 1024),
        ({"model_type": "t5"}, None),
    ],
)
def test_the_limit_is_the_positions_that_are_used(folder, words, tokens):
    assert read_spec(folder(position_embedding_type="absolute", **words)).max_tokens == tokens


def test_null_for_false_is_accepted(folder):
    assert read_spec(folder(emb_layer_norm_before=None, is_folding_model=None)).num_layers == 6


def test_a_folder_without_config_and_a_broken_config_are_refused(tmp_path):
    with pytest.raises(ModelError, match=r"no config\.json"):
        read_spec(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json"):
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
    with pytest.raises(ModelError, match="no such folder"):
        resolve(given)


def test_a_file_is_refused_unless_torch_may_have_saved_it(tmp_path):
    for name in ("esm2.safetensors", "esm2.pt"):
        (tmp_path / name).write_text("")
    with pytest.raises(ModelError, match="is a file"):
        resolve(str(tmp_path / "esm2.safetensors"))
    source = resolve(str(tmp_path / "esm2.pt"))
    assert (source.name, source.path, source.folder) == ("esm2", (tmp_path / "esm2.pt").resolve(), None)


def test_a_weight_file_of_a_folder_stands_for_the_folder(tmp_path):
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_text("{}")
    assert resolve(str(tmp_path / "model.safetensors")).folder == tmp_path.resolve()


@pytest.mark.parametrize("key", ["quantization_config", "compression_config"])
@pytest.mark.parametrize("method", ["bitsandbytes", "compressed-tensors", "gptq"])
def test_a_quantized_checkpoint_is_refused_as_one(key, method, tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "esm", key: {"quant_method": method}}))
    with pytest.raises(ModelError, match=rf"quantized \({method}\)"):
        read_spec(tmp_path)


def test_the_top_folder_of_a_cache_names_the_snapshot(tmp_path):
    snapshot = tmp_path / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=str(snapshot)):
        read_spec(tmp_path)


def test_a_revision_follows_an_at_sign():
    source = resolve("esm2-8m@refs/pr/7")
    assert (source.hub_id, source.revision, source.name) == (SHORT_NAMES["esm2-8m"], "refs/pr/7", source.hub_id)
    assert resolve("a/b").revision is None
    for given in ("a/b@", "a/b@ x"):
        with pytest.raises(ModelError, match="revision"):
            resolve(given)


@pytest.mark.parametrize("given", ["dnabert-s", "DNABERT-S", "zhihan1996/DNABERT-S"])
def test_dnabert_s_leads_to_the_hub(given):
    assert resolve(given).hub_id == "zhihan1996/DNABERT-S"


CONFIG_S = {
    "alibi_starting_size": 512,
    "architectures": ["BertModel"],
    "attention_probs_dropout_prob": 0.0,
    "auto_map": {"AutoConfig": "configuration_bert.BertConfig", "AutoModel": "bert_layers.BertModel"},
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 512,
    "model_type": "bert",
    "num_attention_heads": 12,
    "num_hidden_layers": 12,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "type_vocab_size": 2,
    "vocab_size": 4096,
}


@pytest.fixture
def dna_folder(tmp_path):
    def write(**changes):
        config = {key: value for key, value in (CONFIG_S | changes).items() if value is not ...}
        (tmp_path / "config.json").write_text(json.dumps(config))
        return tmp_path

    return write


def test_the_published_dnabert_s_config_gives_its_shape_size_and_rules(dna_folder):
    spec = read_spec(dna_folder(), "zhihan1996/DNABERT-S")
    assert isinstance(spec, DnabertSSpec)
    assert (spec.kind, spec.alphabet, spec.max_residues, spec.pooling) == ("dnabert-s", "dna", None, "all_tokens")
    assert (spec.num_layers, spec.hidden, spec.num_heads, spec.head_dim, spec.ffn) == (12, 768, 12, 64, 3072)
    assert (spec.vocab_size, spec.layer_norm_eps, default_cuts(spec.alphabet)) == (4096, 1e-12, (199, 399))
    assert spec.num_parameters == 116_477_952


def test_esm2_keeps_its_own_rules(folder):
    spec = read_spec(folder())
    assert isinstance(spec, Esm2Spec)
    assert (spec.alphabet, spec.max_residues, spec.pooling) == ("protein", 1022, "residues")
    assert default_cuts(spec.alphabet) == (64, 128)


@pytest.mark.parametrize("gone", ["alibi_starting_size", "auto_map"])
def test_either_sign_of_alibi_is_enough(dna_folder, gone):
    assert read_spec(dna_folder(**{gone: ...})).kind == "dnabert-s"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu'"),
        ({"type_vocab_size": 3}, "type_vocab_size is 3"),
        ({"position_embedding_type": "rotary"}, "position_embedding_type is 'rotary'"),
        ({"is_decoder": True}, "is_decoder is True"),
        ({"num_attention_heads": 7}, "768 .* 7 heads"),
        ({"vocab_size": ...}, "no vocab_size"),
        ({"layer_norm_eps": ...}, "no layer_norm_eps"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0"),
    ],
)
def test_a_bert_that_is_not_dnabert_s_is_refused_with_the_value(dna_folder, changes, named):
    with pytest.raises(ModelError, match=named):
        read_spec(dna_folder(**changes))


def test_an_unknown_word_is_answered_with_the_short_names():
    with pytest.raises(ModelError, match="esm2-8m, esm2-35m"):
        resolve("esm3")


def test_neither_specs_nor_tokens_nor_packs_nor_fault_names_load_torch():
    code = (
        "import sys, vp_tui.core.inputs.spec, vp_tui.core.inputs.tokenizing, vp_tui.core.inputs.packing, "
        "vp_tui.core.workers.demo.data; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
