"""Checks that sequences, model and tokenizer belong together, made before a run exists.

No torch and no transformers, because the command line checks too.
"""

from pathlib import Path
from typing import Final

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import sequences, weight_header
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import Alphabet, ModelSpec

TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tokenization_*.py", "tokenizer.py")
"""Files with the vocabulary of a tokenizer of transformers; one is enough."""


def require(spec: ModelSpec, data: SequenceSet) -> Alphabet:
    """Return the alphabet of `data` if the model reads it.

    Raises InputError: DNA for a protein model, or the other way round.
    """
    if spec.alphabet == "any":
        return sequences.alphabet_of(data)
    (sequences.require_dna if spec.alphabet == "dna" else sequences.require_protein)(data)
    return spec.alphabet


def check(spec: ModelSpec, folder: Path) -> None:
    """Raise ModelError for weights that are a git-lfs pointer, and a tokenizer that is missing or of another model.

    For a tokenizer of transformers only the presence of its files is checked; hf_tokens opens it.
    """
    if folder.is_dir():
        weight_header.check_folder(folder)
    if spec.kind == "dnabert-s":
        BpeTokenizer(folder, spec.vocab_size)
    if spec.kind == "hf" and not any(any(folder.glob(pattern)) for pattern in TOKENIZER_FILES):
        raise ModelError(
            f"{folder} has no tokenizer ({', '.join(TOKENIZER_FILES[:4])}); copy its files from the checkpoint's hub "
            "repository"
        )
