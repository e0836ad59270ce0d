"""The classifier: VirNucPro's two file forms, its numbers, and what a hostile or wrong file gets."""

import os
import pickle
import sys
from collections import OrderedDict

import numpy as np
import pytest
import torch
from torch import nn

from vp_tui.core.errors import ModelError
from vp_tui.core.workers.virnucpro.classifier import load_classifier, require_width

WIDTH, HIDDEN = 12, 8


class MLPClassifier(nn.Module):
    """As VirNucPro writes it; pickled under the name __main__.MLPClassifier."""

    def __init__(self, width=WIDTH, hidden=HIDDEN, classes=2, seed=0):
        super().__init__()
        self.hidden_layer = nn.Linear(width, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.output_layer = nn.Linear(hidden, classes)
        self.dropout = nn.Dropout(0.5)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for tensor in self.state_dict().values():
                if tensor.is_floating_point():
                    tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
            self.output_layer.weight[0].neg_()

    def forward(self, x):
        return self.output_layer(self.dropout(torch.relu(self.bn1(self.hidden_layer(x)))))


MLPClassifier.__module__ = "__main__"


@pytest.fixture(autouse=True)
def _as_in_their_script(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "MLPClassifier", MLPClassifier, raising=False)


@pytest.fixture
def saved(tmp_path):
    """saved(object) -> path of a file torch.save wrote."""

    def save(value, name="500_model.pth"):
        torch.save(value, tmp_path / name)
        return tmp_path / name

    return save


def by_hand(model, x_SD):
    """The formula in float64."""
    tensors = {name: tensor.double().numpy() for name, tensor in model.state_dict().items()}
    h = x_SD @ tensors["hidden_layer.weight"].T + tensors["hidden_layer.bias"]
    h = (h - tensors["bn1.running_mean"]) / np.sqrt(tensors["bn1.running_var"] + model.bn1.eps)
    h = np.maximum(h * tensors["bn1.weight"] + tensors["bn1.bias"], 0)
    z = h @ tensors["output_layer.weight"].T + tensors["output_layer.bias"]
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("form", ["state_dict", "module"])
def test_both_forms_give_the_scores_of_the_formula_and_dropout_is_off(saved, form):
    model = MLPClassifier()
    classifier = load_classifier(saved(model.state_dict() if form == "state_dict" else model))
    x_SD = np.random.default_rng(0).normal(size=(20, WIDTH))
    scores_S2 = classifier(torch.from_numpy(x_SD)).numpy()
    np.testing.assert_allclose(scores_S2, by_hand(model, x_SD), atol=1e-5)
    assert scores_S2.dtype == np.float32
    assert (classifier.input_width, classifier.hidden_width) == (WIDTH, HIDDEN)
    assert len(classifier.sha256) == 64


def test_a_trained_module_with_cuda_style_leftovers_and_half_weights_is_read(saved):
    model = MLPClassifier().half()
    model(torch.zeros(2, WIDTH, dtype=torch.half)).sum().backward()
    classifier = load_classifier(saved(model))
    assert classifier.hidden_layer.weight.dtype == torch.float32


def test_the_epsilon_of_a_pickled_module_is_its_own(saved):
    model = MLPClassifier()
    model.bn1.eps = 0.5
    classifier = load_classifier(saved(model))
    x_SD = np.random.default_rng(0).normal(size=(5, WIDTH))
    np.testing.assert_allclose(classifier(torch.from_numpy(x_SD)).numpy(), by_hand(model, x_SD), atol=1e-5)


class Payload:
    """Runs a program when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


class Evaluated(Payload):
    def __reduce__(self):
        return eval, (f"open({str(self.path)!r}, 'w').close()",)


def hostile(kind, mark):
    model = MLPClassifier()
    if kind == "in the module":
        model.dropout.secret = Payload(mark)
        return model
    if kind == "eval in a state_dict":
        return OrderedDict(model.state_dict(), extra=Evaluated(mark))
    return Payload(mark)


@pytest.mark.parametrize(
    ("kind", "named"),
    [("alone", "system"), ("in the module", "system"), ("eval in a state_dict", "eval")],
)
def test_a_pickle_that_would_run_a_program_is_refused_by_name_and_runs_nothing(saved, tmp_path, kind, named):
    mark = tmp_path / "ran"
    path = saved(hostile(kind, mark))
    with pytest.raises(ModelError, match=rf"{path.name}.* asks for \w+\.{named} "):
        load_classifier(path)
    assert not mark.exists()
    # the payload is a real one: torch's unguarded loader runs it
    torch.load(path, weights_only=False)
    assert mark.exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_plain_pickle_is_refused_in_every_protocol_and_runs_nothing(tmp_path, protocol):
    mark, path = tmp_path / "ran", tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Payload(mark), protocol=protocol))
    with pytest.raises(ModelError, match=path.name):
        load_classifier(path)
    assert not mark.exists()


def test_torchs_own_loader_refuses_too_when_the_first_look_is_blind(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("vp_tui.core.models.torch_file.get_unsafe_globals_in_checkpoint", lambda file: [])
    mark = tmp_path / "ran"
    with pytest.raises(ModelError, match="system") as refused:
        load_classifier(saved(Payload(mark)))
    assert "weights_only" not in str(refused.value)
    assert "safe_globals" not in str(refused.value)
    assert not mark.exists()


def test_another_module_is_refused_by_its_class(saved):
    with pytest.raises(ModelError, match=r"torch\.nn\.modules\.container\.Sequential"):
        load_classifier(saved(nn.Sequential(nn.Linear(2, 2))))


def test_a_stand_in_never_calls_the_module_of_the_file(saved, monkeypatch):
    def called(*_):
        raise AssertionError("a class of the file was used")

    path = saved(MLPClassifier())
    monkeypatch.setattr(MLPClassifier, "__setstate__", called, raising=False)
    monkeypatch.setattr(MLPClassifier, "__init__", called)
    assert load_classifier(path).input_width == WIDTH


def changed(**tensors):
    return {**MLPClassifier().state_dict(), **{name.replace("__", "."): tensor for name, tensor in tensors.items()}}


def without(name):
    state = dict(MLPClassifier().state_dict())
    del state[name]
    return state


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (
            lambda: MLPClassifier(classes=3).state_dict(),
            r"output_layer.weight .*\[3, 8\].*\[2, 8\]",
        ),
        (lambda: changed(bn1__bias=torch.zeros(9)), r"bn1.bias .*\[9\].*\[8\]"),
        (lambda: changed(hidden_layer__weight=torch.zeros(8)), r"hidden_layer.weight .*\[8\]"),
        (lambda: changed(bn1__running_var=torch.full((8,), float("nan"))), "bn1.running_var .*NaN"),
        (lambda: changed(bn1__bias=torch.zeros(8, dtype=torch.long)), "bn1.bias"),
        (lambda: changed(bn1__bias="zero"), "bn1.bias"),
        (lambda: changed(third_layer__weight=torch.zeros(2)), "with third_layer.weight"),
        (lambda: without("bn1.running_mean"), "without bn1.running_mean"),
        (lambda: [1, 2], "holds a list"),
        (lambda: torch.zeros(3), "holds a Tensor"),
    ],
)
def test_tensors_of_another_network_are_refused_with_their_names_and_numbers(saved, state, told):
    with pytest.raises(ModelError, match=told):
        load_classifier(saved(state()))


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 no zip", b"\x80\x02}q\x00."])
def test_a_file_that_is_no_torch_file_is_refused_with_its_path(tmp_path, content):
    path = tmp_path / "odd.pth"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"odd\.pth"):
        load_classifier(path)


def test_a_cut_file_and_a_missing_file_are_refused(saved, tmp_path):
    path = saved(MLPClassifier())
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ModelError, match="500_model"):
        load_classifier(path)
    with pytest.raises(ModelError, match="nowhere"):
        load_classifier(tmp_path / "nowhere.pth")


def test_other_widths_are_refused_with_both_numbers(saved):
    classifier = load_classifier(saved(MLPClassifier()))
    require_width(classifier, 4, 8)
    with pytest.raises(ModelError, match=r" 12 .* 3328 \(768 \+ 2560\)"):
        require_width(classifier, 768, 2560)
