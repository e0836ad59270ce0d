"""One Ray actor as the run's process sees it: what it is given, what it answers, and what is known of its speed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, GetTimeoutError, RayError, RayTaskError

from vp_tui.core.engine.encode import EncodedBlock
from vp_tui.core.events import Arm
from vp_tui.core.workers.fleet.actor import About, Work
from vp_tui.core.workers.fleet.scheduler import LostError


@dataclass(slots=True)
class Done:
    """What one device has encoded in one arm."""

    tokens: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class RayDevice:
    """One actor."""

    name: str
    """As the reader knows it: cuda:0, cpu:1; on other machines with their name before it."""
    actor: Any
    about: About
    done: dict[Arm, Done] = field(default_factory=dict)
    utilization: float | None = None
    """Newest, in percent."""
    paces: dict[Arm, float] = field(default_factory=dict)
    """Device seconds per token of the newest call, also of a warm-up."""
    _arms: dict[Any, Sequence[Arm]] = field(default_factory=dict)

    def seconds_per_token(self, work: Work) -> float | None:
        """Return the newest device seconds per token in the arm of this work."""
        return self.paces.get(work[0])

    def submit(self, works: Sequence[Work]) -> Any:
        """Begin to encode packs; raises LostError."""
        try:
            ticket = self.actor.encode.remote(works)
        except RayError as error:
            raise LostError(why_lost(error)) from error
        self._arms[ticket] = [arm for arm, _, _ in works]
        return ticket

    def collect(self, ticket: Any) -> list[tuple[Any, float]]:
        """Return the EncodedBlock of each pack, or its ResourceError; raises LostError, or what the call raised."""
        arms = self._arms.pop(ticket)
        found, self.utilization = answer_of(ticket)
        self.note_pace(arms, found)
        return [(one, self._count(arm, one)) for arm, one in zip(arms, found, strict=True)]

    def note_pace(self, arms: Sequence[Arm], found: Sequence[Any]) -> None:
        """Keep the seconds per token of the packs that one call has encoded."""
        for arm in set(arms):
            blocks = [
                one for which, one in zip(arms, found, strict=True) if which == arm and isinstance(one, EncodedBlock)
            ]
            tokens = sum(block.tokens for block in blocks)
            if tokens:
                self.paces[arm] = sum(block.encode_s for block in blocks) / tokens

    def _count(self, arm: Arm, found: Any) -> float:
        """Add a block to what the device has done in the arm; return its device seconds."""
        if not isinstance(found, EncodedBlock):
            return 0.0
        account = self.done.setdefault(arm, Done())
        account.tokens += found.tokens
        account.seconds += found.encode_s
        return found.encode_s


def answer_of(ticket: Any) -> Any:
    """Return what an actor has answered.

    Raises:
        LostError: the actor, its machine or its GPU is gone.
        Exception: what it has raised.
    """
    try:
        return ray.get(ticket)
    except RayTaskError as error:
        cause = error.cause
        # a GPU that has failed once answers nothing more in that process
        if isinstance(cause, RuntimeError) and "CUDA error" in str(cause):
            raise LostError(str(cause).partition("\n")[0]) from error
        raise cause from error
    except GetTimeoutError:
        raise
    except RayError as error:
        raise LostError(why_lost(error)) from error


def why_lost(error: RayError) -> str:
    """Return in few words why Ray has no answer."""
    if isinstance(error, ActorDiedError):
        reason = str(error)
        if "node" in reason.lower() and ("died" in reason.lower() or "terminated" in reason.lower()):
            return "its process or its machine has ended"
        return "its process has ended"
    if isinstance(error, ActorUnavailableError):
        return "it cannot be reached"
    return type(error).__name__
