"""Tokenization for any model: picks the tokenizer that a spec needs, and caches the ids of slow ones.

ESM-2's byte table is free (160 M tokens/s). DNABERT-S's BPE is slower than the GPU, so its ids are cached on disk under
a hash of the tokenizer, its library's version and the sequences; so are those of transformers' tokenizers.
"""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import tokenizers

from vp_tui.core.files import DAMAGED, replacing
from vp_tui.core.inputs import compatibility, sequences, tokens
from vp_tui.core.inputs.batch_tokenizer import BatchTokenizer
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.hf_tokens import HfTokenizer
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import HfSpec, ModelSpec
from vp_tui.core.inputs.tokens import TokenSet

_FORMAT: Final = 2
"""Version of a cached file's layout."""

_COUNTS: Final = ("unknown", "unknown_letters", "lower_case", "rna", "truncated")


def tokenize(
    spec: ModelSpec, folder: Path, data: SequenceSet, cache: Path | None, *, trust_remote_code: bool = False
) -> TokenSet:
    """Return the token ids of `data` for the checkpoint `spec` in `folder`, in input order.

    `cache` is Home.cache, where ids of slow tokenizers are stored; None stores nothing. A tokenizer with Python code
    of its own runs with `trust_remote_code` only.

    Raises InputError: an empty sequence. Raises ModelError: as compatibility.check and HfTokenizer.
    """
    if isinstance(spec, HfSpec):
        alphabet = compatibility.require(spec, data)
        theirs = HfTokenizer(folder, spec, alphabet, trust_remote_code=trust_remote_code)
        made = _cached(cache, theirs, spec, data)
        return replace(made, notes=(*theirs.notes, *made.notes))
    if spec.kind == "dnabert-s":
        return _cached(cache, BpeTokenizer(folder, spec.vocab_size), spec, data)
    assert spec.max_residues is not None, "ESM-2 has a limit"
    return tokens.tokenize(data.residues, max_residues=spec.max_residues)


def _cached(cache: Path | None, tokenizer: BatchTokenizer, spec: ModelSpec, data: SequenceSet) -> TokenSet:
    """Return the cached ids, or compute and cache them."""
    if cache is None:
        return tokenizer.encode(data.residues)
    path = _path(cache, tokenizer.sha256, data)
    notes: tuple[str, ...] = ()
    try:
        found = _load(path, tokenizer.sha256, len(data), spec.vocab_size)
    except DAMAGED as error:
        found = None
        notes = (f"cached tokens {path} are corrupt ({error or type(error).__name__}); tokenizing again",)
    if found is not None:
        return found
    made = tokenizer.encode(data.residues)
    try:
        _store(path, made)
    except OSError as error:
        notes = (*notes, f"the tokens could not be kept as {path} ({error.strerror}); the next run tokenizes again")
    return replace(made, notes=notes)


def _path(cache: Path, tokenizer: str, data: SequenceSet) -> Path:
    key = f"{_FORMAT}\0{tokenizer}\0{tokenizers.__version__}\0{sequences.content_hash(data)}"
    return cache / "tokens" / f"{hashlib.sha256(key.encode()).hexdigest()}.npz"


def _load(path: Path, tokenizer: str, num_sequences: int, vocab_size: int) -> TokenSet | None:
    """Return the cached tokens, None without a file; raise one of files.DAMAGED for a corrupt one."""
    if not path.exists():
        return None
    # opened here, because np.load leaves a file open that is not an archive
    with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
        ids_N, lengths_S = file["ids"], file["lengths"]
        counts: dict[str, Any] = json.loads(str(file["counts"]))
    if lengths_S.shape != (num_sequences,) or lengths_S.min(initial=1) < 1 or lengths_S.sum() != ids_N.size:
        raise ValueError("its lengths do not match the sequences")
    if ids_N.dtype != np.int32 or not 0 <= ids_N.min(initial=0) <= ids_N.max(initial=0) < vocab_size:
        raise ValueError("it has ids outside the vocabulary")
    return TokenSet(
        ids_N=ids_N,
        lengths_S=lengths_S,
        starts_S=np.cumsum(lengths_S) - lengths_S,
        tokenizer=tokenizer,
        **{name: counts[name] for name in _COUNTS},
    )


def _store(path: Path, made: TokenSet) -> None:
    counts = json.dumps({name: getattr(made, name) for name in _COUNTS})
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, ids=made.ids_N, lengths=made.lengths_S, counts=np.array(counts))
