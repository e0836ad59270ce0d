"""Who takes part: this engine in every precision, and its peers in each, or the reason why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from vp_tui.core.bench.contest import FAILURES, Pace, Tell, failure_text, release, timed
from vp_tui.core.bench.padded import by_budget, padded
from vp_tui.core.bench.peers import Peer, peers_of
from vp_tui.core.bench.ways import Models, Way, packed
from vp_tui.core.config import Precision, PrecisionPlan, plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import VpTuiError
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision

OURS: Final = "vp-tui"

BATCH_TOKENS: Final = {"cuda": (2_048, 4_096, 8_192, 16_384, 32_768), "cpu": (256, 512, 1_024, 2_048, 4_096)}
"""Padded tokens per batch that a peer is tried with, until a larger one is slower; its best one takes part.

They begin small: larger batches of proteins hold more padding, and on an H200 transformers was faster with 4,096 than
with any larger size (ESM-2 3B, FP16)."""
_LONG_S: Final = 1.0
"""A trial that takes longer needs no repeat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """An engine in a precision."""

    engine: str
    precision: Precision
    way: Way
    attention: str | None
    """Our kernel; a peer's is in its name."""
    steps: str | None
    """Ours between the products: plain or fused."""
    batch_tokens: int
    """Tokens of a pack, or cells of a padded batch."""

    @property
    def name(self) -> str:
        """As in `vp-tui fp16`."""
        return f"{self.engine} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """An engine that cannot take part."""

    engine: str
    precision: Precision
    reason: str


def runnable(asked: Sequence[Precision], device: torch.device) -> tuple[list[PrecisionPlan], list[Absent]]:
    """The plans that `device` can run, and why not the others."""
    plans, absent = [], []
    for name in asked:
        plan = plain_plan(name)
        try:
            precision.check(plan, device)
        except VpTuiError as error:
            absent.append(Absent(engine=OURS, precision=name, reason=str(error)))
        else:
            plans.append(plan)
    return plans, absent


def loaded(models: Models, plans: Sequence[PrecisionPlan]) -> tuple[list[PrecisionPlan], list[Absent]]:
    """The plans whose models are on the device now; what does not fit there beside the others is absent."""
    found, absent = [], []
    for plan in plans:
        try:
            models.get(plan)
        except torch.OutOfMemoryError as error:
            absent.append(Absent(engine=OURS, precision=name_of(plan), reason=failure_text(error)))
        else:
            found.append(plan)
    return found, absent


def ours(models: Models, plans: Sequence[PrecisionPlan], budget: int) -> list[Entrant]:
    """This engine with packs of `budget` tokens, in each of these plans."""
    return [
        Entrant(
            engine=OURS,
            precision=name_of(plan),
            way=packed(Encoder(models.get(plan), plan, models.device), budget),
            attention=models.get(plan).attention_kernel,
            steps=models.get(plan).steps,
            batch_tokens=budget,
        )
        for plan in plans
    ]


def rivals(
    models: Models, plan: PrecisionPlan, tokens: TokenSet, pace: Pace, tell: Tell
) -> tuple[list[Entrant], list[Absent]]:
    """Every peer in `plan`, each with the batch size that it is fastest with on `tokens`."""
    entrants, absent = [], []
    for peer in pace.until_over(peers_of(models.get(plan), plan)):
        found = _at_its_best(peer, plan, tokens, models.device)
        if isinstance(found, Absent):
            tell(f"no {peer.name} in {plan.name}: {found.reason}")
            absent.append(found)
        else:
            entrants.append(found)
    return entrants, absent


def name_of(plan: PrecisionPlan) -> Precision:
    """The precision of a plan that is no oracle's."""
    assert plan.precision != "fp64", "the oracle takes no part"
    return plan.precision


def _at_its_best(peer: Peer, plan: PrecisionPlan, tokens: TokenSet, device: torch.device) -> Entrant | Absent:
    name = name_of(plan)
    if peer.forward is None:
        return Absent(engine=peer.name, precision=name, reason=peer.reason or "it is not ready")
    best: tuple[float, Entrant] | None = None
    for batch_tokens in BATCH_TOKENS[device.type]:
        way = padded(peer.forward, plan, device, by_budget(batch_tokens))
        seconds = _trial(way, tokens)
        if isinstance(seconds, str):
            # a larger batch needs more of whatever was missing
            return best[1] if best else Absent(engine=peer.name, precision=name, reason=seconds)
        if best is not None and seconds > best[0]:
            break
        entrant = Entrant(
            engine=peer.name, precision=name, way=way, attention=None, steps=None, batch_tokens=batch_tokens
        )
        best = seconds, entrant
    assert best is not None, "there are batch sizes for every device"
    return best[1]


def _trial(way: Way, tokens: TokenSet) -> float | str:
    """Seconds for `tokens`, the first time apart, or why it failed."""
    try:
        work = way(tokens)
        timed(work)
        first = timed(work)
        return first if first > _LONG_S else min(first, timed(work), timed(work))
    except FAILURES as error:
        text = failure_text(error)
    # outside the handler: within it the traceback would keep the batch's tensors alive
    release()
    return text
