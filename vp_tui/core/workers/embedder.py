"""The model of `vp-tui embed` on its devices: one, or several that are given the packed batches of one."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment, memory
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.queueing import PackEncoder, Started
from vp_tui.core.events import Arm
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models.linear import choose_linear
from vp_tui.core.models.loading import load
from vp_tui.core.workers.fleet import cluster
from vp_tui.core.workers.fleet.actor import Order
from vp_tui.core.workers.fleet.choice import Chosen
from vp_tui.core.workers.validate.arms import PlainEncoders
from vp_tui.core.workers.validate.budget import Budget, start_within
from vp_tui.core.workers.validate.prepare import cut

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet

Report = Callable[[str], None]

_ARM: Final[Arm] = "candidate"
"""What the devices call the one model that they hold."""


class Embedder:
    """A loaded model that encodes sets of sequences, one after the other."""

    def __init__(
        self,
        config: RunConfig,
        encoder: PackEncoder,
        facts: dict[str, Any],
        report: Report,
        several: "Fleet | None" = None,
    ) -> None:
        """`facts`: device and kernel, for the manifest of a folder; `several`: the devices behind `encoder`."""
        self._encoder, self._several = encoder, several
        self._asked, self._report = config.token_budget, report
        self._compared = False
        self.facts = {**facts, "token_budget": None}

    @property
    def ahead(self) -> int:
        """Blocks to start before the first of them is waited for."""
        return self._encoder.ahead

    @property
    def lost(self) -> Sequence[str]:
        """Return the names of the devices that are gone."""
        return () if self._several is None else self._several.lost

    def prepare(self, longest: int) -> None:
        """Settle the token budget, before the first set, whose longest sequence has `longest` tokens."""
        if self._several is None:
            self.facts["token_budget"] = token_budget(self._encoder, self._asked, longest)
        else:
            self.facts["token_budget"] = self._several.ask(_ARM, token_budget, (self._asked, longest))

    def start(self, tokens: TokenSet, stratum_S: np.ndarray) -> Iterator[Started]:
        """Yield the blocks of a set as they are queued, each sequence in one of them.

        The packed batches are those of a run, whatever encodes them. Every set begins with the same budget, so that its
        packed batches depend on nothing before it; one that does not fit is halved and reported.

        Raises ResourceError: a sequence that does not fit.
        """
        longest, budget = int(tokens.lengths_S.max()), int(self.facts["token_budget"])
        if self._asked == "auto":
            budget = max(budget, longest)
        if self._several is not None and not self._compared:
            self._compared = True
            # on every device: they must agree
            self._encoder.encode(tokens, [np.array([tokens.lengths_S.argmin()]), np.array([tokens.lengths_S.argmax()])])
        limit = Budget(budget, longest, self._report)
        return started(self._encoder, tokens, stratum_S, limit)


def started(encoder: PackEncoder, tokens: TokenSet, stratum_S: np.ndarray, limit: Budget) -> Iterator[Started]:
    """Yield the blocks of all sequences in the order they are cut in, as they are queued; raises as start_within."""
    for block in cut(tokens.lengths_S, stratum_S, limit.tokens):
        yield start_within(encoder, tokens, block.indices_S, limit)


def token_budget(encoder: Any, asked: int | Literal["auto"], longest: int) -> int:
    """Return the tokens per packed batch: those asked for, or what the free memory allows next to a long sequence.

    `encoder` is an Encoder; `longest` the longest sequence in tokens.
    """
    if asked != "auto":
        return asked
    free = memory.free_memory(encoder.device)
    return memory.auto_token_budget(encoder.loaded.spec, [encoder.plan], encoder.device, free, longest)[0]


@contextmanager
def loaded(config: RunConfig, source: ModelSource, chosen: Chosen, report: Report) -> Iterator[Embedder]:
    """Load the model on the chosen devices; `report` gets notes, and a sentence per device that is lost or slow.

    Raises:
        UsageError, ModelError, ResourceError: as loading.load and cluster.started.
    """
    device, _, asked = chosen
    if asked is None:
        yield _on_one(config, source, device, report)
        return
    with cluster.started(asked, config.ray or None, report) as several:
        yield _on_several(config, source, device, several, report)


def _on_one(config: RunConfig, source: ModelSource, device: torch.device, report: Report) -> Embedder:
    plan = config.candidate_plan
    model = load(source, plan, device, config.attention, spare_fp32=config.precision_requested is not None)
    for note in model.notes:
        report(note)
    facts = {
        "device": device.type, "device_name": environment.device_name(device),
        "attention_kernel": model.attention_kernel,
    }  # fmt: skip
    return Embedder(config, Encoder(model, plan, device), facts, report)


def _on_several(
    config: RunConfig, source: ModelSource, device: torch.device, several: "Fleet", report: Report
) -> Embedder:
    plan = config.candidate_plan
    order = Order(
        arm=_ARM, source=source, plan=plan, attention=config.attention,
        spare_fp32=config.precision_requested is not None, linear=choose_linear(plan, device).way,
        encoders=PlainEncoders(),
    )  # fmt: skip
    model, encoder = several.load(order)
    for note in (*model.notes, several.unlike):
        if note is not None:
            report(note)
    names = dict.fromkeys(one["model"] for one in several.facts["devices"])
    facts = {
        "device": device.type, "device_name": " and ".join(names), "attention_kernel": model.attention_kernel,
        "devices": several.count, "ray": several.facts["ray"],
    }  # fmt: skip
    return Embedder(config, encoder, facts, report, several)
