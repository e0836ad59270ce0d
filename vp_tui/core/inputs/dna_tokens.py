"""Tokenizer of DNABERT-S: BPE over bases, from the checkpoint's own tokenizer.json.

The file is read by `tokenizers`: AutoTokenizer follows "model_type": "bert", builds a WordPiece tokenizer and silently
turns every sequence into [CLS] [UNK] [SEP]. A probe sequence detects such a tokenizer when the file is opened.
"""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs.batch_tokenizer import BatchTokenizer, text_table

CLS: Final = 1
SEP: Final = 2
SPECIAL_TOKENS: Final = ("[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]")
"""In the order of their ids; [PAD] is 3, although config.json of the published checkpoint says 0."""

TOKENIZER_FILE: Final = "tokenizer.json"
_PROBE: Final = "ATGGCTAGCAAAGGAGAAGAACTTTTCACTGGAGTTGTCCCAATTCTTGTTGAATTAGAT"
"""60 bases, about 15 tokens of the published tokenizer."""
_PROBE_TOKENS: Final = 5


class BpeTokenizer(BatchTokenizer):
    """DNABERT-S's tokenizer: U (RNA) is read as T, nothing is truncated."""

    table = text_table().translate(bytes.maketrans(b"U", b"T"))
    reads_rna = True

    def __init__(self, folder: Path, vocab_size: int) -> None:
        """Open tokenizer.json.

        Raises ModelError: missing or unreadable file, special tokens with other ids, a vocabulary size other than the
        model's `vocab_size`, or a tokenizer without DNA tokens.
        """
        self.path = folder / TOKENIZER_FILE
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise ModelError(
                f"{folder} has no readable {TOKENIZER_FILE} ({error.strerror}); copy it from the checkpoint's "
                "hub repository: a DNA model cannot read sequences without it"
            ) from error
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            self._tokenizer = Tokenizer.from_buffer(content)
        # tokenizers raises Exception itself, nothing narrower
        except Exception as error:
            raise ModelError(f"{self.path} is not a tokenizer file ({error}); fetch the checkpoint again") from error
        # a file may ask for both; VirNucPro never truncates, and packs have no padding
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
                    f"{self.path}: id of {token} is {got!r}, DNABERT-S needs {wanted}; this is the tokenizer of "
                    "another model, copy the checkpoint's own"
                )

    def _require_size(self, vocab_size: int) -> None:
        size = self._tokenizer.get_vocab_size(with_added_tokens=True)
        if size != vocab_size:
            raise ModelError(
                f"{self.path} has {size} tokens, the model's config.json {vocab_size}; copy both from the same "
                "checkpoint"
            )

    def _require_dna(self) -> None:
        ids = self._tokenizer.encode(_PROBE).ids
        known = sum(token_id >= len(SPECIAL_TOKENS) for token_id in ids)
        if known <= _PROBE_TOKENS or ids[0] != CLS or ids[-1] != SEP:
            raise ModelError(
                f"{self.path}: 60 bases of DNA become {ids}, expected [CLS], more than {_PROBE_TOKENS} known tokens "
                "and [SEP]; this is not a DNA tokenizer, copy the checkpoint's own"
            )

    def _rows(self, texts: list[str]) -> Iterator[tuple[Sequence[int], bool]]:
        for encoding in self._tokenizer.encode_batch_fast(texts):
            yield encoding.ids, False

    def _knows(self, letter: str) -> bool:
        read_as = "T" if letter == "U" else letter
        return len(letter) == 1 and letter.isalpha() and self._tokenizer.token_to_id(read_as) is not None
