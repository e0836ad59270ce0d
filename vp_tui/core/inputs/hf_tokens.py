"""Any tokenizer of transformers, for sequences of one alphabet.

Checkpoints do not declare whether their tokenizer needs "MKT" or "M K T" (ProtBERT and ProtT5 read each residue as a
word), so both are tried when it is opened. The wrong one silently makes one unknown token of a whole sequence; a
tokenizer that knows neither is refused. Its size is compared with the model's vocabulary: an id past the end would read
foreign memory on a GPU, and a much smaller tokenizer belongs to another model.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import compatibility
from vp_tui.core.inputs.batch_tokenizer import BatchTokenizer, text_table
from vp_tui.core.inputs.spec import Alphabet, HfSpec

Tokenization = Literal["letters", "words", "subwords"]

_PROBES: Final[Mapping[Alphabet, str]] = {
    "protein": "ACDEFGHIKLMNPQRSTVWY",
    "dna": "ATGGCTAGCAAAGGAGAAGAACTTTTCACTGGAGTTGTCCCAATTCTTGTTGAATTAGAT",
}
_SENTENCES: Final[Mapping[Tokenization, str]] = {
    "letters": "one token per residue or base",
    "words": "one token per residue or base, separated by spaces",
    "subwords": "several residues or bases per token",
}
_ROUNDED_UP: Final = 128
"""Models round their vocabulary up to a multiple of 64 or 128 for speed; a wider gap means another tokenizer."""
_NO_LIMIT: Final = 1_000_000
"""transformers gives 10^30 for a tokenizer without a limit."""
_UNREADABLE: Final = (OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError)
"""Errors of transformers for a tokenizer that it cannot build."""


class HfTokenizer(BatchTokenizer):
    """Tokenizer of transformers; gaps and stops (*-.) are kept, sequences are truncated to `max_tokens`."""

    table = text_table(b"*-.")

    def __init__(self, folder: Path, spec: HfSpec, alphabet: Alphabet, *, trust_remote_code: bool) -> None:
        """Open the tokenizer in `folder`.

        Raises ModelError: no tokenizer, code of its own without trust_remote_code, a vocabulary size other than the
        model's, or letters of `alphabet` that are unknown to it.
        """
        compatibility.check(spec, folder)
        self._folder = folder
        self._tokenizer = _opened(folder, trust_remote_code=trust_remote_code)
        self._require_size(spec.vocab_size)
        self.tokenization: Tokenization = "letters"
        self.tokenization = self._detected(_PROBES[alphabet])
        self._is_doubtful = alphabet == "dna" and self._reads_amino_acids()
        own = self._tokenizer.model_max_length
        self.max_tokens = min((n for n in (spec.max_tokens, own) if n is not None and n < _NO_LIMIT), default=None)
        self.sha256 = self._hash()

    def _require_size(self, vocab_size: int) -> None:
        size = max(len(self._tokenizer), 1 + max(self._tokenizer.get_vocab().values(), default=0))
        if not size <= vocab_size < size + _ROUNDED_UP:
            raise ModelError(
                f"the tokenizer in {self._folder} has {size} tokens, the model's config.json {vocab_size}; copy both "
                "from the same checkpoint"
            )

    def _detected(self, probe: str) -> Tokenization:
        plain, spaced = self._probe(probe), self._probe(" ".join(probe))
        if self._all_known(plain):
            return "letters" if len(plain) == len(probe) else "subwords"
        if self._all_known(spaced) and len(spaced) == len(probe):
            return "words"
        raise ModelError(
            f"the tokenizer in {self._folder} cannot read {probe!r}: it becomes "
            f"{self._tokenizer.convert_ids_to_tokens(plain)}, and is unknown with spaces between characters too; the "
            "model reads another alphabet, or this is the tokenizer of another model"
        )

    def _reads_amino_acids(self) -> bool:
        """Return whether each amino acid is a token of its own; most are unknown to a DNA tokenizer."""
        probe = _PROBES["protein"]
        ids = self._probe(self._text(probe.encode()))
        return self._all_known(ids) and len(ids) == len(probe)

    def _probe(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])

    def _all_known(self, ids: Sequence[int]) -> bool:
        return bool(ids) and self._tokenizer.unk_token_id not in ids

    def _hash(self) -> str:
        import transformers

        digest = hashlib.sha256(f"{transformers.__version__}\0{self.tokenization}\0{self.max_tokens}".encode())
        patterns = (*compatibility.TOKENIZER_FILES, "merges.txt", "*token*.json", "config.json")
        for path in sorted({path for pattern in patterns for path in self._folder.glob(pattern)}):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
        return digest.hexdigest()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the run record."""
        limit = "" if self.max_tokens is None else f", at most {self.max_tokens} tokens"
        found = f"tokenization: {_SENTENCES[self.tokenization]} ({type(self._tokenizer).__name__}{limit})"
        doubt = "the sequences are DNA, but the tokenizer has a token for every amino acid: is this a protein model?"
        return (found, doubt) if self._is_doubtful else (found,)

    def _rows(self, texts: list[str]) -> Iterator[tuple[Sequence[int], bool]]:
        for text, ids in zip(texts, self._ids(texts), strict=True):
            is_cut = self.max_tokens is not None and len(ids) > self.max_tokens
            yield (self._ids([text], truncation=True, max_length=self.max_tokens)[0] if is_cut else ids), is_cut

    def _text(self, sequence: bytes) -> str:
        text = super()._text(sequence)
        return " ".join(text) if self.tokenization == "words" else text

    def _ids(self, texts: list[str], **more: Any) -> list[list[int]]:
        options = {"return_attention_mask": False, "return_token_type_ids": False, "verbose": False}
        ids: list[list[int]] = self._tokenizer(texts, **options, **more)["input_ids"]
        return ids

    def _knows(self, letter: str) -> bool:
        return len(letter) == 1 and self._all_known(self._probe(self._text(letter.encode())))


def _opened(folder: Path, *, trust_remote_code: bool) -> Any:
    # imported here because it takes two seconds and native models do not need it
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code, local_files_only=True)
    except _UNREADABLE as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        advice = (
            "it needs the checkpoint's own Python code; review that code, then give --trust-remote-code"
            if "trust_remote_code" in str(error)
            else "copy its files from the checkpoint's hub repository"
        )
        raise ModelError(f"the tokenizer in {folder} cannot be opened ({reason}): {advice}") from error
