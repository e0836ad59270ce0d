"""From a FASTA file to blocks of work: read, check, stratify, sample, tokenize, cut.

A block holds sequences of one stratum, so that every stratum has its own speed; blocks of the strata
alternate, so that every stratum has a number early. Both arms encode the same blocks.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA, RunConfig
from vp_tui.core.files import user_path
from vp_tui.core.inputs import compatibility, packing, sequences, spool, tokenizing
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import Alphabet, ModelSpec, default_cuts
from vp_tui.core.inputs.tokens import TokenSet

BLOCKS_PER_STRATUM = 12
"""Target: enough paired blocks for an interval, each long enough to be timed; more where one would exceed MAX_PACKS."""

MIN_BLOCK_TOKENS = 1_024
"""Smaller blocks would measure overhead."""


UNKNOWN_SHARE = 0.01
"""Above this share of unknown letters the reader is warned; real files have ambiguous letters of 0.1 % and less."""

STOP_MOVES = 0.035
"""Largest 1 - cosine between a protein and the same one with * (589 viral ones, fine-tuned ESM-2 8M; median 0.002)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Sequences of one stratum that are encoded and timed together."""

    index: int
    stratum: int
    indices_S: np.ndarray
    """Into the sampled sequences."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """The data of a run, ready to be encoded."""

    sequences: SequenceSet
    stratum_S: np.ndarray
    tokens: TokenSet
    blocks: tuple[Block, ...]
    facts: Mapping[str, Any]
    """The run document's `dataset`."""
    notes: tuple[str, ...]
    """Notes for the reader, each a sentence."""
    warnings: tuple[str, ...]
    """The same for what makes the run's verdict doubtful."""
    budget: int
    """Tokens per pack."""
    budget_reason: str
    seconds: float
    """Reading, sampling, tokenizing and cutting; counts fully in both arms' end-to-end time."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of the sequences."""
        return self.sequences.ids

    @property
    def tokens_S(self) -> np.ndarray:
        """Return the number of tokens of each sequence."""
        return self.tokens.lengths_S

    @cached_property
    def hash_S(self) -> np.ndarray:
        """Content hash of each sequence, int64."""
        return self.sequences.hash_S

    @property
    def planned(self) -> dict[str, int]:
        """Return the number of sequences per stratum."""
        counts = np.bincount(self.stratum_S, minlength=len(STRATA))
        return {name: int(count) for name, count in zip(STRATA, counts, strict=True)}

    @property
    def budget_facts(self) -> dict[str, Any]:
        """Return the token budget for the run record."""
        return {"token_budget": self.budget, "token_budget_reason": self.budget_reason}


def prepare(
    config: RunConfig,
    spec: ModelSpec,
    folder: Path,
    *,
    cache: Path | None,
    budget_for: Callable[[int], tuple[int, str]],
) -> Prepared:
    """Read and cut the input of a run for the checkpoint `spec` in `folder`.

    `budget_for` gives tokens per pack, and why, for the longest sequence in tokens; `cache` as in tokenizing.tokenize.

    Raises:
        InputError: the file cannot be used (core.sequences says why).
        ModelError: the checkpoint's tokenizer cannot be used.
        ResourceError: the longest sequence does not fit the token budget.
    """
    started = time.perf_counter()
    everything = sequences.read(config.input)
    alphabet = compatibility.require(spec, everything)
    cuts = config.strata or default_cuts(alphabet)
    sampled, stratum_S = _sample(everything, cuts, config)
    tokens = tokenizing.tokenize(spec, folder, sampled, cache, trust_remote_code=config.trust_remote_code)
    budget, budget_reason = budget_for(int(tokens.lengths_S.max()))
    blocks = cut(tokens.lengths_S, stratum_S, budget)
    facts = _facts(config, alphabet, cuts, everything=everything, sampled=sampled, stratum_S=stratum_S, tokens=tokens)
    facts |= {"unknown_share": unknown_share(sampled, tokens, spec)}
    return Prepared(
        sequences=sampled,
        stratum_S=stratum_S,
        tokens=tokens,
        blocks=blocks,
        facts=facts,
        notes=(*_piped(config), *_notes(sampled, tokens, stratum_S, spec)),
        warnings=input_warnings(sampled, tokens, spec),
        budget=budget,
        budget_reason=budget_reason,
        seconds=time.perf_counter() - started,
    )


def _sample(everything: SequenceSet, cuts: tuple[int, int], config: RunConfig) -> tuple[SequenceSet, np.ndarray]:
    """Return the sequences of the run, and the stratum of each."""
    stratum_S = sequences.strata_of(everything.lengths_S, cuts)
    chosen_S = sequences.stratified_sample(stratum_S, config.sample, config.seed)
    return everything.take(chosen_S.tolist()), stratum_S[chosen_S]


def cut(lengths_S: np.ndarray, stratum_S: np.ndarray, budget: int) -> tuple[Block, ...]:
    """Return blocks of whole packed batches per stratum; the strata alternate in proportion.

    `lengths_S` are tokens. A packed batch has sequences of nearly one length; a stratum of few tokens gets smaller ones
    than the budget allows, so that it still has several blocks.
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
    """Return packed batches of one stratum in about BLOCKS_PER_STRATUM groups of at most MAX_PACKS neighbours."""
    wanted = max(MIN_BLOCK_TOKENS, math.ceil(lengths_S.sum() / BLOCKS_PER_STRATUM), int(lengths_S.max()))
    packs = packing.by_length(lengths_S, min(budget, wanted) if int(lengths_S.max()) <= budget else budget)
    return packing.blocks_of(packs, min(packing.MAX_PACKS, max(1, len(packs) // BLOCKS_PER_STRATUM)))


def _facts(
    config: RunConfig,
    alphabet: Alphabet,
    cuts: tuple[int, int],
    *,
    everything: SequenceSet,
    sampled: SequenceSet,
    stratum_S: np.ndarray,
    tokens: TokenSet,
) -> dict[str, Any]:
    counts = np.bincount(stratum_S, minlength=len(STRATA))
    in_file = np.bincount(sequences.strata_of(everything.lengths_S, cuts), minlength=len(STRATA))
    return {
        "name": Path(config.input).name,
        "path": str(user_path(config.input).absolute()),
        "sha256": sequences.content_hash(sampled),
        "alphabet": alphabet,
        "tokenizer": tokens.tokenizer,
        "n_file": len(everything),
        "n": len(sampled),
        "seed": config.seed,
        "cuts": list(cuts),
        "strata": {name: int(count) for name, count in zip(STRATA, counts, strict=True)},
        "strata_file": {name: int(count) for name, count in zip(STRATA, in_file, strict=True)},
        "tokens": int(tokens.lengths_S.sum()),
        "truncated": tokens.truncated,
        "unknown_letters": tokens.unknown_letters,
        "stops": _stops(sampled),
        "cleaned": asdict(sampled.cleaned),
        "piped": spool.note_of(Path(config.input)) is not None,
        "lower_case": tokens.lower_case,
        "rna": tokens.rna,
        "renamed": sampled.renamed,
    }


def _stops(data: SequenceSet) -> int:
    return sum(residues.endswith(b"*") for residues in data.residues)


def unknown_share(data: SequenceSet, tokens: TokenSet, spec: ModelSpec) -> float:
    """Return the share of letters that the tokenizer does not know, without the stop at the end of a protein."""
    lengths_S = data.lengths_S
    read = int(lengths_S.sum() if spec.max_residues is None else np.minimum(lengths_S, spec.max_residues).sum())
    stops = min(_stops(data), tokens.unknown_letters.get("*", 0))
    return (tokens.unknown - stops) / read


def input_warnings(data: SequenceSet, tokens: TokenSet, spec: ModelSpec) -> tuple[str, ...]:
    """Return a sentence for each sign that the sequences are not what the model reads.

    Those are more than UNKNOWN_SHARE of unknown letters, and sequences of the other alphabet.
    """
    return (*_unknown_warning(data, tokens, spec), *_foreign_warning(data, spec))


def _foreign_warning(data: SequenceSet, spec: ModelSpec) -> tuple[str, ...]:
    alphabet = sequences.alphabet_of(data) if spec.alphabet == "any" else spec.alphabet
    count = sequences.foreign(data, alphabet)
    if not count:
        return ()
    what, others = ("proteins", "DNA or RNA") if alphabet == "protein" else ("DNA", "proteins")
    return (
        f"{count} of {len(data)} sequences look like {others}, and the model reads {what}: their embeddings say "
        "little; remove them from the file",
    )


def _unknown_warning(data: SequenceSet, tokens: TokenSet, spec: ModelSpec) -> tuple[str, ...]:
    share = unknown_share(data, tokens, spec)
    if share <= UNKNOWN_SHARE:
        return ()
    return (
        f"{fmt.percent(share)} of the characters are unknown to the model ({_letters(tokens)}), more than "
        f"{fmt.percent(UNKNOWN_SHARE)}: embeddings of such sequences say little; check the file and its alphabet",
    )


def _letters(tokens: TokenSet) -> str:
    return ", ".join(f"{letter} {count}" for letter, count in sorted(tokens.unknown_letters.items()))


def _piped(config: RunConfig) -> tuple[str, ...]:
    note = spool.note_of(Path(config.input))
    return () if note is None else (note,)


def _notes(sampled: SequenceSet, tokens: TokenSet, stratum_S: np.ndarray, spec: ModelSpec) -> tuple[str, ...]:
    counts = np.bincount(stratum_S, minlength=len(STRATA))
    empty = [f"the stratum {name} has no sequences" for name, n in zip(STRATA, counts, strict=True) if n == 0]
    return (*input_notes(sampled, tokens, spec), *empty)


def input_notes(data: SequenceSet, tokens: TokenSet, spec: ModelSpec) -> list[str]:
    """Return a sentence for each change that reading and tokenizing made."""
    notes = [*data.cleaned.notes, *tokens.notes]
    stops = _stops(data)
    if stops:
        notes.append(
            f"{fmt.plural(stops, 'sequence')} with * (a stop codon) at the end, which is kept as "
            "transformers' tokenizers do: on a trained "
            f"ESM-2 it moves an embedding by up to {fmt.limit(STOP_MOVES)} (1 - cosine); strip it to embed the protein "
            "alone"
        )
    if data.renamed:
        notes.append(
            f"{fmt.plural(data.renamed, 'record')} had a duplicate id; all are kept, under new ids (x.2, x.3, ...)"
        )
    if tokens.truncated:
        limit = "the model's limit of tokens" if spec.max_residues is None else f"{spec.max_residues} residues"
        notes.append(f"{fmt.plural(tokens.truncated, 'sequence')} cut at {limit}")
    if tokens.unknown:
        notes.append(
            f"{fmt.plural(tokens.unknown, 'character')} outside the alphabet read as unknown: {_letters(tokens)}"
        )
    if tokens.lower_case:
        notes.append(f"{fmt.plural(tokens.lower_case, 'lower-case character')} read as upper case")
    if tokens.rna:
        notes.append(f"U (RNA) read as T {fmt.plural(tokens.rna, 'time')}")
    return notes
