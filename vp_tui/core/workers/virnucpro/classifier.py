"""VirNucPro's classifier, MLP(3328, 512, 2), from a .pth file of strangers: read as data, never run as code.

Either a state_dict, or the module VirNucPro saves whole (`torch.save(model)`, class __main__.MLPClassifier). The pickle
is looked through first, and whatever it asks for outside ALLOWED is refused by name. Then torch's weights-only loader
reads it with inert stand-ins for the module classes: no class of a file is ever called, not even torch's own modules.

Shape suffixes: S sequences, D width, H hidden units.
"""

import hashlib
import io
import pickle
import pickletools
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from vp_tui.core.errors import ModelError

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
"""Read as _Part."""

ALLOWED: Final = frozenset(
    {
        *_MODULES,
        "collections.OrderedDict",
        "builtins.set",
        "__builtin__.set",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        *(f"torch.{name}Storage" for name in ("Float", "Half", "BFloat16", "Double", "Long")),
    }
)
"""Every name a classifier's pickle may ask for."""

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
    """What a pickled module leaves behind: its state, and no behaviour."""

    state: Mapping[str, Any]

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, Mapping):
            raise pickle.UnpicklingError(f"a module's state is a mapping, not {type(state).__name__}")
        self.state = state


class Classifier(nn.Module):
    """Linear, BatchNorm, ReLU, Linear, softmax, in FP32 on the CPU; dropout does nothing at inference."""

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
        """Numbers per frame: DNABERT-S and ESM-2 together, 3328 for the published models."""
        return self.hidden_layer.in_features

    @property
    def hidden_width(self) -> int:
        """Hidden units, 512 for the published models."""
        return self.hidden_layer.out_features

    def forward(self, x_SD: Tensor) -> Tensor:
        """Scores [S, 2]: others, virus."""
        scores_S2: Tensor = self.output_layer(torch.relu(self.bn1(self.hidden_layer(x_SD.float())))).softmax(dim=1)
        return scores_S2


def load_classifier(path: Path) -> Classifier:
    """Read a classifier.

    Raises:
        ModelError: missing, no torch file, a pickle that asks for anything outside ALLOWED (named), or
            tensors that are not those of VirNucPro's MLP.
    """
    try:
        content = path.expanduser().read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read the classifier {path}: {error.strerror or error}") from error
    _refuse_foreign_names(path, content)
    tensors, eps = _tensors(path, _loaded(path, content))
    _check(path, tensors)
    return Classifier(
        {name: tensors[name].float() for name in _SHAPES}, eps=eps, sha256=hashlib.sha256(content).hexdigest()
    )


def require_width(classifier: Classifier, dnabert: int, esm: int) -> None:
    """Refuse a classifier for other models.

    Raises:
        ModelError: with both numbers.
    """
    if classifier.input_width != dnabert + esm:
        raise ModelError(
            f"the classifier reads {classifier.input_width} numbers per frame, the models give {dnabert + esm} "
            f"({dnabert} + {esm}); give the classifier that was trained on these two models"
        )


def _refuse_foreign_names(path: Path, content: bytes) -> None:
    try:
        names = {name for stream in _pickles(content) for name in _names_in(stream)}
    except (zipfile.BadZipFile, ValueError, IndexError, EOFError) as error:
        raise ModelError(
            f"{path} is no file of torch.save ({error}); give VirNucPro's 300_model.pth or 500_model.pth"
        ) from error
    foreign = sorted(names - ALLOWED)
    if foreign:
        raise ModelError(
            f"{path} asks for {', '.join(foreign)} when it is unpickled, which no classifier needs and which could run "
            "any program; nothing was loaded. If you trust the file, save its state_dict() alone and give that"
        )


def _pickles(content: bytes) -> Iterator[bytes]:
    """Every pickle in a torch file; the file itself where it is no zip."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        yield content
        return
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        yield from (archive.read(name) for name in archive.namelist() if name.endswith(".pkl"))


def _names_in(stream: bytes) -> Iterator[str]:
    """What a pickle asks for, read from its opcodes without running them."""
    strings: list[str] = []
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name in {"GLOBAL", "INST"}:
            yield str(argument).replace(" ", ".")
        elif opcode.name == "STACK_GLOBAL":
            yield ".".join(strings[-2:])
        elif isinstance(argument, str):
            strings.append(argument)


def _loaded(path: Path, content: bytes) -> Any:
    try:
        with torch.serialization.safe_globals([(_Part, name) for name in _MODULES]):
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, TypeError, EOFError, KeyError) as error:
        raise ModelError(f"{path} cannot be read as a torch file: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    """Torch's own reason in one line, without its advice to load the file unguarded."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "weights_only" not in line]
    inner = [line for line in lines if line.startswith("WeightsUnpickler error")]
    return (inner or lines or [type(error).__name__])[0]


def _tensors(path: Path, loaded: Any) -> tuple[dict[str, Any], float]:
    """The tensors by VirNucPro's names, and the BatchNorm's epsilon where the file has it."""
    if isinstance(loaded, _Part):
        tensors = dict(_walk(loaded, ""))
        eps = _state(_state(loaded, "_modules").get("bn1"), "eps")
        return tensors, eps if isinstance(eps, float) and eps > 0 else _EPS
    if isinstance(loaded, Mapping):
        return dict(loaded), _EPS
    raise ModelError(f"{path} holds a {type(loaded).__name__}; a state_dict or VirNucPro's pickled model is needed")


def _walk(part: _Part, prefix: str) -> Iterator[tuple[str, Any]]:
    for kind in ("_parameters", "_buffers"):
        for name, tensor in _state(part, kind).items():
            if tensor is not None:
                yield f"{prefix}{name}", tensor
    for name, child in _state(part, "_modules").items():
        if isinstance(child, _Part):
            yield from _walk(child, f"{prefix}{name}.")


def _state(part: Any, name: str) -> Any:
    """An entry of a part's state; an empty mapping where there is none."""
    return getattr(part, "state", {}).get(name, {})


def _check(path: Path, tensors: Mapping[str, Any]) -> None:
    """Names, shapes and numbers."""
    missing = sorted(set(_SHAPES) - set(tensors))
    more = sorted(map(str, set(tensors) - set(_SHAPES) - _IGNORED))
    if missing or more:
        wrong = [f"without {', '.join(missing)}" if missing else "", f"with {', '.join(more[:5])}" if more else ""]
        raise ModelError(f"{path} is not VirNucPro's MLP classifier: {' and '.join(filter(None, wrong))}")
    for name in _SHAPES:
        if not isinstance(tensors[name], Tensor) or not tensors[name].is_floating_point():
            raise ModelError(f"{path}: {name} is no tensor of floating-point numbers")
    weight = tensors["hidden_layer.weight"]
    if weight.ndim != 2:
        raise ModelError(f"{path}: hidden_layer.weight has the shape {list(weight.shape)}; two dimensions are needed")
    sizes = {"hidden": weight.shape[0], "input": weight.shape[1], "classes": NUM_CLASSES}
    for name, axes in _SHAPES.items():
        expected = [sizes[axis] for axis in axes]
        if list(tensors[name].shape) != expected:
            raise ModelError(f"{path}: {name} has the shape {list(tensors[name].shape)}, needed is {expected}")
        if not torch.isfinite(tensors[name]).all():
            raise ModelError(f"{path}: {name} holds NaN or Inf; the file is damaged or the training diverged")
