"""Base of tokenizers that read text in batches: bytes to text, text to ids, counts of what was changed on the way.

Shape suffixes: N tokens of all sequences one after the other, S sequences.
"""

import string
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.inputs.tokens import TokenSet, count_lower_case, letter_counts, require_nonempty

BATCH: Final = 2048
"""Sequences per call: enough for every core, few enough that the encodings stay small."""


def text_table(kept: bytes = b"") -> bytes:
    """Return a table for bytes.translate: letters in upper case, those of `kept` as they are, any other byte as '?'.

    Only these reach a tokenizer: it would drop a blank, and read "[SEP]" or "<mask>" in a sequence as one token.
    """
    table = bytearray(b"?") * 256
    for letter in string.ascii_uppercase.encode():
        table[letter] = table[letter + 32] = letter
    for byte in kept:
        table[byte] = byte
    return bytes(table)


class BatchTokenizer(ABC):
    """A tokenizer of one checkpoint folder."""

    table: ClassVar[bytes]
    """text_table of this tokenizer."""
    reads_rna: ClassVar[bool] = False
    """True: the table reads U as T."""
    sha256: str
    """Hash of everything that determines the ids."""

    def encode(self, sequences: Sequence[bytes]) -> TokenSet:
        """Return the token ids of `sequences` (no line ends) in input order, special tokens included.

        Lower case is read as upper case; a letter outside the vocabulary becomes the unknown token.

        Raises InputError for an empty sequence.
        """
        require_nonempty(sequences)
        rows, truncated = [], 0
        for start in range(0, len(sequences), BATCH):
            for ids, is_cut in self._rows([self._text(sequence) for sequence in sequences[start : start + BATCH]]):
                rows.append(np.asarray(ids, dtype=np.int32))
                truncated += is_cut
        lengths_S = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        counts = letter_counts(sequences)
        unknown = {letter: count for letter, count in counts.items() if not self._knows(letter)}
        return TokenSet(
            ids_N=np.concatenate([np.empty(0, dtype=np.int32), *rows]),
            lengths_S=lengths_S,
            starts_S=np.cumsum(lengths_S) - lengths_S,
            truncated=truncated,
            unknown=sum(unknown.values()),
            unknown_letters=unknown,
            lower_case=count_lower_case(sequences),
            rna=counts.get("U", 0) if self.reads_rna else 0,
            tokenizer=self.sha256,
        )

    def _text(self, sequence: bytes) -> str:
        return sequence.translate(self.table).decode("ascii")

    @abstractmethod
    def _rows(self, texts: list[str]) -> Iterator[tuple[Sequence[int] | NDArray[np.int32], bool]]:
        """Yield the ids of each text, and whether they were truncated."""

    @abstractmethod
    def _knows(self, letter: str) -> bool:
        """Return whether a letter of letter_counts has a token."""
