"""A checkpoint folder into a model on a device, tensor by tensor.

Every tensor is read once, moved, cast and put in place, so 3B parameters never lie in memory twice.
Key names come in several dialects (checkpoint.py); nothing is guessed: what is missing, left over or
of another shape is an error that names it.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from torch import Tensor

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.errors import ModelError
from vp_tui.core.models import attention
from vp_tui.core.models.checkpoint import Checkpoint, first_line, open_checkpoint, weight_files
from vp_tui.core.models.esm2 import Esm2
from vp_tui.core.models.spec import ModelSource, ModelSpec, read_spec
from vp_tui.core.precision import cast, is_fp16_exact, storage_dtype

_HASH_CHUNK: Final = 1 << 22
_SAFETENSORS: Final = ["config.json", "model*.safetensors", "model*.safetensors.index.json"]
_PICKLED: Final = ["config.json", "pytorch_model*.bin", "pytorch_model*.bin.index.json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedModel:
    """A model ready to encode, and the facts of its weights."""

    model: Esm2
    spec: ModelSpec
    folder: Path
    weights_sha256: str
    """Over config.json and the weight files."""
    parameter_bytes: int
    """Bytes of parameters and buffers on the device."""
    fp16_exact: bool
    """Whether every weight in the file is an FP16 number, as in the published ESM-2 files."""
    file_dtype: str
    """Number format of the weights in the file, as in float32; several are joined with +."""
    attention_kernel: str
    attention_reason: str


def fetch(source: ModelSource) -> Path:
    """Folder with the checkpoint's files; hub ids are downloaded once into the Hugging Face cache.

    HF_HOME and HF_HUB_OFFLINE are honoured. Raises ModelError when the hub does not give the files.
    """
    if source.folder is not None:
        return source.folder
    assert source.hub_id is not None, "a source is a folder or a hub id"
    folder = _snapshot(source.hub_id, _SAFETENSORS)
    if any(folder.glob("*.safetensors")):
        return folder
    return _snapshot(source.hub_id, _PICKLED)


def _snapshot(hub_id: str, patterns: list[str]) -> Path:
    try:
        return Path(snapshot_download(hub_id, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise ModelError(
            f"{hub_id} could not be fetched ({type(error).__name__}: {first_line(error)}); "
            f"check the name and the network, or copy the checkpoint here and give its folder"
        ) from error


def weights_sha256(folder: Path) -> str:
    """SHA-256 over the content of config.json and the weight files of `folder`, in the order of their names.

    Raises ModelError when there are no weight files. Kept per file size and time of change, so the
    second arm does not read 11 GB again.
    """
    paths = [folder / "config.json", *weight_files(folder)]
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


def load(source: ModelSource, plan: PrecisionPlan, device: torch.device) -> LoadedModel:
    """The model of `source` on `device`, its parameters in the plan's format, its rotary table in FP32.

    Raises ModelError: no such model, another architecture, unreadable weights, tensors missing, left
    over or of another shape.
    """
    folder = fetch(source)
    spec = read_spec(folder, source.name)
    kernel, reason = attention.choose(storage_dtype(plan.precision), device)
    with torch.device("meta"):
        model = Esm2(spec, kernel)
    with open_checkpoint(folder) as checkpoint:
        checkpoint.require(_expected_shapes(spec))
        filler = _Filler(checkpoint, plan, device)
        filler.fill(model)
    held = [*model.parameters(), *model.buffers()]
    return LoadedModel(
        model=model.eval(),
        spec=spec,
        folder=folder,
        weights_sha256=weights_sha256(folder),
        parameter_bytes=sum(tensor.nbytes for tensor in held),
        fp16_exact=filler.fp16_exact,
        file_dtype="+".join(sorted(filler.dtypes)),
        attention_kernel=kernel.name,
        attention_reason=reason,
    )


_LAYER_NAMES: Final = {
    "attention_norm": ("attention.LayerNorm",),
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "ffn_norm": ("LayerNorm",),
    "fc1": ("intermediate.dense",),
    "fc2": ("output.dense",),
}
"""Our module in a layer -> Hugging Face's; several are joined along the output axis."""


def _expected_shapes(spec: ModelSpec) -> dict[str, tuple[int, ...]]:
    """Every tensor a checkpoint of `spec` must have, by Hugging Face's name, without inv_freq."""
    width, ffn = spec.hidden, spec.ffn
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (spec.vocab_size, width),
        "encoder.emb_layer_norm_after.weight": (width,),
        "encoder.emb_layer_norm_after.bias": (width,),
    }
    for index in range(spec.num_layers):
        for theirs in (name for names in _LAYER_NAMES.values() for name in names):
            out = ffn if theirs == "intermediate.dense" else width
            inner = ffn if theirs == "output.dense" else width
            prefix = f"encoder.layer.{index}.{theirs}"
            shapes[f"{prefix}.weight"] = (width,) if theirs.endswith("LayerNorm") else (out, inner)
            shapes[f"{prefix}.bias"] = (out,)
    return shapes


def _sources(ours: str) -> list[str]:
    """Hugging Face's tensors behind our parameter `ours`."""
    head, _, kind = ours.rpartition(".")
    if head == "embedding":
        return [f"embeddings.word_embeddings.{kind}"]
    if head == "final_norm":
        return [f"encoder.emb_layer_norm_after.{kind}"]
    _, index, module = head.split(".")
    return [f"encoder.layer.{index}.{theirs}.{kind}" for theirs in _LAYER_NAMES[module]]


class _Filler:
    """Moves tensors from a checkpoint into a model on the meta device, noting their formats."""

    def __init__(self, checkpoint: Checkpoint, plan: PrecisionPlan, device: torch.device) -> None:
        self.checkpoint = checkpoint
        self.plan = plan
        self.device = device
        self.fp16_exact = True
        self.dtypes: set[str] = set()

    def fill(self, model: Esm2) -> None:
        """Give every parameter and the rotary table of `model` its values."""
        state = {name: self._joined(_sources(name)) for name, _ in model.named_parameters()}
        # FP32 for the angles whatever the plan; the values are the checkpoint's own, never recomputed
        state["inv_freq"] = self.checkpoint.inv_freq(model.spec).to(self.device).float()
        model.load_state_dict(state, assign=True)
        model.requires_grad_(False)

    def _joined(self, names: list[str]) -> Tensor:
        parts = [self._read(name) for name in names]
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _read(self, name: str) -> Tensor:
        weight = self.checkpoint.read(name).to(self.device)
        self.dtypes.add(str(weight.dtype).removeprefix("torch."))
        self.fp16_exact = self.fp16_exact and is_fp16_exact(weight)
        return cast(weight, self.plan)
