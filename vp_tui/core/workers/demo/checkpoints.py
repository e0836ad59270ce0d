"""The demo's files, and its ESM-2: tiny random weights that behave like the real ones where precision is concerned.

    python -P -m vp_tui.core.workers demo-files --folder DIR [--fault NAME]

writes DIR/checkpoint and DIR/sequences.fasta (ESM-2, with the fault) and, without a fault, DIR/dnabert/checkpoint and
DIR/dnabert/sequences.fasta (DNABERT-S, demo_dnabert.py). Like the published 3B model, the weights are FP16 numbers,
the rotary frequencies are rounded to FP16, one output dimension holds 80 % of the squared norm, and
different proteins have a raw cosine near 0.9, so the demo meets what makes raw cosine blind.

Shape suffixes: S sequences, T tokens, D width.
"""

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from vp_tui.core.errors import ExitCode, UsageError
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import PAD, VOCABULARY, tokenize
from vp_tui.core.models.precision import round_to_fp16
from vp_tui.core.workers.demo.data import FAULTS, make_dna_fasta, make_fasta
from vp_tui.core.workers.demo.dnabert import make_dnabert

__all__ = ["FAULTS", "add_arguments", "main", "make_checkpoint", "make_fasta"]

_EMBEDDING_STD: Final = 1.0
_WEIGHT_STD: Final = 0.08
_BIAS_STD: Final = 0.02
_DOMINANT_SHARE: Final = 0.8
_REST_COSINE: Final = 0.5
"""Between different proteins, without the dominant dimension; 0.8 + 0.2 * 0.5 is the raw cosine of 0.9."""


def make_checkpoint(
    folder: Path,
    *,
    seed: int = 0,
    num_layers: int = 6,
    hidden: int = 128,
    num_heads: int = 2,
    fault: str | None = None,
) -> None:
    """Write an ESM-2 checkpoint with random weights into `folder`, as transformers' save_pretrained does.

    The same arguments give the same weights; torch's global random state is left alone.
    Raises UsageError for an unknown `fault` (FAULTS lists them).
    """
    if fault is not None and fault not in FAULTS:
        raise UsageError(f"no fault {fault!r}; the faults are: {', '.join(FAULTS)}")
    model = _empty_model(num_layers, hidden, num_heads)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        _fill(model, generator)
        if fault is not None:
            _INJECT[fault](model)
        _shape_output(model, seed)
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.copy_(round_to_fp16(tensor))
    model.save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY) + "\n", encoding="ascii")


def _empty_model(num_layers: int, hidden: int, num_heads: int) -> Any:
    # two seconds of import, not needed to draw a FASTA or to list faults
    from transformers import EsmConfig, EsmModel
    from transformers.utils import logging

    logging.disable_progress_bar()
    config = EsmConfig(
        vocab_size=len(VOCABULARY),
        mask_token_id=VOCABULARY.index("<mask>"),
        pad_token_id=PAD,
        hidden_size=hidden,
        num_hidden_layers=num_layers,
        num_attention_heads=num_heads,
        intermediate_size=4 * hidden,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        max_position_embeddings=1026,
        layer_norm_eps=1e-5,
        position_embedding_type="rotary",
        emb_layer_norm_before=False,
        token_dropout=True,
    )
    with torch.random.fork_rng(devices=[]):
        return EsmModel(config, add_pooling_layer=False).eval()


def _fill(model: Any, generator: torch.Generator) -> None:
    """Random weights; LayerNorms stay the identity. The residual stream reaches a standard deviation of 3."""
    for name, parameter in model.named_parameters():
        if "LayerNorm" in name or "layer_norm" in name:
            continue
        std = _EMBEDDING_STD if "word_embeddings" in name else _WEIGHT_STD if parameter.ndim == 2 else _BIAS_STD
        parameter.copy_(std * torch.randn(parameter.shape, generator=generator))


def _shape_output(model: Any, seed: int) -> None:
    """Set the last LayerNorm's bias so that pooled embeddings have the norms and cosines of real ones.

    With m the mean embedding and v the variance around it, shrinking m by s gives a cosine of
    s^2 |m|^2 / (s^2 |m|^2 + v) between proteins; the dominant dimension then gets its share of the norm.
    """
    pooled_SD = _pooled(model, seed)
    dominant = dominant_dimension(pooled_SD.shape[1])
    pooled_SD[:, dominant] = 0
    mean_D = pooled_SD.mean(0)
    variance = (pooled_SD - mean_D).square().sum(1).mean()
    common = variance * _REST_COSINE / (1 - _REST_COSINE)
    norm = model.encoder.emb_layer_norm_after
    norm.bias.copy_((common / mean_D.square().sum()).sqrt() * mean_D - mean_D)
    norm.weight[dominant] = 0.25
    norm.bias[dominant] = ((common + variance) * _DOMINANT_SHARE / (1 - _DOMINANT_SHARE)).sqrt()


def dominant_dimension(hidden: int) -> int:
    """The dimension that holds 80 % of the squared norm; in the real 3B model it is 1542 of 2560."""
    return hidden * 1542 // 2560


def _pooled(model: Any, seed: int) -> Tensor:
    lengths = np.geomspace(24, 400, 48).astype(np.int64)
    tokens = tokenize(random_proteins(lengths, seed + 1), max_residues=1022)
    rows = np.split(tokens.ids_N.astype(np.int64), tokens.starts_S[1:])
    return torch.stack([_mean_state(model, torch.from_numpy(row)[None]) for row in rows])


def _mean_state(model: Any, ids_1T: Tensor) -> Tensor:
    states_1TD = model(ids_1T, attention_mask=torch.ones_like(ids_1T)).last_hidden_state
    mean_D: Tensor = states_1TD[0, 1:-1].mean(0)
    return mean_D


def _inject_overflow(model: Any) -> None:
    """One FFN unit that only tryptophan drives, past 65,504; its way out is small, so FP32 hardly sees it."""
    marker, unit, layers = 1, 3, model.encoder.layer
    target = len(layers) // 2
    words = model.embeddings.word_embeddings.weight
    words[:, marker] = 0
    words[VOCABULARY.index("W"), marker] = 24
    # nothing else may write into the marker's dimension before the unit reads it
    writers = [layer.attention.output.dense for layer in layers[: target + 1]]
    writers += [layer.output.dense for layer in layers[:target]]
    for writer in writers:
        writer.weight[marker] = 0
        writer.bias[marker] = 0
    grow, shrink = layers[target].intermediate.dense, layers[target].output.dense
    grow.weight[unit] = 0
    grow.weight[unit, marker] = 32_768
    grow.bias[unit] = -32_768
    shrink.weight[:, unit] = 2.0**-18


def _inject_constant(model: Any, constant: float) -> None:
    """A constant on every dimension: LayerNorm removes it, but FP16 has only 11 digits (binary) above it."""
    layers = model.encoder.layer
    layers[len(layers) // 3].output.dense.bias.add_(constant)


_INJECT: Final[Mapping[str, Callable[[Any], None]]] = MappingProxyType(
    {
        "overflow": _inject_overflow,
        "precision-loss": partial(_inject_constant, constant=1024),
        "silent-loss": partial(_inject_constant, constant=512),
    }
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Folder and fault."""
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--fault", choices=tuple(FAULTS))


def main(options: argparse.Namespace) -> int:
    """Write the demo's files."""
    make_checkpoint(options.folder / "checkpoint", fault=options.fault)
    make_fasta(options.folder / "sequences.fasta")
    if options.fault is None:
        make_dnabert(options.folder / "dnabert" / "checkpoint")
        make_dna_fasta(options.folder / "dnabert" / "sequences.fasta")
    return ExitCode.GOOD
