"""The demo's files, and its ESM-2: tiny random weights that behave like the real ones where precision is concerned.

    python -P -m vp_tui.core.workers demo-files --folder DIR [--fault NAME]

writes DIR/checkpoint and DIR/sequences.fasta (ESM-2, with the fault) and, without a fault, DIR/dnabert/checkpoint and
DIR/dnabert/sequences.fasta (DNABERT-S, dnabert.py). Like the published 3B model, the weights are FP16 numbers,
the rotary frequencies are rounded to FP16, one output dimension holds 80 % of the squared norm, and
different proteins have a raw cosine near 0.9, so the demo meets what makes raw cosine blind.

Shape suffixes: S sequences, D width.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import PAD, VOCABULARY, tokenize
from vp_tui.core.models.loading import load
from vp_tui.core.models.precision import round_to_fp16
from vp_tui.core.workers.demo import FAULTS
from vp_tui.core.workers.demo.data import make_dna_fasta, make_fasta
from vp_tui.core.workers.demo.dnabert import make_dnabert

__all__ = ["FAULTS", "add_arguments", "main", "make_checkpoint", "make_fasta"]

_EMBEDDING_STD: Final = 1.0
_WEIGHT_STD: Final = 0.08
_BIAS_STD: Final = 0.02
_DOMINANT_SHARE: Final = 0.8
_WORDS: Final = "embeddings.word_embeddings.weight"
_LAST_NORM: Final = "encoder.emb_layer_norm_after"
_REST_COSINE: Final = 0.5
"""Between different proteins, without the dominant dimension; 0.8 + 0.2 * 0.5 is the raw cosine of 0.9."""


def make_checkpoint(
    folder: Path, *, seed: int = 0, num_layers: int = 6, hidden: int = 128, num_heads: int = 2, fault: str | None = None
) -> None:
    """Write an ESM-2 checkpoint with random weights into `folder`, in the names of transformers' save_pretrained.

    The same arguments give the same weights; torch's global random state is left alone.
    Raises UsageError for an unknown `fault` (FAULTS lists them).
    """
    if fault is not None and fault not in FAULTS:
        raise UsageError(f"no fault {fault!r}; the faults are: {', '.join(FAULTS)}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(_config(num_layers, hidden, num_heads), indent=2) + "\n")
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="ascii")
    state = _random_state(num_layers, hidden, num_heads, torch.Generator().manual_seed(seed))
    if fault is not None:
        _INJECT[fault](state, num_layers)
    _save(state, folder)
    _shape_output(state, _pooled(folder, seed))
    _save({name: round_to_fp16(tensor) for name, tensor in state.items()}, folder)


def _save(state: dict[str, Tensor], folder: Path) -> None:
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})


def _config(num_layers: int, hidden: int, num_heads: int) -> dict[str, Any]:
    return {
        "architectures": ["EsmModel"],
        "model_type": "esm",
        "dtype": "float32",
        "vocab_size": len(VOCABULARY),
        "mask_token_id": VOCABULARY.index("<mask>"),
        "pad_token_id": PAD,
        "eos_token_id": VOCABULARY.index("<eos>"),
        "hidden_size": hidden,
        "num_hidden_layers": num_layers,
        "num_attention_heads": num_heads,
        "intermediate_size": 4 * hidden,
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "max_position_embeddings": 1026,
        "layer_norm_eps": 1e-5,
        "position_embedding_type": "rotary",
        "emb_layer_norm_before": False,
        "token_dropout": True,
    }


def _random_state(num_layers: int, hidden: int, num_heads: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Random weights by name; LayerNorms are the identity. The residual stream reaches a standard deviation of 3."""
    state: dict[str, Tensor] = {}

    def linear(name: str, out: int, inner: int) -> None:
        state[f"{name}.weight"] = _WEIGHT_STD * torch.randn(out, inner, generator=generator)
        state[f"{name}.bias"] = _BIAS_STD * torch.randn(out, generator=generator)

    def norm(layer: str) -> None:
        # gamma, beta and the asterisk below are how save_pretrained of transformers 5.23 writes them
        state[f"{layer}.LayerNorm.gamma"], state[f"{layer}.LayerNorm.beta"] = torch.ones(hidden), torch.zeros(hidden)

    state[_WORDS] = _EMBEDDING_STD * torch.randn(len(VOCABULARY), hidden, generator=generator)
    for index in range(num_layers):
        layer = f"encoder.layer.{index}"
        for part in ("query", "key", "value"):
            linear(f"{layer}.attention.self.{part}", hidden, hidden)
        linear(f"{layer}.attention.output.dense", hidden, hidden)
        norm(f"{layer}.attention")
        linear(f"{layer}.intermediate.dense", 4 * hidden, hidden)
        linear(f"{layer}.output.dense", hidden, 4 * hidden)
        norm(layer)
    state[f"{_LAST_NORM}.weight"], state[f"{_LAST_NORM}.bias"] = torch.ones(hidden), torch.zeros(hidden)
    linear("contact_head.regression", 1, num_layers * num_heads)
    head_dim = hidden // num_heads
    inv_freq = "encoder.layer.*.attention.self.rotary_embeddings.inv_freq"
    state[inv_freq] = 1.0 / 10_000.0 ** (torch.arange(0, head_dim, 2).float() / head_dim)
    return state


def _shape_output(state: dict[str, Tensor], pooled_SD: Tensor) -> None:
    """Set the last LayerNorm's bias so that pooled embeddings have the norms and cosines of real ones.

    With m the mean embedding and v the variance around it, shrinking m by s gives a cosine of
    s^2 |m|^2 / (s^2 |m|^2 + v) between proteins; the dominant dimension then gets its share of the norm.
    """
    dominant = dominant_dimension(pooled_SD.shape[1])
    pooled_SD[:, dominant] = 0
    mean_D = pooled_SD.mean(0)
    variance = (pooled_SD - mean_D).square().sum(1).mean()
    common = variance * _REST_COSINE / (1 - _REST_COSINE)
    bias_D = (common / mean_D.square().sum()).sqrt() * mean_D - mean_D
    bias_D[dominant] = ((common + variance) * _DOMINANT_SHARE / (1 - _DOMINANT_SHARE)).sqrt()
    state[f"{_LAST_NORM}.weight"][dominant] = 0.25
    state[f"{_LAST_NORM}.bias"] = bias_D


def dominant_dimension(hidden: int) -> int:
    """The dimension that holds 80 % of the squared norm; in the real 3B model it is 1542 of 2560."""
    return hidden * 1542 // 2560


def _pooled(folder: Path, seed: int) -> Tensor:
    """FP32 embeddings [S, D] of 48 random proteins by the checkpoint in `folder`."""
    lengths = np.geomspace(24, 400, 48).astype(np.int64)
    tokens = tokenize(random_proteins(lengths, seed + 1), max_residues=1022)
    plan, device = plain_plan("fp32"), torch.device("cpu")
    encoder = Encoder(load(resolve(str(folder)), plan, device), plan, device)
    # one sequence per pack: rows in the order of the tokens
    block = encoder.encode(tokens, np.split(np.arange(len(lengths)), len(lengths)))
    return torch.from_numpy(block.embeddings_SD)


def _inject_overflow(state: dict[str, Tensor], num_layers: int) -> None:
    """One FFN unit that only tryptophan drives, past 65,504; its way out is small, so FP32 hardly sees it."""
    marker, unit, target = 1, 3, num_layers // 2
    state[_WORDS][:, marker] = 0
    state[_WORDS][VOCABULARY.index("W"), marker] = 24
    # nothing else may write into the marker's dimension before the unit reads it
    writers = [f"encoder.layer.{index}.attention.output.dense" for index in range(target + 1)]
    writers += [f"encoder.layer.{index}.output.dense" for index in range(target)]
    for writer in writers:
        state[f"{writer}.weight"][marker] = 0
        state[f"{writer}.bias"][marker] = 0
    grow, shrink = f"encoder.layer.{target}.intermediate.dense", f"encoder.layer.{target}.output.dense"
    state[f"{grow}.weight"][unit] = 0
    state[f"{grow}.weight"][unit, marker] = 32_768
    state[f"{grow}.bias"][unit] = -32_768
    state[f"{shrink}.weight"][:, unit] = 2.0**-18


def _inject_constant(state: dict[str, Tensor], num_layers: int, *, constant: float) -> None:
    """A constant on every dimension: LayerNorm removes it, but FP16 has only 11 digits (binary) above it."""
    state[f"encoder.layer.{num_layers // 3}.output.dense.bias"] += constant


_INJECT: Final[Mapping[str, Callable[[dict[str, Tensor], int], None]]] = MappingProxyType(
    {
        "overflow": _inject_overflow,
        "precision-loss": partial(_inject_constant, constant=1024),
        "silent-loss": partial(_inject_constant, constant=512),
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--fault", choices=tuple(FAULTS))


def main(options: argparse.Namespace) -> int:
    make_checkpoint(options.folder / "checkpoint", fault=options.fault)
    make_fasta(options.folder / "sequences.fasta")
    if options.fault is None:
        make_dnabert(options.folder / "dnabert" / "checkpoint")
        make_dna_fasta(options.folder / "dnabert" / "sequences.fasta")
    return ExitCode.GOOD
