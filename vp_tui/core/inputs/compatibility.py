"""Do these letters, this model and its tokenizer belong together?

Asked before a run exists, by the command line too: no torch, no transformers.
"""

from pathlib import Path
from typing import Final

from vp_tui.core.errors import ModelError
from vp_tui.core.inputs import sequences
from vp_tui.core.inputs.dna_tokens import BpeTokenizer
from vp_tui.core.inputs.sequences import SequenceSet
from vp_tui.core.inputs.spec import Letters, ModelSpec

TOKENIZER_FILES: Final = ("tokenizer.json", "vocab.txt", "vocab.json", "*.model", "tokenization_*.py", "tokenizer.py")
"""One of these holds the vocabulary of a tokenizer of transformers."""


def require(spec: ModelSpec, data: SequenceSet) -> Letters:
    """The alphabet of `data`, once it is known to be one that the model reads.

    Raises InputError: DNA for a protein model, or the other way round.
    """
    if spec.alphabet == "any":
        return sequences.alphabet_of(data)
    (sequences.require_dna if spec.alphabet == "dna" else sequences.require_protein)(data)
    return spec.alphabet


def check(spec: ModelSpec, folder: Path) -> None:
    """Refuse a checkpoint whose tokenizer is missing or of another model, before anything runs.

    A tokenizer of transformers is only looked for here; hf_tokens opens it.

    Raises ModelError.
    """
    if spec.kind == "dnabert-s":
        BpeTokenizer(folder, spec.vocab_size)
    if spec.kind == "hf" and not any(any(folder.glob(pattern)) for pattern in TOKENIZER_FILES):
        raise ModelError(
            f"{folder} has no tokenizer ({', '.join(TOKENIZER_FILES[:4])}); copy its files from the checkpoint's hub "
            "repository: the model cannot read letters without it"
        )
