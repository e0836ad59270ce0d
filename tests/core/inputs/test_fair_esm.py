"""fair-esm's own files: read without torch, loaded without its code, and equal to its own ESM2."""

import subprocess
import sys
import warnings
from argparse import Namespace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from samples import PROTEINS
from vp_tui.core.config import RunConfig, plain_plan
from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.fair_esm import hugging_face_name
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import Esm2Spec, read_spec
from vp_tui.core.inputs.tokens import tokenize
from vp_tui.core.models import loading
from vp_tui.core.workers.embed import embed

CPU = torch.device("cpu")
EXACT = 1e-5
"""Largest absolute difference that FP32 reordering explains."""

SHAPES = {
    "tiny": (2, 128, 2),
    "8M": (6, 320, 20),
    "35M, fewer layers": (2, 480, 20),
    "150M, fewer layers": (2, 640, 20),
    "650M, one layer": (1, 1280, 20),
    "head size 128 as in 15B": (1, 512, 4),
}


PREFIX = "encoder.sentence_encoder."


def content_of(num_layers, hidden, heads, *, seed=0):
    """What torch.save gets for a published ESM-2: FP16 weights under fairseq's prefixes, its options beside them."""
    from esm.model.esm2 import ESM2

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state = ESM2(num_layers, hidden, heads, alphabet="ESM-1b").state_dict()
    for name, tensor in state.items():
        if name.endswith(("q_proj.weight", "k_proj.weight")):
            # as drawn, attention would be flat, and neither positions nor scaling would show
            tensor.mul_(2)
    prefixed = {
        ("encoder." if name.startswith(("lm_head", "contact_head")) else "encoder.sentence_encoder.") + name: tensor
        for name, tensor in state.items()
        if not name.startswith("contact_head")
    }
    options = Namespace(
        arch="transformer_lm", encoder_layers=num_layers, encoder_embed_dim=hidden, encoder_attention_heads=heads,
        token_dropout=True, optimizer={"lr": [4e-4]}, path=None,
    )  # fmt: skip
    return {"args": None, "cfg": {"model": options}, "model": {k: v.half() for k, v in prefixed.items()}}


@pytest.fixture(scope="module")
def file_of(tmp_path_factory):
    """file_of(shape): a fair-esm file, written once."""
    made = {}

    def write(shape):
        if shape not in made:
            made[shape] = tmp_path_factory.mktemp("fair") / "esm2_test.pt"
            torch.save(content_of(*SHAPES[shape]), made[shape])
        return made[shape]

    return write


def load(path, precision="fp32"):
    return loading.load(resolve(str(path)), plain_plan(precision), CPU)


def theirs(path, proteins):
    """fair-esm's own loader and model, one protein at a time: representations of the last layer."""
    from esm import pretrained

    content = torch.load(path, weights_only=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Regression weights not found", UserWarning)
        model, alphabet = pretrained.load_model_and_alphabet_core("esm2_test", content)
    convert, last = alphabet.get_batch_converter(), model.num_layers
    with torch.inference_mode():
        return [
            model.eval()(convert([("", protein.decode())])[2], repr_layers=[last])["representations"][last][0]
            for protein in proteins
        ]


@pytest.mark.parametrize("shape", SHAPES)
def test_our_forward_equals_fair_esm_s_own(shape, file_of, proteins, engine_states, max_error):
    loaded = load(file_of(shape))
    chosen = proteins if shape == "tiny" else proteins[::5]
    ours = engine_states(None, chosen, loaded=loaded)
    assert max(float(states.abs().max()) for states in ours) > 1, "the comparison is of numbers that matter"
    assert max_error(ours, theirs(file_of(shape), chosen)) < EXACT


def test_the_letters_become_fair_esm_s_own_ids(proteins):
    from esm.data import Alphabet

    convert = Alphabet.from_architecture("ESM-1b").get_batch_converter()
    for protein in (*proteins, b"LAGVSERTIDPKQNFYMHWCXBUZO"):
        assert convert([("", protein.decode())])[2][0].tolist() == tokenize([protein], max_residues=1022).ids_N.tolist()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_sizes_come_from_the_shapes(shape, file_of):
    spec = read_spec(file_of(shape))
    assert isinstance(spec, Esm2Spec)
    assert (spec.num_layers, spec.hidden, spec.num_heads) == SHAPES[shape]
    assert (spec.ffn, spec.layer_norm_eps, spec.token_dropout, spec.name) == (4 * spec.hidden, 1e-5, True, "esm2_test")
    parameters = load(file_of(shape)).model.parameters()
    assert spec.num_parameters == sum(parameter.numel() for parameter in parameters)


def test_the_file_s_own_rotary_table_is_used(tmp_path, file_of, proteins, engine_states, max_error):
    content = torch.load(file_of("tiny"), weights_only=False)
    for name, tensor in content["model"].items():
        if name.endswith("inv_freq"):
            tensor.mul_(1.5)
    torch.save(content, tmp_path / "turned.pt")
    turned, plain = load(tmp_path / "turned.pt"), load(file_of("tiny"))
    assert torch.equal(turned.model.inv_freq, plain.model.inv_freq.half() * 1.5)
    assert max_error(*(engine_states(None, proteins[:9], loaded=loaded) for loaded in (turned, plain))) > 0.1


def test_the_facts_of_the_file_are_told(file_of):
    loaded = load(file_of("tiny"))
    assert (loaded.weights.file_dtype, loaded.fp16_exact, loaded.weights.fp16_max_error) == ("float16", True, 0.0)


def test_options_under_args_and_a_file_without_options_are_read_too(tmp_path, file_of, proteins, engine_states):
    content = torch.load(file_of("tiny"), weights_only=False)
    wanted = engine_states(None, proteins[:2], loaded=load(file_of("tiny")))
    for name, more in {"args": {"args": content["cfg"]["model"]}, "bare": {}}.items():
        torch.save({"model": content["model"], **more}, tmp_path / f"{name}.pt")
        got = engine_states(None, proteins[:2], loaded=load(tmp_path / f"{name}.pt"))
        assert all(torch.equal(a, b) for a, b in zip(got, wanted, strict=True))


def test_token_dropout_is_the_file_s_own(tmp_path, file_of):
    content = torch.load(file_of("tiny"), weights_only=False)
    content["cfg"]["model"].token_dropout = False
    torch.save(content, tmp_path / "plain.pt")
    assert not read_spec(tmp_path / "plain.pt").token_dropout


def test_reading_the_sizes_loads_no_torch(file_of):
    code = (
        "import sys; from pathlib import Path; from vp_tui.core.inputs.spec import read_spec; "
        f"read_spec(Path({str(file_of('tiny'))!r})); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def broken(change):
    """content -> content with `change` applied to a copy of its model's tensors."""

    def apply(content):
        state = dict(content["model"])
        change(state)
        return {**content, "model": state}

    return apply


def drop(part):
    return broken(lambda state: [state.pop(name) for name in list(state) if part in name])


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda content: [1, 2], "no state dict"),
        (drop("rot_emb"), "encoder.layer.0.attention.self.rotary_embeddings.inv_freq missing"),
        (drop("layers.1.fc1.weight"), "missing: encoder.layer.1.intermediate.dense.weight"),
        (broken(lambda state: state.update({f"{PREFIX}layers.0.strange": torch.zeros(1)})), "strange"),
        (
            lambda content: {**content, "cfg": {"model": Namespace(encoder_attention_heads=4)}},
            "encoder_attention_heads is 4 .* 2 ",
        ),
    ],
    ids=["a list", "no rotary table", "a tensor missing", "a stranger", "options that contradict"],
)
def test_another_file_is_refused_by_what_is_wrong_with_it(change, named, tmp_path, file_of):
    path = tmp_path / "other.pt"
    torch.save(change(torch.load(file_of("tiny"), weights_only=False)), path)
    with pytest.raises(ModelError, match=named):
        load(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04" + b"0" * 100, b"<html>not found</html>"])
def test_a_file_that_is_no_checkpoint_is_refused(content, tmp_path):
    (tmp_path / "esm2.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"esm2\.pt is (not a readable checkpoint|empty|a web page)"):
        read_spec(tmp_path / "esm2.pt")


def test_half_a_file_is_refused(tmp_path, file_of):
    whole = file_of("tiny").read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match=r"half\.pt is not a readable checkpoint"):
        read_spec(tmp_path / "half.pt")


class Bomb:
    """Pickled, it would call a function when it is read."""

    def __reduce__(self):
        return (pytest.fail, ("code of the file ran",))


@pytest.mark.parametrize("strange", [Bomb(), SimpleNamespace(a=1), np.float64(3)])
def test_a_pickle_that_asks_for_other_classes_is_refused_by_name_and_runs_nothing(strange, tmp_path, file_of):
    content = torch.load(file_of("tiny"), weights_only=False)
    torch.save({**content, "more": strange}, tmp_path / "strange.pt")
    with pytest.raises(ModelError, match=r"it asks for [\w.]+, which no checkpoint of weights needs"):
        read_spec(tmp_path / "strange.pt")


def test_embeddings_come_from_a_file_too(file_of, proteins):
    made = embed(RunConfig(model=str(file_of("tiny")), input=str(PROTEINS), precision="fp32"), print)
    wanted_SD = torch.stack([states[1:-1].double().mean(0) for states in theirs(file_of("tiny"), proteins)]).numpy()
    assert np.abs(made.embeddings_SD - wanted_SD).max() < EXACT


def test_a_run_takes_a_file(file_of, vp_tui, document):
    found = document(vp_tui("run", "-m", file_of("tiny"), "-i", PROTEINS, "--sample", "9", "--json"))
    assert found["verdict"] == "PASS"
    assert (found["model"]["kind"], found["model"]["name"], found["model"]["layers"]) == ("esm2", "esm2_test", 2)
    assert found["measures"]["details"]["weights"]["file_dtype"] == "float16"


def test_a_broken_file_leaves_no_run(vp_tui, document, tmp_path):
    (tmp_path / "esm2.pt").write_bytes(b"")
    refused = vp_tui("run", "-m", tmp_path / "esm2.pt", "-i", PROTEINS, check=2)
    assert "esm2.pt is empty" in refused.stderr
    assert document(vp_tui("runs", "--json")) == []


def test_names_that_are_not_of_the_encoder_stay_as_they_are():
    assert hugging_face_name("encoder.lm_head.dense.weight") == "lm_head.dense.weight"
    assert hugging_face_name("layers.3.strange.weight") == "layers.3.strange.weight"
    assert hugging_face_name("encoder.sentence_encoder.layers.3.fc2.bias") == "encoder.layer.3.output.dense.bias"
