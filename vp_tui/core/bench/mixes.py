"""Benchmark inputs: token sets of any size with the lengths of a mix, or the sequences of a file.

    virnucpro   proteins: half of 50 residues (reads of 150 bases), half of 166 (500 bases); DNA: reads of 500 bases
    uniref      proteins: gamma lengths, mean about 300, 30 to 1,022; DNA: the coding sequences of such proteins

Residues and bases are drawn with natural frequencies: constant data make matmuls up to 15 % faster (less power).
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.errors import UsageError
from vp_tui.core.inputs import compatibility, sequences, tokenizing, tokens
from vp_tui.core.inputs.dna_tokens import CLS, SEP, SPECIAL_TOKENS
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import MAX_RESIDUES, DnabertSSpec, ModelSpec
from vp_tui.core.inputs.synthetic import random_coding_dna, random_proteins
from vp_tui.core.inputs.tokens import SPECIALS, TokenSet

MIXES: Final = ("virnucpro", "uniref")

Drawer = Callable[[int], TokenSet]
"""Called with a number of tokens; returns sequences with at most that many in total, at least one."""

_READS: Final = (50, 166)
_GAMMA_SHAPE: Final = 2.0
_GAMMA_MEAN: Final = 300.0
_SHORTEST: Final = 30
_READ_BASES: Final = 500
_BASES_PER_TOKEN: Final = 5
"""Approximate, for DNABERT-S's vocabulary."""
_SEED: Final = 7


def drawer(mix: str, spec: ModelSpec, folder: Path | None) -> Drawer:
    """Return the drawer of a mix, deterministic, with the tokenizer of the checkpoint in `folder`.

    Without a folder (random weights) DNA becomes random token ids: the BPE vocabulary is in the checkpoint.
    """
    is_dna = spec.alphabet == "dna"

    def draw(num_tokens: int) -> TokenSet:
        # a residue or base is at most one token, so this many sequences are enough
        wanted = _lengths(mix, num_tokens, is_dna=is_dna)
        if is_dna and folder is None:
            return _drawn_ids(np.maximum(wanted // _BASES_PER_TOKEN, 1), spec.vocab_size, num_tokens)
        made = (random_coding_dna if is_dna else random_proteins)(wanted, _SEED)
        return _first(_tokenized(spec, folder, made), num_tokens)

    return draw


def from_file(path: str, spec: ModelSpec, folder: Path | None) -> Drawer:
    """Return the drawer of a FASTA file: its sequences in a seeded order, repeated when they are too few.

    Raises InputError: a file that cannot be used. Raises UsageError: DNABERT-S without its tokenizer.
    """
    if folder is None and isinstance(spec, DnabertSSpec):
        raise UsageError(
            f"--lengths {path!r}: {spec.name} with --random-weights has no tokenizer; use "
            f"--lengths {MIXES[0]} or load a checkpoint"
        )
    data = sequences.read(path)
    compatibility.require(spec, data)
    found = _tokenized(spec, folder, data.residues)
    order_S = np.random.default_rng(_SEED).permutation(len(found.lengths_S))

    def draw(num_tokens: int) -> TokenSet:
        times = -(-num_tokens // int(found.lengths_S.sum()))
        return _first(taken(found, np.tile(order_S, times)), num_tokens)

    return draw


def taken(found: TokenSet, order_S: NDArray[np.int64]) -> TokenSet:
    """Return the sequences of `found` at `order_S`, in that order; repeats are allowed."""
    lengths_S = found.lengths_S[order_S]
    ends_S = np.cumsum(lengths_S)
    within_N = np.arange(int(ends_S[-1])) - np.repeat(ends_S - lengths_S, lengths_S)
    return _token_set(found.ids_N[np.repeat(found.starts_S[order_S], lengths_S) + within_N], lengths_S)


def _lengths(mix: str, num_tokens: int, *, is_dna: bool) -> NDArray[np.int64]:
    """Return residues or bases per sequence, for enough sequences to fill `num_tokens`."""
    generator = np.random.default_rng(_SEED)
    shortest = _READ_BASES // _BASES_PER_TOKEN if is_dna else min(_READS)
    if mix == "virnucpro":
        count = num_tokens // shortest + 1
        if is_dna:
            return np.full(count, _READ_BASES, np.int64)
        return np.resize(np.array(_READS), count)
    count = 2 * num_tokens // int(_GAMMA_MEAN) + 16
    drawn = generator.gamma(_GAMMA_SHAPE, _GAMMA_MEAN / _GAMMA_SHAPE, count)
    residues = np.clip(drawn, _SHORTEST, MAX_RESIDUES).astype(np.int64)
    # a codon has three bases, and a token about five
    return np.repeat(3 * residues, 2) if is_dna else residues


def _drawn_ids(tokens_S: NDArray[np.int64], vocab_size: int, num_tokens: int) -> TokenSet:
    """Return random ids between [CLS] and [SEP]; lengths vary by 10 %, as with a BPE vocabulary."""
    generator = np.random.default_rng(_SEED)
    varied_S = np.rint(tokens_S * generator.uniform(0.9, 1.1, len(tokens_S))).astype(np.int64)
    lengths_S = np.maximum(varied_S, 1) + SPECIALS
    ids_N = generator.integers(len(SPECIAL_TOKENS), vocab_size, int(lengths_S.sum()), dtype=np.int32)
    ends_S = np.cumsum(lengths_S)
    ids_N[ends_S - lengths_S], ids_N[ends_S - 1] = CLS, SEP
    return _first(_token_set(ids_N, lengths_S), num_tokens)


def _tokenized(spec: ModelSpec, folder: Path | None, residues: Sequence[bytes]) -> TokenSet:
    if folder is None:
        return tokens.tokenize(residues, max_residues=MAX_RESIDUES)
    names = tuple(str(number) for number in range(len(residues)))
    return tokenizing.tokenize(spec, folder, SequenceSet(ids=names, residues=tuple(residues)), cache=None)


def _first(found: TokenSet, num_tokens: int) -> TokenSet:
    """Return the first sequences with at most `num_tokens` tokens in total, at least one."""
    count = max(1, int(np.searchsorted(np.cumsum(found.lengths_S), num_tokens, side="right")))
    lengths_S = found.lengths_S[:count]
    return _token_set(found.ids_N[: int(lengths_S.sum())], lengths_S)


def _token_set(ids_N: NDArray[np.int32], lengths_S: NDArray[np.int64]) -> TokenSet:
    return TokenSet(
        ids_N=ids_N,
        lengths_S=lengths_S,
        starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=0,
        unknown=0,
        unknown_letters={},
        lower_case=0,
    )
