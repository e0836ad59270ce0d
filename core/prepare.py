"""From a FASTA file to blocks of work: read, check, stratify, sample, tokenize, cut.

A block holds sequences of one stratum, so that every stratum has its own speed; blocks of the strata
alternate, so that every stratum has a number early. Both arms encode the same blocks.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vp_tui.core import packing, sequences
from vp_tui.core.config import PROTEIN_CUTS, STRATA, RunConfig
from vp_tui.core.models.spec import ModelSpec
from vp_tui.core.sequences import SequenceSet
from vp_tui.core.tokens import TokenSet, tokenize

BLOCKS_PER_STRATUM = 12
"""Aimed at: enough paired blocks for an interval, each long enough to be timed."""

MIN_BLOCK_TOKENS = 1_024
"""Smaller blocks would time overhead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Sequences of one stratum that are encoded and timed together."""

    index: int
    stratum: int
    indices_S: np.ndarray
    """Into the sampled sequences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The data of a run, ready to be encoded."""

    sequences: SequenceSet
    stratum_S: np.ndarray
    tokens: TokenSet
    blocks: tuple[Block, ...]
    facts: Mapping[str, Any]
    """The run document's `dataset`."""
    notes: tuple[str, ...]
    """What was changed or is worth knowing, each a sentence."""
    seconds: float
    """Reading, sampling, tokenizing and cutting; counts fully in both arms' end-to-end time."""

    @property
    def planned(self) -> dict[str, int]:
        """Sequences per stratum."""
        counts = np.bincount(self.stratum_S, minlength=len(STRATA))
        return {name: int(count) for name, count in zip(STRATA, counts, strict=True)}


def prepare(config: RunConfig, spec: ModelSpec, budget: int) -> Prepared:
    """Read and cut the input of a run.

    Raises:
        InputError: the file cannot be used (core.sequences says why).
        ResourceError: the longest sequence does not fit the token budget.
    """
    started = time.perf_counter()
    everything = sequences.read(config.input)
    sequences.require_protein(everything)
    cuts = config.strata or PROTEIN_CUTS
    stratum_all_S = sequences.strata_of(everything.lengths_S, cuts)
    chosen_S = sequences.stratified_sample(stratum_all_S, config.sample, config.seed)
    sampled = everything.take(chosen_S.tolist())
    stratum_S = stratum_all_S[chosen_S]
    tokens = tokenize(sampled.residues, max_residues=spec.max_residues)
    blocks = cut(tokens.lengths_S, stratum_S, budget)
    return Prepared(
        sequences=sampled,
        stratum_S=stratum_S,
        tokens=tokens,
        blocks=blocks,
        facts=_facts(config, everything=everything, sampled=sampled, stratum_S=stratum_S, tokens=tokens, cuts=cuts),
        notes=_notes(sampled, tokens, stratum_S, spec),
        seconds=time.perf_counter() - started,
    )


def cut(lengths_S: np.ndarray, stratum_S: np.ndarray, budget: int) -> tuple[Block, ...]:
    """Blocks of whole packs per stratum, the strata taking turns in proportion.

    `lengths_S` are tokens. Packs are filled first-fit decreasing; a stratum of few tokens gets smaller
    packs than the budget allows, so that it still has several blocks.
    """
    cuttings: list[tuple[float, int, np.ndarray]] = []
    for stratum in range(len(STRATA)):
        members_S = np.flatnonzero(stratum_S == stratum)
        if members_S.size == 0:
            continue
        groups = _grouped(lengths_S[members_S], budget)
        cuttings += [(i / len(groups), stratum, members_S[group]) for i, group in enumerate(groups)]
    cuttings.sort(key=lambda cutting: cutting[:2])
    return tuple(
        Block(index=index, stratum=stratum, indices_S=indices_S)
        for index, (_, stratum, indices_S) in enumerate(cuttings)
    )


def _grouped(lengths_S: np.ndarray, budget: int) -> list[np.ndarray]:
    """First-fit-decreasing packs of one stratum, neighbours joined to about BLOCKS_PER_STRATUM groups."""
    wanted = max(MIN_BLOCK_TOKENS, math.ceil(lengths_S.sum() / BLOCKS_PER_STRATUM), int(lengths_S.max()))
    packs = packing.first_fit_decreasing(lengths_S, min(budget, wanted) if int(lengths_S.max()) <= budget else budget)
    per_group = max(1, len(packs) // BLOCKS_PER_STRATUM)
    return [np.concatenate(packs[i : i + per_group]) for i in range(0, len(packs), per_group)]


def _facts(
    config: RunConfig,
    *,
    everything: SequenceSet,
    sampled: SequenceSet,
    stratum_S: np.ndarray,
    tokens: TokenSet,
    cuts: tuple[int, int],
) -> dict[str, Any]:
    counts = np.bincount(stratum_S, minlength=len(STRATA))
    return {
        "name": Path(config.input).name,
        "path": str(Path(config.input).expanduser().absolute()),
        "sha256": sequences.content_hash(sampled),
        "n_file": len(everything),
        "n": len(sampled),
        "seed": config.seed,
        "cuts": list(cuts),
        "strata": {name: int(count) for name, count in zip(STRATA, counts, strict=True)},
        "tokens": int(tokens.lengths_S.sum()),
        "truncated": tokens.truncated,
        "unknown_letters": tokens.unknown_letters,
        "lower_case": tokens.lower_case,
        "renamed": sampled.renamed,
    }


def _notes(sampled: SequenceSet, tokens: TokenSet, stratum_S: np.ndarray, spec: ModelSpec) -> tuple[str, ...]:
    notes = []
    if sampled.renamed:
        notes.append(f"{sampled.renamed} records had an id that was taken; all are kept, under new ids (x.2, x.3, ...)")
    if tokens.truncated:
        notes.append(f"{tokens.truncated} sequences are longer than {spec.max_residues} residues and were cut there")
    if tokens.unknown:
        letters = ", ".join(f"{letter} {count}" for letter, count in sorted(tokens.unknown_letters.items()))
        notes.append(f"{tokens.unknown} letters outside the alphabet were read as unknown: {letters}")
    if tokens.lower_case:
        notes.append(f"{tokens.lower_case} lower-case letters were read as upper case")
    counts = np.bincount(stratum_S, minlength=len(STRATA))
    notes += [f"the stratum {name} has no sequences" for name, n in zip(STRATA, counts, strict=True) if n == 0]
    return tuple(notes)
