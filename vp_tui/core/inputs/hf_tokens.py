"""Letters in, token ids out, through any tokenizer of transformers.

Nobody says whether a tokenizer wants "MKT" or "M K T" (ProtBERT and ProtT5 read each residue as a word), so both are
tried when it is opened. The wrong one makes an unknown token of a whole sequence, silently; a tokenizer that knows
neither is refused. Ids are checked against the model's vocabulary: an id past its end would read foreign memory on a
GPU, and a far smaller tokenizer belongs to another model.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from vp_tui.core.errors import InputError, ModelError
from vp_tui.core.inputs import compatibility
from vp_tui.core.inputs.spec import HfSpec, Letters
from vp_tui.core.inputs.tokens import TokenSet, count_lower_case, letter_counts

Spelling = Literal["letters", "words", "pieces"]

_PROBES: Final[Mapping[Letters, str]] = {
    "protein": "ACDEFGHIKLMNPQRSTVWY",
    "dna": "ATGGCTAGCAAAGGAGAAGAACTTTTCACTGGAGTTGTCCCAATTCTTGTTGAATTAGAT",
}
_SPELLED: Final[Mapping[Spelling, str]] = {
    "letters": "the tokenizer makes one token of each letter",
    "words": "the tokenizer reads each letter as a word: a blank was put between them",
    "pieces": "the tokenizer makes tokens of several letters",
}
_ROUNDED_UP: Final = 128
"""Models round their vocabulary up to a multiple of 64 or 128 for speed; a wider gap is another tokenizer."""
_NO_LIMIT: Final = 1_000_000
"""transformers writes 10^30 where a tokenizer knows no limit."""
_BATCH: Final = 2048
_UNREADABLE: Final = (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError)
"""What transformers raises for a tokenizer that it cannot build."""


def _byte_table() -> bytes:
    table = bytearray(b"?") * 256
    for letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        table[letter] = table[letter + 32] = letter
    for letter in b"*-.":
        table[letter] = letter
    return bytes(table)


# Only letters, gaps and stops reach the tokenizer: "[SEP]" or "<mask>" in a sequence would become a token.
_TABLE: Final = _byte_table()


class HfTokenizer:
    """The tokenizer of one checkpoint folder, for sequences of one alphabet."""

    def __init__(self, folder: Path, spec: HfSpec, alphabet: Letters, *, trust_remote_code: bool) -> None:
        """Open it.

        Raises ModelError: no tokenizer, code of its own without trust_remote_code, another vocabulary size than the
        model's, or a tokenizer that does not know the letters of `alphabet`.
        """
        compatibility.check(spec, folder)
        self._folder = folder
        self._tokenizer = _opened(folder, trust_remote_code=trust_remote_code)
        self._require_size(spec.vocab_size)
        self.spelling: Spelling = "letters"
        self.spelling = self._spelling(_PROBES[alphabet])
        self._is_doubtful = alphabet == "dna" and self._reads_amino_acids()
        own = self._tokenizer.model_max_length
        self.max_tokens = min((n for n in (spec.max_tokens, own) if n is not None and n < _NO_LIMIT), default=None)
        self.sha256 = self._hash()

    def _require_size(self, vocab_size: int) -> None:
        size = max(len(self._tokenizer), 1 + max(self._tokenizer.get_vocab().values(), default=0))
        if not size <= vocab_size < size + _ROUNDED_UP:
            raise ModelError(
                f"the tokenizer in {self._folder} has {size} tokens, the model's config.json says {vocab_size}: they "
                "do not belong together; copy both from the same checkpoint"
            )

    def _spelling(self, probe: str) -> Spelling:
        plain, spaced = self._probe(probe), self._probe(" ".join(probe))
        if self._all_known(plain):
            return "letters" if len(plain) == len(probe) else "pieces"
        if self._all_known(spaced) and len(spaced) == len(probe):
            return "words"
        raise ModelError(
            f"the tokenizer in {self._folder} does not know these letters: {probe!r} becomes "
            f"{self._tokenizer.convert_ids_to_tokens(plain)}, and no better with blanks between them; the model reads "
            "another alphabet, or this is the tokenizer of another model"
        )

    def _reads_amino_acids(self) -> bool:
        """Whether each amino acid is a token of its own; to a DNA tokenizer most of them are unknown."""
        probe = _PROBES["protein"]
        ids = self._probe(self._text(probe.encode()))
        return self._all_known(ids) and len(ids) == len(probe)

    def _probe(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _all_known(self, ids: Sequence[int]) -> bool:
        return bool(ids) and self._tokenizer.unk_token_id not in ids

    def _hash(self) -> str:
        import transformers

        digest = hashlib.sha256(f"{transformers.__version__}\0{self.spelling}\0{self.max_tokens}".encode())
        patterns = (*compatibility.TOKENIZER_FILES, "merges.txt", "*token*.json", "config.json")
        for path in sorted({path for pattern in patterns for path in self._folder.glob(pattern)}):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """How the letters are read, in words."""
        limit = "" if self.max_tokens is None else f", {self.max_tokens} tokens at most"
        told = (f"{_SPELLED[self.spelling]} ({type(self._tokenizer).__name__}{limit})",)
        doubt = "the sequences are DNA, but the tokenizer knows every amino acid: is this a protein model?"
        return (*told, doubt) if self._is_doubtful else told

    def encode(self, sequences: Sequence[bytes]) -> TokenSet:
        """Token ids of `sequences` in input order with the tokenizer's own special tokens, cut to the limit.

        Lower case is read as upper case; a letter outside the vocabulary becomes the unknown token.

        Raises InputError for a sequence without letters.
        """
        for number, sequence in enumerate(sequences):
            if not sequence:
                raise InputError(f"sequence {number} (counted from 0) has no letters; remove it from the input")
        rows = list(self._rows(sequences))
        lengths_S = np.fromiter((len(row) for row, _ in rows), dtype=np.int64, count=len(rows))
        counts = letter_counts(sequences)
        unknown = {letter: count for letter, count in counts.items() if not self._knows(letter)}
        return TokenSet(
            ids_N=np.concatenate([np.empty(0, dtype=np.int32), *(row for row, _ in rows)]),
            lengths_S=lengths_S,
            starts_S=np.cumsum(lengths_S) - lengths_S,
            truncated=sum(cut for _, cut in rows),
            unknown=sum(unknown.values()),
            unknown_letters=unknown,
            lower_case=count_lower_case(sequences),
            tokenizer=self.sha256,
        )

    def _rows(self, sequences: Sequence[bytes]) -> Iterator[tuple[NDArray[np.int32], bool]]:
        """Ids, and whether the sequence was cut."""
        for start in range(0, len(sequences), _BATCH):
            texts = [self._text(sequence) for sequence in sequences[start : start + _BATCH]]
            for text, ids in zip(texts, self._ids(texts), strict=True):
                is_cut = self.max_tokens is not None and len(ids) > self.max_tokens
                kept = self._ids([text], truncation=True, max_length=self.max_tokens)[0] if is_cut else ids
                yield np.asarray(kept, dtype=np.int32), is_cut

    def _text(self, sequence: bytes) -> str:
        text = sequence.translate(_TABLE).decode("ascii")
        return " ".join(text) if self.spelling == "words" else text

    def _ids(self, texts: list[str], **more: Any) -> list[list[int]]:
        options = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}
        ids: list[list[int]] = self._tokenizer(texts, **options, **more)["input_ids"]
        return ids

    def _knows(self, letter: str) -> bool:
        return len(letter) == 1 and self._all_known(self._probe(self._text(letter.encode())))


def _opened(folder: Path, *, trust_remote_code: bool) -> Any:
    # two seconds of import, not needed by the native models
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except _UNREADABLE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        advice = (
            "it needs the checkpoint's own Python code; read it, then give --trust-remote-code"
            if "trust_remote_code" in str(error)
            else "copy its files from the checkpoint's hub repository"
        )
        raise ModelError(f"the tokenizer in {folder} cannot be opened ({reason}): {advice}") from error
