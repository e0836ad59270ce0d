"""The weights of a checkpoint as a dict that can be changed and written again, with one vocabulary for both models.

Weights are read by canonical names (models/checkpoint.py): heads and pooler are left out, because embeddings do not
use them. The file that is written is model.safetensors; changed tensors are FP32 in it, whatever the source has.
"""

import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file
from torch import Tensor

from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models.checkpoint import OpenCheckpoint, open_stored
from vp_tui.core.models.loading import family_of

_WEIGHT_SUFFIXES: Final = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".index.json", ".h5", ".msgpack", ".onnx")


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of the weight and entries of the bias of a linear layer; `first` and `count` along the output axis."""

    layer: str
    """Canonical name, without .weight or .bias."""
    first: int
    count: int

    @property
    def slice(self) -> slice:
        return slice(self.first, self.first + self.count)


class Weights:
    """Tensors of one checkpoint by canonical name, in memory."""

    def __init__(self, tensors: dict[str, Tensor], spec: ModelSpec, config: dict[str, Any]) -> None:
        self.tensors = tensors
        self.spec = spec
        self.config = config
        """Content of config.json."""

    def changed(self, name: str) -> Tensor:
        """Return the tensor `name` in FP32, to be changed in place."""
        self.tensors[name] = self.tensors[name].float()
        return self.tensors[name]

    def scale_rows(self, rows: Rows, factor: float) -> None:
        """Multiply outputs of a linear layer by `factor`; a layer without bias has none to scale."""
        self.changed(f"{rows.layer}.weight")[rows.slice] *= factor
        if f"{rows.layer}.bias" in self.tensors:
            self.changed(f"{rows.layer}.bias")[rows.slice] *= factor

    def scale_columns(self, layer: str, column: int, factor: float) -> None:
        """Multiply what a linear layer does with one of its inputs by `factor`."""
        self.changed(f"{layer}.weight")[:, column] *= factor

    @property
    def is_esm2(self) -> bool:
        return self.spec.kind == "esm2"

    def layer(self, block: int, name: str) -> str:
        """Return the canonical name of a module of a block."""
        return f"encoder.layer.{block}.{name}"

    def heads(self, block: int, part: int, head: int) -> Rows:
        """Rows of q (part 0), k (1) or v (2) of one head."""
        size, width = self.spec.head_dim, self.spec.hidden
        if self.is_esm2:
            name = ("query", "key", "value")[part]
            return Rows(self.layer(block, f"attention.self.{name}"), head * size, size)
        return Rows(self.layer(block, "attention.self.Wqkv"), part * width + head * size, size)

    def value(self, block: int, dimension: int) -> Rows:
        """Row of v that writes a dimension of attention's output."""
        head, within = divmod(dimension, self.spec.head_dim)
        rows = self.heads(block, 2, head)
        return Rows(rows.layer, rows.first + within, 1)

    def attention_out(self, block: int) -> str:
        return self.layer(block, "attention.output.dense")

    def ffn_in(self, block: int, unit: int) -> Rows:
        """Rows that write a hidden unit: fc1 of ESM-2, the second (linear) half of gated of DNABERT-S."""
        if self.is_esm2:
            return Rows(self.layer(block, "intermediate.dense"), unit, 1)
        return Rows(self.layer(block, "mlp.gated_layers"), self.spec.ffn + unit, 1)

    def ffn_out(self, block: int) -> str:
        return self.layer(block, "output.dense" if self.is_esm2 else "mlp.wo")


def read_weights(folder: Path, spec: ModelSpec) -> Weights:
    """Read all weights of the encoder in `folder`.

    Raises ModelError: unreadable weights, or missing, unknown or wrongly shaped tensors.
    """
    family = family_of(spec)
    with ExitStack() as stack:
        opened = OpenCheckpoint(folder, open_stored(folder, stack), family.dialect)
        opened.require(family.shapes(spec))
        stored = opened.tensors | opened.aside
        tensors = {name: tensor.read().clone() for name, tensor in stored.items()}
    return Weights(tensors, spec, json.loads((folder / "config.json").read_text(encoding="utf-8")))


def write_weights(weights: Weights, source: Path, folder: Path) -> None:
    """Write a checkpoint into `folder`: the weights, config.json, and the other files of `source` (tokenizer, code)."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.is_file() and not path.name.endswith(_WEIGHT_SUFFIXES):
            shutil.copyfile(path, folder / path.name)
    (folder / "config.json").write_text(json.dumps(weights.config, indent=2) + "\n", encoding="utf-8")
    contiguous: dict[str, torch.Tensor] = {name: tensor.contiguous() for name, tensor in weights.tensors.items()}
    save_file(contiguous, folder / "model.safetensors", metadata={"format": "pt"})
