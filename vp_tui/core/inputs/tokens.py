"""TokenSet, the result of every tokenizer, and ESM-2's tokenizer: one 256-entry byte table.

The tokenizer of transformers loops over residues in Python (7 s per 10,000 proteins) and merges a run of unknown
characters into one <unk>. Here every byte is one token, unknown ones are counted, and `bytes.translate` does the work.

Shape suffixes: N tokens of all sequences one after the other, S sequences.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.errors import InputError

BOS: Final = 0
PAD: Final = 1
EOS: Final = 2
UNK: Final = 3
MASK: Final = 32
VOCABULARY: Final[tuple[str, ...]] = (
    *("<cls>", "<pad>", "<eos>", "<unk>"),
    *"LAGVSERTIDPKQNFYMHWCXBUZO.-",
    *("<null_1>", "<mask>"),
)
"""Token of each id, as in `get_default_vocab_list` of transformers' tokenization_esm.py."""

SPECIALS: Final = 2
"""BOS and EOS, one each per protein."""


def _byte_table() -> bytes:
    table = bytearray([UNK]) * 256
    for token_id, token in enumerate(VOCABULARY):
        if len(token) == 1:
            table[ord(token)] = table[ord(token.lower())] = token_id
    return bytes(table)


_TABLE: Final = _byte_table()
_JOINT: Final = bytes([EOS, BOS])


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """Token ids of many sequences, and counts of letters that were changed or unknown."""

    ids_N: NDArray[np.int32]
    """All sequences one after the other, special tokens included."""
    lengths_S: NDArray[np.int64]
    """Tokens per sequence, special ones included."""
    starts_S: NDArray[np.int64]
    """Index in `ids_N` of each sequence's first token."""
    truncated: int
    """Sequences truncated to the model's limit."""
    unknown: int
    """Letters that became the unknown token."""
    unknown_letters: dict[str, int]
    """Counts of each (upper case; a byte outside printable ASCII as 0x..)."""
    lower_case: int
    """Letters that were read as upper case."""
    rna: int = 0
    """Bases U that were read as T."""
    tokenizer: str = "esm2"
    """Name of the byte table, or a SHA-256 of the tokenizer's files."""
    notes: tuple[str, ...] = ()
    """Sentences for the run record."""


def tokenize(residues: Sequence[bytes], *, max_residues: int) -> TokenSet:
    """Return the token ids of `residues` (one bytes object per protein, no line ends) in input order.

    Longer proteins are truncated to their first `max_residues` residues. Lower case is read as upper case;
    a byte outside the ESM-2 alphabet becomes one <unk>.

    Raises InputError for an empty sequence.
    """
    require_nonempty(residues)
    kept = [sequence if len(sequence) <= max_residues else sequence[:max_residues] for sequence in residues]
    lengths_S = np.fromiter(map(len, kept), dtype=np.int64, count=len(kept))
    translated = [sequence.translate(_TABLE) for sequence in kept]
    ids = bytes([BOS]) + _JOINT.join(translated) + bytes([EOS]) if kept else b""
    ids_N = np.frombuffer(ids, dtype=np.uint8).astype(np.int32)
    counts = _unknown_letters(kept) if UNK in ids else {}
    lengths_S = lengths_S + SPECIALS
    return TokenSet(
        ids_N=ids_N,
        lengths_S=lengths_S,
        starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=sum(len(sequence) > max_residues for sequence in residues),
        unknown=sum(counts.values()),
        unknown_letters=counts,
        lower_case=count_lower_case(kept),
    )


def joined(parts: Sequence[TokenSet]) -> TokenSet:
    """Return the token sets of one tokenizer as one, in their order; at least one."""
    lengths_S = np.concatenate([part.lengths_S for part in parts])
    letters: Counter[str] = Counter()
    for part in parts:
        letters.update(part.unknown_letters)
    return replace(
        parts[0],
        ids_N=np.concatenate([part.ids_N for part in parts]),
        lengths_S=lengths_S,
        starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=sum(part.truncated for part in parts),
        unknown=sum(part.unknown for part in parts),
        unknown_letters=dict(letters),
        lower_case=sum(part.lower_case for part in parts),
        rna=sum(part.rna for part in parts),
    )


def require_nonempty(sequences: Sequence[bytes]) -> None:
    """Raise InputError for an empty sequence: its mean embedding is undefined."""
    for number, sequence in enumerate(sequences):
        if not sequence:
            raise InputError(f"sequence {number} (counted from 0) is empty; remove it from the input")


def _unknown_letters(kept: Sequence[bytes]) -> dict[str, int]:
    known = {token for token in VOCABULARY if len(token) == 1}
    return {letter: count for letter, count in letter_counts(kept).items() if letter not in known}


def letter_counts(residues: Sequence[bytes]) -> dict[str, int]:
    """Return the count of each letter, lower case counted as upper; a byte outside printable ASCII is 0x.."""
    byte_counts = np.bincount(np.frombuffer(b"".join(residues), dtype=np.uint8), minlength=256)
    counts: dict[str, int] = {}
    for byte in np.flatnonzero(byte_counts):
        letter = chr(byte).upper() if 32 < byte < 127 else f"0x{byte:02x}"
        counts[letter] = counts.get(letter, 0) + int(byte_counts[byte])
    return counts


def count_lower_case(residues: Sequence[bytes]) -> int:
    """Return the number of letters a to z."""
    letters = np.frombuffer(b"".join(residues), dtype=np.uint8)
    return int(np.count_nonzero((letters >= ord("a")) & (letters <= ord("z"))))
