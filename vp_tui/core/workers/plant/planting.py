"""Plant faults: draw the sites, change the weights, write the copy, and measure that FP32 is sound and FP16 fails.

Shape suffixes: S sequences, D width.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from vp_tui.core.config import Precision, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ModelError, UsageError
from vp_tui.core.files import part_of
from vp_tui.core.gates.embeddings import M1, M1_P01
from vp_tui.core.inputs import compatibility, packing, sequences, tokenizing
from vp_tui.core.inputs.fetched import fetch
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.source import ModelSource, resolve
from vp_tui.core.inputs.spec import ModelSpec, read_spec
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import LoadedModel, load
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.workers.plant import KINDS, MIXED, RESULT
from vp_tui.core.workers.plant.activations import Activations, activations
from vp_tui.core.workers.plant.kinds import PLANTS, Site
from vp_tui.core.workers.plant.residual import residual_overflow
from vp_tui.core.workers.plant.weights import Weights, read_weights, write_weights

_SEQUENCES: Final = 24
"""Calibrated and measured on; at least half of them must fail in FP16."""
_LENGTHS: Final = {"protein": (24, 300), "dna": (100, 900)}
_PACK_TOKENS: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to plant."""

    kind: str
    """A key of KINDS."""
    culprits: int = 1
    """Number of sites, each in a block of its own."""
    block: int | None = None
    """Block of the only site; None: drawn by the seed."""
    seed: int = 0
    input: str | None = None
    """Sequence file that the sizes are calibrated on; None: synthetic sequences."""
    device: str = "cpu"


def plant(model: str, folder: Path, request: Request) -> dict[str, Any]:
    """Write a copy of `model` with planted faults into `folder`, and return the content of its RESULT.

    The same arguments give the same weights.
    Raises UsageError: unknown kind, folder not empty, a block that does not exist, more sites than blocks.
    Raises ModelError: not a folder with an ESM-2 or DNABERT-S; one that fails in FP16 already; no way to plant it.
    """
    _require_free(folder)
    source = fetch(resolve(model))
    spec = _planted_spec(source)
    sites = draw_sites(request, spec.num_layers)
    device = torch.device(request.device)
    tokens = _tokens(spec, source.path, request)
    sound_SD, seen = _sound(source, tokens, device)
    weights = read_weights(source.path, spec)
    found = _change(weights, sites, seen, np.random.default_rng((request.seed, 1)))
    with _staged(folder) as place:
        write_weights(weights, source.path, place)
        planted = resolve(str(place))
        single_SD = _embed(_loaded(planted, "fp32", device), tokens, "fp32", device)
        half_SD = _embed(_loaded(planted, "fp16", device), tokens, "fp16", device)
        document = {
            "schema": 1,
            "source": source.name,
            "model": spec.kind,
            "kind": request.kind,
            "seed": request.seed,
            "sites": [
                {"kind": site.kind, "block": site.block, "culprits": _sorted(units, spec.num_layers)}
                for site, units in found.items()
            ],
            "culprits": _sorted(frozenset().union(*found.values()), spec.num_layers),
            "measured": _measured(sound_SD, single_SD, half_SD),
        }
        (place / RESULT).write_text(json.dumps(document, indent=2, allow_nan=False) + "\n", encoding="ascii")
    return document


def draw_sites(request: Request, num_layers: int) -> list[Site]:
    """Return the sites in the order of their blocks.

    Raises UsageError: unknown kind, a block that does not exist, more sites than blocks, a block for several sites.
    """
    if request.kind not in KINDS:
        raise UsageError(f"--kind {request.kind!r}: use one of {', '.join(KINDS)}")
    if request.culprits < 1 or request.culprits > num_layers:
        raise UsageError(
            f"--culprits {request.culprits}: each fault needs a block of its own, and the model has {num_layers} "
            f"blocks; use 1 to {num_layers}"
        )
    rng = np.random.default_rng(request.seed)
    blocks = sorted(rng.choice(num_layers, request.culprits, replace=False).tolist())
    if request.block is not None:
        if request.culprits > 1:
            raise UsageError(f"--block {request.block}: it is for one fault; leave it out with --culprits above 1")
        if not 0 <= request.block < num_layers:
            raise UsageError(f"--block {request.block}: the model has blocks 0 to {num_layers - 1}")
        blocks = [request.block]
    single = [kind for kind in KINDS if kind != MIXED]
    kinds = rng.choice(single, len(blocks)).tolist() if request.kind == MIXED else [request.kind] * len(blocks)
    return [Site(kind, block) for kind, block in zip(kinds, blocks, strict=True)]


def _require_free(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists and is not empty; give a new folder")


def _planted_spec(source: ModelSource) -> ModelSpec:
    if source.folder is None:
        raise ModelError(f"{source.path} is a file; give a folder with config.json, as written by save_pretrained")
    spec = read_spec(source.path, source.name)
    if spec.kind == "hf":
        raise ModelError(
            f"{source.name} is a model of transformers' own classes (kind hf); faults can be planted in ESM-2 and "
            "DNABERT-S only"
        )
    return spec


def _tokens(spec: ModelSpec, folder: Path, request: Request) -> TokenSet:
    """Return the tokens of the sequences to calibrate on: evenly spread over the file by length."""
    if request.input is None:
        lengths_S = np.geomspace(*_LENGTHS["dna" if spec.alphabet == "dna" else "protein"], _SEQUENCES).astype(np.int64)
        drawn = (random_coding_dna if spec.alphabet == "dna" else random_proteins)(lengths_S, request.seed + 1)
        data = SequenceSet(ids=tuple(map(str, range(len(drawn)))), residues=tuple(drawn))
    else:
        data = sequences.read(request.input)
        compatibility.require(spec, data)
        order_S = np.argsort(data.lengths_S, kind="stable")
        data = data.take(order_S[np.linspace(0, len(data) - 1, min(_SEQUENCES, len(data))).astype(np.int64)].tolist())
    return tokenizing.tokenize(spec, folder, data, None)


def _loaded(source: ModelSource, precision: Precision, device: torch.device) -> LoadedModel:
    return load(source, plain_plan(precision), device)


def _embed(loaded: LoadedModel, tokens: TokenSet, precision: Precision, device: torch.device) -> np.ndarray:
    """Return the embeddings [S, D] in the order of the tokens."""
    block = Encoder(loaded, plain_plan(precision), device).encode(
        tokens, packing.by_length(tokens.lengths_S, max(_PACK_TOKENS, int(tokens.lengths_S.max())))
    )
    embeddings_SD = np.empty_like(block.embeddings_SD)
    embeddings_SD[block.seq_indices_S] = block.embeddings_SD
    return embeddings_SD


def _sound(source: ModelSource, tokens: TokenSet, device: torch.device) -> tuple[np.ndarray, Activations]:
    """Return FP32 embeddings and activations of the source. Raises ModelError if it fails in FP16 already."""
    loaded = _loaded(source, "fp32", device)
    single_SD, seen = _embed(loaded, tokens, "fp32", device), activations(loaded, tokens, device)
    del loaded
    half_SD = _embed(_loaded(source, "fp16", device), tokens, "fp16", device)
    failed = _num_failed(single_SD, half_SD)
    if failed or not np.isfinite(single_SD).all():
        raise ModelError(
            f"{source.name} fails in FP16 already ({failed} of {len(single_SD)} sequences), so that the planted units "
            "would not be the only culprits; give a checkpoint that passes `vp-tui run`"
        )
    return single_SD, seen


def _change(
    weights: Weights, sites: Sequence[Site], seen: Activations, rng: np.random.Generator
) -> dict[Site, frozenset[str]]:
    """Change the weights at every site; return the culprits of each."""
    whole_stream = [site.block for site in sites if site.kind not in PLANTS]
    found = {site: PLANTS[site.kind](weights, site.block, seen, rng) for site in sites if site.kind in PLANTS}
    # last, because it scales everything that is added to the stream
    culprits = residual_overflow(weights, whole_stream, seen) if whole_stream else {}
    return {site: found.get(site) or culprits[site.block] for site in sites}


def _num_failed(x_SD: np.ndarray, y_SD: np.ndarray) -> int:
    """Return the number of rows that are not finite or not above the limit of the cosine."""
    return int((~(pair_measures(x_SD, y_SD).cosine_S > Thresholds().fail(M1))).sum())


def _measured(sound_SD: np.ndarray, single_SD: np.ndarray, half_SD: np.ndarray) -> dict[str, Any]:
    """Return how far FP32 of the copy is from FP32 of the source, and how FP16 of the copy fails.

    Raises ModelError: FP32 is not sound, or FP16 passes for half of the sequences and more.
    """
    kept, failed = pair_measures(sound_SD, single_SD), _num_failed(single_SD, half_SD)
    worst = float(kept.cosine_S.min())
    if not worst > Thresholds().fail(M1_P01):
        raise ModelError(
            f"FP32 of the planted checkpoint is not sound (cosine {worst!r} with the source); use another --seed"
        )
    if 2 * failed <= len(half_SD):
        raise ModelError(
            f"FP16 of the planted checkpoint fails for {failed} of {len(half_SD)} sequences only; use another --seed, "
            "--block or --kind"
        )
    return {
        "sequences": len(half_SD),
        "fp32_lowest_cosine": worst,
        "fp32_largest_relative_l2": float(kept.relative_l2_S.max()),
        "fp16_failed": failed,
        "fp16_not_finite": int((~np.isfinite(half_SD).all(axis=1)).sum()),
    }


def _sorted(units: frozenset[str], num_layers: int) -> list[str]:
    """Return units by block, those before and after all blocks first and last."""
    before = {"embedding", "embedding_norm"}

    def place(unit: str) -> tuple[int, str]:
        parts = unit.split(".")
        return (int(parts[1]) if len(parts) > 1 else -1 if unit in before else num_layers), unit

    return sorted(units, key=place)


@contextmanager
def _staged(folder: Path) -> Iterator[Path]:
    """A hidden folder that takes the place of `folder` when the block ends well, and vanishes when not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = part_of(folder)
    try:
        yield place
        os.replace(place, folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
