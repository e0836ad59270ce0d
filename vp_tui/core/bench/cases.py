"""The cases of the bench: this engine and its peers in each precision, or the reason why one is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch

from vp_tui.core.bench.implementations import Implementation, Models, packed
from vp_tui.core.bench.interleaved import FAILURES, Log, Protocol, failure_text, release, timed
from vp_tui.core.bench.peers import Peer, by_budget, padded, peers_of
from vp_tui.core.config import PrecisionPlan, plain_plan, plan_named
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import Unavailable, UsageError, VpTuiError
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.models import precision

OURS: Final = "vp-tui"

BATCH_TOKENS: Final = {"cuda": (2_048, 4_096, 8_192, 16_384, 32_768), "cpu": (256, 512, 1_024, 2_048, 4_096)}
"""Padded tokens per batch, tried in order until a larger batch is slower; the fastest is measured.

Small sizes come first: larger batches of proteins have more padding, and on an H200 transformers was fastest with 4,096
(ESM-2 3B, FP16)."""
_LONG_S: Final = 1.0
"""A longer trial is not repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    engine: str
    precision: str
    """Name of its plan."""
    implementation: Implementation
    attention: str | None
    """Attention kernel; None for a peer."""
    ops: str | None
    """Operations between the matmuls, plain or fused; None for a peer."""
    batch_tokens: int
    """Tokens of a packed batch, or padded tokens of a peer's batch."""

    @property
    def name(self) -> str:
        return f"{self.engine} {self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    engine: str
    precision: str
    reason: str


def runnable(asked: Sequence[str], device: torch.device) -> tuple[list[PrecisionPlan], list[Absent]]:
    """Return the plans of these names that `device` can run, and the others with reasons."""
    plans, absent = [], []
    for name in asked:
        plan = plan_named(name)
        assert plan is not None, "Options has checked the names"
        try:
            precision.check(plan, device)
        except VpTuiError as error:
            absent.append(Absent(engine=OURS, precision=plan.name, reason=str(error)))
        else:
            plans.append(plan)
    return plans, absent


def with_base(plans: Sequence[PrecisionPlan]) -> list[PrecisionPlan]:
    """Return the plans and, where a built-in one is among them, FP16, which it is compared with."""
    base = plain_plan("fp16")
    return [*plans, *([base] if base not in plans and not all(plan.is_plain for plan in plans) else [])]


def loaded(models: Models, plans: Sequence[PrecisionPlan]) -> tuple[list[PrecisionPlan], list[Absent]]:
    """Load the models and return their plans; one that does not fit in memory or has no such layers is absent."""
    found, absent = [], []
    for plan in plans:
        try:
            models.get(plan)
        except (torch.OutOfMemoryError, UsageError) as error:
            absent.append(Absent(engine=OURS, precision=plan.name, reason=failure_text(error)))
        else:
            found.append(plan)
    return found, absent


def own_cases(models: Models, plans: Sequence[PrecisionPlan], budget: int) -> list[Case]:
    """Return this engine with packed batches of `budget` tokens, in each plan."""
    return [
        Case(
            engine=OURS,
            precision=plan.name,
            implementation=packed(Encoder(models.get(plan), plan, models.device), budget),
            attention=models.get(plan).attention_kernel,
            ops=models.get(plan).ops,
            batch_tokens=budget,
        )
        for plan in plans
    ]


def peer_cases(
    models: Models, plan: PrecisionPlan, tokens: TokenSet, protocol: Protocol, log: Log
) -> tuple[list[Case], list[Absent]]:
    """Return every peer in `plan` with its fastest batch size on `tokens`, and the missing ones."""
    cases, absent = [], []
    for peer in protocol.until_stopped(peers_of(models.get(plan), plan)):
        found = _fastest(peer, plan, tokens, models.device)
        if isinstance(found, Absent):
            log(f"{peer.name} {plan.name} is not available: {found.reason}")
            absent.append(found)
        else:
            cases.append(found)
    return cases, absent


def _fastest(peer: Peer, plan: PrecisionPlan, tokens: TokenSet, device: torch.device) -> Case | Absent:
    if peer.forward is None:
        return Absent(engine=peer.name, precision=plan.name, reason=peer.reason or "not available")
    best: tuple[float, Case] | None = None
    for batch_tokens in BATCH_TOKENS[device.type]:
        implementation = padded(peer.forward, plan, device, by_budget(batch_tokens))
        seconds = _trial(implementation, tokens)
        if isinstance(seconds, Unavailable):
            # a larger batch needs even more of the missing resource
            return best[1] if best else Absent(engine=peer.name, precision=plan.name, reason=seconds.reason)
        if best is not None and seconds > best[0]:
            break
        case = Case(
            engine=peer.name,
            precision=plan.name,
            implementation=implementation,
            attention=None,
            ops=None,
            batch_tokens=batch_tokens,
        )
        best = seconds, case
    assert best is not None, "there are batch sizes for every device"
    return best[1]


def _trial(implementation: Implementation, tokens: TokenSet) -> float | Unavailable:
    """Return the seconds for `tokens` after one warm-up call, or the reason of a failure."""
    try:
        work = implementation(tokens)
        timed(work)
        first = timed(work)
        return first if first > _LONG_S else min(first, timed(work), timed(work))
    except FAILURES as error:
        failure = Unavailable(failure_text(error))
    # outside the handler: there the traceback keeps the tensors of the batch alive
    release()
    return failure
