"""Options of `vp-tui bench`, checked before anything is loaded."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from vp_tui.core.bench.mixes import MIXES
from vp_tui.core.config import Precision
from vp_tui.core.errors import UsageError
from vp_tui.core.formats import BUILT_IN

PRECISIONS: Final[tuple[str, ...]] = get_args(Precision)
"""Default precisions."""
NAMES: Final = (*PRECISIONS, *BUILT_IN)
"""What --precision takes."""
MODELS: Final = ("esm2-3b", "esm2-650m", "dnabert-s")
"""Default models."""
LENGTHS: Final = "uniref"

_DEVICE: Final = re.compile(r"auto|cpu|cuda(:\d+)?")
_LEAST: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Models, precisions, inputs and implementations to measure."""

    models: tuple[str, ...] = MODELS
    precisions: tuple[str, ...] = PRECISIONS
    """Names of NAMES; a built-in plan alternates with fp16, also where that is not among them."""
    lengths: str = LENGTHS
    """A mix of core.bench.mixes, or a FASTA file."""
    random_weights: bool = False
    peers: bool = False
    tokens: int | None = None
    """Tokens per block; None: enough for 0.25 s on a GPU."""
    token_budget: int | None = None
    """Tokens per packed batch; None: as in a run."""
    device: str = "auto"

    def __post_init__(self) -> None:
        """Raise UsageError with the option and the value got."""
        for name in self.precisions:
            _require("--precision", name, name in NAMES, f"one of {', '.join(NAMES)}")
        is_known = self.lengths in MIXES or Path(self.lengths).is_file()
        _require("--lengths", self.lengths, is_known, f"{', '.join(MIXES)} or a FASTA file")
        _require("--device", self.device, _DEVICE.fullmatch(self.device) is not None, "auto, cpu, cuda or cuda:N")
        for option, value in (("--tokens", self.tokens), ("--token-budget", self.token_budget)):
            _require(option, value, value is None or value >= _LEAST, f"{_LEAST} or more")


def _require(option: str, value: object, is_right: bool, wanted: str) -> None:
    if not is_right:
        raise UsageError(f"{option} {value!r}: it must be {wanted}")
