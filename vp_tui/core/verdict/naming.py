"""How sentences name a precision, and how the sentence of a FAIL begins: once, for every place that shows it."""

import re
from typing import Final, get_args

from vp_tui.core.config import Precision

_BEFORE: Final = re.compile(r"(.+?) is not safe here: ")
"""How it began in runs of earlier versions."""


def precision_name(name: str) -> str:
    """Return FP16 for fp16; a plan keeps its own name."""
    return name.upper() if name in get_args(Precision) else name


def unusable(candidate: str) -> str:
    """Return the beginning of the sentence of a FAIL."""
    return f"do not use {precision_name(candidate)} here"


def as_written_now(sentence: str | None) -> str | None:
    """Return the sentence of a stored run in the words of this version."""
    if sentence is None or (found := _BEFORE.match(sentence)) is None:
        return sentence
    return f"{unusable(found[1])}: {sentence[found.end() :]}"
