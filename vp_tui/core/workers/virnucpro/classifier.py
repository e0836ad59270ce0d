"""VirNucPro's classifier, MLP(3328, 512, 2), from an untrusted .pth file: read as data, never run as code.

The file holds a state_dict, or the module as VirNucPro saves it (`torch.save(model)`, class __main__.MLPClassifier).
torch's weights-only loader reads it with inert stand-ins for the module classes: no class of a file is called, not even
torch's own modules, and any other class is refused by name.

Shape suffixes: S sequences, D features, H hidden units.
"""

import hashlib
import io
import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from vp_tui.core.errors import ModelError
from vp_tui.core.files import user_path
from vp_tui.core.models import torch_file

NUM_CLASSES: Final = 2
_EPS: Final = 1e-5
"""BatchNorm1d's own default, which VirNucPro does not change."""

_MODULES: Final = (
    "__main__.MLPClassifier",
    "torch.nn.modules.linear.Linear",
    "torch.nn.modules.batchnorm.BatchNorm1d",
    "torch.nn.modules.dropout.Dropout",
    "torch.nn.modules.activation.ReLU",
)
"""Classes of a module that VirNucPro saved, each read as a _Part; everything else is tensors or refused."""

_SHAPES: Final = {
    "hidden_layer.weight": ("hidden", "input"),
    "hidden_layer.bias": ("hidden",),
    "bn1.weight": ("hidden",),
    "bn1.bias": ("hidden",),
    "bn1.running_mean": ("hidden",),
    "bn1.running_var": ("hidden",),
    "output_layer.weight": ("classes", "hidden"),
    "output_layer.bias": ("classes",),
}
_IGNORED: Final = frozenset({"bn1.num_batches_tracked"})


class _Part:
    """Stand-in for a pickled module: its state without behaviour."""

    state: Mapping[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, Mapping):
            raise pickle.UnpicklingError(f"a module's state is a mapping, not {type(state).__name__}")
        self.state = state


class Classifier(nn.Module):
    """Linear, BatchNorm, ReLU, Linear, softmax in FP32 on the CPU; dropout is the identity at inference."""

    def __init__(self, tensors: Mapping[str, Tensor], *, eps: float = _EPS, sha256: str = "") -> None:
        super().__init__()
        self.sha256 = sha256
        hidden, width = tensors["hidden_layer.weight"].shape
        self.hidden_layer = nn.Linear(width, hidden)
        self.bn1 = nn.BatchNorm1d(hidden, eps=eps)
        self.output_layer = nn.Linear(hidden, NUM_CLASSES)
        self.load_state_dict({**tensors, "bn1.num_batches_tracked": torch.tensor(0)})
        self.eval().requires_grad_(False)

    @property
    def input_width(self) -> int:
        """Features per frame, DNABERT-S and ESM-2 concatenated: 3328 for the published models."""
        return self.hidden_layer.in_features

    @property
    def hidden_width(self) -> int:
        """Hidden units, 512 for the published models."""
        return self.hidden_layer.out_features

    def forward(self, x_SD: Tensor) -> Tensor:
        """Return the class probabilities [S, 2]: others, virus."""
        scores_S2: Tensor = self.output_layer(torch.relu(self.bn1(self.hidden_layer(x_SD.float())))).softmax(dim=1)
        return scores_S2


def load_classifier(path: Path) -> Classifier:
    """Return the classifier in `path`.

    Raises:
        ModelError: missing file, not a torch file, a pickle that asks for another class (named), or
            tensors that are not those of VirNucPro's MLP.
    """
    try:
        content = user_path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the classifier {path}: {error.strerror or error}") from error
    loaded = _loaded(path, content)
    try:
        tensors, eps = _tensors(path, loaded)
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise ModelError(
            f"{path} is not built as VirNucPro's model ({type(error).__name__}); give VirNucPro's 300_model.pth or "
            "500_model.pth"
        ) from error
    _check(path, tensors)
    return Classifier(
        {name: tensors[name].float() for name in _SHAPES}, eps=eps, sha256=hashlib.sha256(content).hexdigest()
    )


def facts_of(classifier: Classifier) -> dict[str, Any]:
    return {"sha256": classifier.sha256, "input_width": classifier.input_width, "hidden_width": classifier.hidden_width}


def scored(classifier: Classifier, x_SD: np.ndarray) -> np.ndarray:
    """Return scores [S, 2], float32; NaN for a row that is not finite: ReLU turns -Inf into 0, which has a label."""
    scores_S2 = classifier(torch.from_numpy(x_SD)).numpy()
    found_S2: np.ndarray = np.where(np.isfinite(x_SD).all(axis=1, keepdims=True), scores_S2, np.float32(np.nan))
    return found_S2


def require_width(classifier: Classifier, dnabert: int, esm: int) -> None:
    """Raise ModelError, naming both widths, for a classifier that was trained on other models."""
    if classifier.input_width != dnabert + esm:
        raise ModelError(
            f"the classifier takes {classifier.input_width} features per frame, the models give {dnabert + esm} "
            f"({dnabert} + {esm}); give the classifier that was trained on these two models"
        )


def _loaded(path: Path, content: bytes) -> Any:
    try:
        return torch_file.read(io.BytesIO(content), allowed=[(_Part, name) for name in _MODULES])
    except ValueError as error:
        raise ModelError(
            f"{path} cannot be read as a classifier: {error}; give VirNucPro's 300_model.pth or 500_model.pth, or save "
            "the state_dict() of a model that you trust and give that"
        ) from error


def _tensors(path: Path, loaded: Any) -> tuple[dict[str, Any], float]:
    """Return the tensors by VirNucPro's names, and the BatchNorm's epsilon (the default for a state_dict)."""
    if isinstance(loaded, _Part):
        tensors = dict(_walk(loaded, ""))
        eps = _state(_state(loaded, "_modules").get("bn1"), "eps")
        return tensors, eps if isinstance(eps, float) and eps > 0 else _EPS
    if isinstance(loaded, Mapping):
        return dict(loaded), _EPS
    raise ModelError(f"{path} holds a {type(loaded).__name__}; expected a state_dict or VirNucPro's pickled model")


def _walk(part: _Part, prefix: str) -> Iterator[tuple[str, Any]]:
    for kind in ("_parameters", "_buffers"):
        for name, tensor in _state(part, kind).items():
            if tensor is not None:
                yield f"{prefix}{name}", tensor
    for name, child in _state(part, "_modules").items():
        if isinstance(child, _Part):
            yield from _walk(child, f"{prefix}{name}.")


def _state(part: Any, name: str) -> Any:
    """Return an entry of a part's state, {} if missing."""
    return getattr(part, "state", {}).get(name, {})


def _check(path: Path, tensors: Mapping[str, Any]) -> None:
    """Raise ModelError unless names, shapes and values are those of a classifier."""
    missing = sorted(set(_SHAPES) - set(tensors))
    more = sorted(map(str, set(tensors) - set(_SHAPES) - _IGNORED))
    if missing or more:
        wrong = [f"without {', '.join(missing)}" if missing else "", f"with {', '.join(more[:5])}" if more else ""]
        raise ModelError(f"{path} is not VirNucPro's MLP classifier: {' and '.join(filter(None, wrong))}")
    for name in _SHAPES:
        if not isinstance(tensors[name], Tensor) or not tensors[name].is_floating_point():
            raise ModelError(f"{path}: {name} is not a floating-point tensor")
    weight = tensors["hidden_layer.weight"]
    if weight.ndim != 2:
        raise ModelError(f"{path}: hidden_layer.weight has shape {list(weight.shape)}, expected two dimensions")
    sizes = {"hidden": weight.shape[0], "input": weight.shape[1], "classes": NUM_CLASSES}
    for name, axes in _SHAPES.items():
        expected = [sizes[axis] for axis in axes]
        if list(tensors[name].shape) != expected:
            raise ModelError(f"{path}: {name} has shape {list(tensors[name].shape)}, expected {expected}")
        if not torch.isfinite(tensors[name]).all():
            raise ModelError(f"{path}: {name} contains NaN or Inf; the file is corrupt or the training diverged")
