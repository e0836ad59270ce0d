"""What encodes the windows of a folder of embeddings: one device here; several can stand behind the same methods."""

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np

from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.engine.encode import EncodedBlock, Encoder
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models.loading import load
from vp_tui.core.workers import embed
from vp_tui.core.workers.embed import Report
from vp_tui.core.workers.validate.budget import Budget


class WindowEncoder(Protocol):
    """Encodes the packs of a window; the seam for several devices."""

    facts: dict[str, Any]
    """Device, kernel and token budget, for the manifest."""
    width: int

    def prepare(self, longest: int) -> None:
        """Settle the token budget before the first window, whose longest sequence has `longest` tokens."""

    def blocks(self, tokens: TokenSet, stratum_S: np.ndarray) -> Iterator[EncodedBlock]:
        """Yield the blocks of a window, each sequence in one of them.

        Raises ResourceError: a sequence that does not fit.
        """


class OneDevice:
    """The encoder of one device."""

    def __init__(self, config: RunConfig, source: ModelSource, report: Report) -> None:
        """Load the model; raises as models.loading.load."""
        device, _ = environment.resolve_device(config.device)
        plan, spare_fp32 = config.candidate_plan, config.precision_requested is not None
        loaded = load(source, plan, device, config.attention, spare_fp32=spare_fp32)
        for note in loaded.notes:
            report(note)
        self._encoder, self._asked, self._report = Encoder(loaded, plan, device), config.token_budget, report
        self.width = loaded.spec.hidden
        self.facts: dict[str, Any] = {
            "device": device.type, "device_name": environment.device_name(device),
            "attention_kernel": loaded.attention_kernel, "token_budget": None,
        }  # fmt: skip

    def prepare(self, longest: int) -> None:
        """As WindowEncoder."""
        self.facts["token_budget"] = embed.token_budget(self._encoder, self._asked, longest)

    def blocks(self, tokens: TokenSet, stratum_S: np.ndarray) -> Iterator[EncodedBlock]:
        """As WindowEncoder; every window begins with the same budget, so that its packs depend on nothing before it."""
        longest = int(tokens.lengths_S.max())
        budget = int(self.facts["token_budget"])
        if self._asked == "auto":
            budget = max(budget, longest)
        return embed.encoded_blocks(self._encoder, tokens, stratum_S, Budget(budget, longest, self._report))
