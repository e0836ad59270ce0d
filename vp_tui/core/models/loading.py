"""A checkpoint, from wherever it is, into a model on a device: fetched, read, dispatched by its kind.

`load` is the one door for every kind, and LoadedModel the one result; how a kind's tensors are named stands in
its own room (esm2_weights, dnabert_s_weights, fair_esm), what is neither is loaded by transformers (hf).
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from vp_tui.core.config import AttentionName, PrecisionPlan
from vp_tui.core.inputs.hub import fetch
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import HfSpec, Kind, ModelSpec, read_spec
from vp_tui.core.models.attention import choose_for
from vp_tui.core.models.checkpoint import open_checkpoint, weight_files
from vp_tui.core.models.dnabert_s_weights import DNABERT_S
from vp_tui.core.models.esm2_weights import ESM2
from vp_tui.core.models.fair_esm_weights import open_fair_esm
from vp_tui.core.models.fusing import ChosenSteps, choose_steps
from vp_tui.core.models.hf import attending, load_hf
from vp_tui.core.models.linear import use_linear
from vp_tui.core.models.native import Family, Opener, fill
from vp_tui.core.models.precision import storage_dtype
from vp_tui.core.models.weight_facts import WeightFacts, of_files

_HASH_CHUNK: Final = 1 << 22


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model ready to encode, and the facts of its weights."""

    model: nn.Module
    """Called as model(ids_N, layout); gives the token outputs [N, D] in the plan's format."""
    spec: ModelSpec
    path: Path
    """Folder, or fair-esm file."""
    revision: str | None
    """Commit hash of the hub's repository; None for what was local."""
    weights_sha256: str
    """Over config.json and the weight files."""
    parameter_bytes: int
    """Bytes of parameters and buffers on the device."""
    weights: WeightFacts
    """Number format in the file, and what rounding to FP16 would lose."""
    attention_kernel: str
    attention_reason: str
    """Why this kernel, why each other one not, why these steps and this arithmetic of linear layers."""
    steps: str = "transformers"
    """Name of the steps between the products: plain, fused, or those of transformers."""
    notes: tuple[str, ...] = ()
    """What the reader should know of how it was loaded, each a sentence."""

    @property
    def fp16_exact(self) -> bool:
        """Whether every weight in the file is an FP16 number, as in the published ESM-2 files."""
        return self.weights.fp16_exact

    @property
    def fp16_max_error(self) -> float:
        """Largest |w - half(w)| of the weights."""
        return self.weights.fp16_max_error


def weights_sha256(path: Path) -> str:
    """SHA-256 over config.json, the weight files and Python code of a folder, or over a fair-esm file.

    Raises ModelError when there are no weight files. Kept per file size and time of change, so the
    second arm does not read 11 GB again.
    """
    # code of its own, where there is any, makes the embeddings too
    paths = [path] if path.is_file() else [path / "config.json", *weight_files(path), *sorted(path.glob("*.py"))]
    stats = [path.stat() for path in paths]
    return _sha256(tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in zip(paths, stats, strict=True)))


@lru_cache(maxsize=8)
def _sha256(files: tuple[tuple[Path, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for path, size, _ in files:
        digest.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as stream:
            while chunk := stream.read(_HASH_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


_FAMILIES: Final[dict[Kind, Family[Any]]] = {"esm2": ESM2, "dnabert-s": DNABERT_S}
"""The kinds of our own code."""


def family_of(spec: ModelSpec) -> Family[Any]:
    """How files of this kind fill a model of our own code; hf has none."""
    return _FAMILIES[spec.kind]


def opener_of(source: ModelSource) -> Opener:
    """What opens the weights of `source`: a folder, or a fair-esm file."""
    return open_checkpoint if source.file is None else open_fair_esm


def kernel_name(
    spec: ModelSpec, plan: PrecisionPlan, device: torch.device, asked: AttentionName, *, spare_fp32: bool = False
) -> str:
    """The attention kernel that `load` would choose, before anything is loaded.

    Raises UsageError: a kernel that this model, precision or device does not have.
    """
    if isinstance(spec, HfSpec):
        return attending(asked, plan, device).name
    choice = choose_for(spec, plan, device, asked, spare_fp32=spare_fp32)
    return _steps(plan, device, asked).steps.attending(choice.name, spec.head_dim)


def _steps(plan: PrecisionPlan, device: torch.device, asked: AttentionName) -> ChosenSteps:
    return choose_steps(storage_dtype(plan.precision), device, asked)


def load(
    source: ModelSource,
    plan: PrecisionPlan,
    device: torch.device,
    attention: AttentionName = "auto",
    *,
    spare_fp32: bool = False,
) -> LoadedModel:
    """The model of `source` on `device`, its parameters in the plan's format, its buffers in FP32 (FP64 in FP64).

    `attention` is the kernel asked for, or "auto"; `spare_fp32` as in attention.choose.

    Raises ModelError: no such model, another architecture, unreadable weights, tensors missing, left
    over or of another shape. Raises UsageError: a kernel that this precision or device does not have.
    """
    source = fetch(source)
    spec = read_spec(source.path, source.name)
    if isinstance(spec, HfSpec):
        return _load_hf(source, spec, plan, device, attention)
    return _load_native(source, spec, plan, device, attention, spare_fp32=spare_fp32)


def _load_native(
    source: ModelSource,
    spec: ModelSpec,
    plan: PrecisionPlan,
    device: torch.device,
    attention: AttentionName,
    *,
    spare_fp32: bool,
) -> LoadedModel:
    choice = choose_for(spec, plan, device, attention, spare_fp32=spare_fp32)
    chosen = _steps(plan, device, attention)
    filled = fill(
        family_of(spec),
        spec,
        choice.kernel,
        path=source.path,
        plan=plan,
        device=device,
        opened=opener_of(source),
        steps=chosen.steps,
    )
    linear = use_linear(filled.model, plan, device)
    return LoadedModel(
        model=filled.model,
        spec=spec,
        path=source.path,
        revision=source.revision,
        weights_sha256=weights_sha256(source.path),
        parameter_bytes=_held_bytes(filled.model),
        weights=filled.weights,
        attention_kernel=chosen.steps.attending(choice.name, spec.head_dim),
        attention_reason=f"{choice.text}; {chosen.reason}; {linear.reason}",
        steps=chosen.steps.name,
    )


def _load_hf(
    source: ModelSource, spec: HfSpec, plan: PrecisionPlan, device: torch.device, attention: AttentionName
) -> LoadedModel:
    loaded = load_hf(spec, source.path, plan, device, attention, trust_remote_code=source.trust_remote_code)
    linear = use_linear(loaded.model, plan, device)
    return LoadedModel(
        model=loaded.model,
        spec=spec,
        path=source.path,
        revision=source.revision,
        weights_sha256=weights_sha256(source.path),
        parameter_bytes=_held_bytes(loaded.model),
        weights=of_files(source.path),
        attention_kernel=loaded.attending.name,
        attention_reason=f"{loaded.attending.reason}; {linear.reason}",
        notes=loaded.notes,
    )


def _held_bytes(model: nn.Module) -> int:
    return sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))
