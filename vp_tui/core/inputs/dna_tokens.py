"""Bases in, DNABERT-S token ids out, through the checkpoint's own tokenizer.json.

Read by `tokenizers` itself: AutoTokenizer takes "model_type": "bert" at its word, builds a WordPiece tokenizer and
turns every sequence into [CLS] [UNK] [SEP], silently. What such a mistake would look like is tried with a probe when
the file is opened. No torch.

Shape suffixes: N tokens of all sequences one after the other, S sequences.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs.tokens import TokenSet, count_lower_case, letter_counts

UNK: Final = 0
CLS: Final = 1
SEP: Final = 2
SPECIAL_TOKENS: Final = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
"""In the order of their ids; config.json of the published checkpoint says pad 0, its tokenizer has 3."""

TOKENIZER_FILE: Final = "tokenizer.json"
_PROBE: Final = "ATGGCTAGCAAAGGAGAAGAACTTTTCACTGGAGTTGTCCCAATTCTTGTTGAATTAGAT"
"""60 bases; the published tokenizer makes about 15 tokens of them."""
_PROBE_TOKENS: Final = 5
_BATCH: Final = 2048
"""Sequences per call: enough for every core, few enough that the encodings stay small."""
_OTHER: Final = ord("?")


def _byte_table() -> bytes:
    table = bytearray([_OTHER]) * 256
    for letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        table[letter] = table[letter + 32] = letter
    table[ord("U")] = table[ord("u")] = ord("T")
    return bytes(table)


# Only letters reach the tokenizer: a blank would vanish there, and "[SEP]" in a sequence would become a token.
_TABLE: Final = _byte_table()


class BpeTokenizer:
    """The tokenizer of one checkpoint folder."""

    def __init__(self, folder: Path, vocab_size: int) -> None:
        """Open tokenizer.json.

        Raises ModelError: no such file, unreadable, special tokens with other ids, another number of tokens than the
        model's `vocab_size`, or a tokenizer that does not know DNA.
        """
        self.path = folder / TOKENIZER_FILE
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{folder} has no readable {TOKENIZER_FILE} ({error.strerror}); copy it from the checkpoint's "
                "hub repository: a DNA model cannot read letters without it"
            ) from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._tokenizer = Tokenizer.from_buffer(content)
        # tokenizers raises Exception itself, nothing narrower
        except Exception as error:
            raise ModelError(f"{self.path} is no tokenizer file ({error}); fetch the checkpoint again") from error
        # a file may ask for both; VirNucPro never cuts, and packs have no padding
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._require_special_tokens()
        self._require_size(vocab_size)
        self._require_dna()

    def _require_special_tokens(self) -> None:
        for wanted, token in enumerate(SPECIAL_TOKENS):
            got = self._tokenizer.token_to_id(token)
            if got != wanted:
                raise ModelError(
                    f"{self.path}: {token} has the id {got!r}, DNABERT-S needs {wanted}; this is the tokenizer of "
                    "another model, copy the one of the checkpoint"
                )

    def _require_size(self, vocab_size: int) -> None:
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        if size != vocab_size:
            raise ModelError(
                f"{self.path} has {size} tokens, the model's config.json says {vocab_size}: they do not belong "
                "together; copy both from the same checkpoint"
            )

    def _require_dna(self) -> None:
        ids = self._tokenizer.encode(_PROBE).ids
        known = sum(token_id >= len(SPECIAL_TOKENS) for token_id in ids)
        if known <= _PROBE_TOKENS or ids[0] != CLS or ids[-1] != SEP:
            raise ModelError(
                f"{self.path}: 60 bases of DNA become {ids}; more than {_PROBE_TOKENS} known tokens between [CLS] "
                "and [SEP] are needed; this is no DNA tokenizer, copy the one of the checkpoint"
            )

    def encode(self, bases: Sequence[bytes]) -> TokenSet:
        """Token ids of `bases` (one bytes object per sequence, no line ends) in input order, nothing cut.

        Lower case is read as upper case and U (RNA) as T; any other letter outside the vocabulary becomes [UNK].

        Raises InputError for a sequence without bases.
        """
        for number, sequence in enumerate(bases):
            if not sequence:
                raise InputError(f"sequence {number} (counted from 0) has no bases; remove it from the input")
        rows = list(self._rows(bases))
        lengths_S = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
        raw_counts = letter_counts(bases)
        unknown = {letter: count for letter, count in raw_counts.items() if not self._knows(letter)}
        return TokenSet(
            ids_N=np.concatenate([np.empty(0, dtype=np.int32), *rows]),
            lengths_S=lengths_S,
            starts_S=np.cumsum(lengths_S) - lengths_S,
            truncated=0,
            unknown=sum(unknown.values()),
            unknown_letters=unknown,
            lower_case=count_lower_case(bases),
            rna=raw_counts.get("U", 0),
            tokenizer=self.sha256,
        )

    def _rows(self, bases: Sequence[bytes]) -> Iterator[NDArray[np.int32]]:
        for start in range(0, len(bases), _BATCH):
            texts = [sequence.translate(_TABLE).decode("ascii") for sequence in bases[start : start + _BATCH]]
            for encoding in self._tokenizer.encode_batch_fast(texts):
                yield np.asarray(encoding.ids, dtype=np.int32)

    def _knows(self, letter: str) -> bool:
        read_as = "T" if letter == "U" else letter
        return len(letter) == 1 and letter.isalpha() and self._tokenizer.token_to_id(read_as) is not None
