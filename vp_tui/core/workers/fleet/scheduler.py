"""Hands packs out to devices, longest first, with a bound on what each holds; knows neither Ray nor torch.

What a lost device held is handed out again. The order of the results is the caller's: it asks for one by its number.
"""

import heapq
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from vp_tui.core import text as fmt
from vp_tui.core.errors import ResourceError

Result = TypeVar("Result")

IN_FLIGHT: Final = 2
"""Packs that a device holds: one that it encodes, and one for when it is done."""
STRAGGLES: Final = 1.5
"""A device that takes so much longer per token than the median of the others is named."""
JUDGED_PACKS: Final = 8
"""Packs that a device has encoded before it is compared with others."""
LOOK_SECONDS: Final = 2.0
"""At most between two looks at the devices while none of them answers."""


class LostError(Exception):
    """A device is gone: its process, its GPU or its machine."""


class Device(Protocol):
    """Where packs are encoded."""

    @property
    def name(self) -> str: ...
    def submit(self, work: Any) -> Any:
        """Begin `work` and return its ticket, which is hashable.

        Raises:
            LostError: the device is gone.
        """

    def collect(self, ticket: Any) -> tuple[Any, float]:
        """Return the result of a ticket that is done, and its seconds of device work.

        Raises:
            LostError: the device is gone.
            Exception: what the work has raised.
        """


Wait = Callable[[Sequence[Any], float], Sequence[Any]]
"""Tickets and seconds in; those that are done out, as soon as there is one."""


@dataclass(slots=True)
class Account:
    """What one device has done so far."""

    name: str
    packs: int = 0
    tokens: int = 0
    busy_s: float = 0.0
    """Seconds of device work."""
    held: int = 0
    """Packs in flight."""
    lost: str = ""
    """Why it is gone; empty while it works."""
    straggles: bool = False

    @property
    def seconds_per_token(self) -> float | None:
        """Return device seconds per token; None before JUDGED_PACKS."""
        return self.busy_s / self.tokens if self.packs >= JUDGED_PACKS and self.tokens else None


@dataclass(order=True, slots=True)
class _Task:
    of_set: int
    rank: tuple[int, int]
    """Minus its tokens, its number: the longest first, equal ones in their order."""
    work: Any = field(compare=False)

    @property
    def tokens(self) -> int:
        return -self.rank[0]


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class Scheduler(Generic[Result]):
    """The packs that wait, those in flight, and the results that nobody has asked for yet."""

    def __init__(self, devices: Sequence[Device], wait: Wait, tell: Callable[[str], None]) -> None:
        """`tell` gets a sentence when a device is lost or straggles."""
        self._devices = list(devices)
        self.accounts = [Account(device.name) for device in devices]
        self._wait, self._tell = wait, tell
        self._queue: list[_Task] = []
        self._flying: dict[Any, tuple[int, _Task]] = {}
        self._done: dict[int, Result | _Failed] = {}
        self._number = 0

    @property
    def alive(self) -> list[int]:
        """Return the places of the devices that are not lost."""
        return [place for place, account in enumerate(self.accounts) if not account.lost]

    def add(self, works: Iterable[tuple[int, Any]], of_set: int = 0) -> list[int]:
        """Queue works, each with its tokens; return their numbers. Nothing is handed out yet.

        Those of an earlier set are handed out first, so that a set ends while the next one is encoded.
        """
        numbers = []
        for tokens, work in works:
            heapq.heappush(self._queue, _Task(of_set, (-tokens, self._number), work))
            numbers.append(self._number)
            self._number += 1
        return numbers

    def result(self, number: int) -> Result:
        """Return the result of a work, and forget it; hand out and collect until it is there.

        Raises:
            ResourceError: no device is left.
            Exception: what the work has raised.
        """
        while number not in self._done:
            self.step()
        found = self._done.pop(number)
        if isinstance(found, _Failed):
            raise found.error
        return found

    def drain(self) -> None:
        """Hand out and collect until nothing waits or flies."""
        while self._queue or self._flying:
            self.step()

    def step(self) -> None:
        """Hand out what the devices have room for, wait for an answer, and take what is there.

        Raises:
            ResourceError: no device is left.
        """
        self._hand_out()
        assert self._flying, "a result that nothing was queued for, or that was taken before"
        for ticket in self._wait(list(self._flying), LOOK_SECONDS):
            if ticket in self._flying:
                self._take(ticket)

    def _hand_out(self) -> None:
        while self._queue:
            free = [place for place in self.alive if self.accounts[place].held < IN_FLIGHT]
            if not free:
                if not self.alive:
                    reasons = "; ".join(f"{account.name}: {account.lost}" for account in self.accounts)
                    raise ResourceError(
                        f"no device is left ({reasons}); start again; a run and a folder continue with --resume"
                    )
                return
            place = min(free, key=lambda one: (self.accounts[one].held, self.accounts[one].busy_s))
            task = heapq.heappop(self._queue)
            try:
                ticket = self._devices[place].submit(task.work)
            except LostError as error:
                heapq.heappush(self._queue, task)
                self.lose(place, str(error))
                continue
            self._flying[ticket] = (place, task)
            self.accounts[place].held += 1

    def _take(self, ticket: Any) -> None:
        place, task = self._flying[ticket]
        account = self.accounts[place]
        found: Any
        try:
            found, seconds = self._devices[place].collect(ticket)
        except LostError as error:
            self.lose(place, str(error))
            return
        except Exception as error:  # noqa: BLE001 - whoever asks for this result gets it
            found, seconds = _Failed(error), 0.0
        del self._flying[ticket]
        self._done[task.rank[1]] = found
        account.held -= 1
        account.packs += 1
        account.tokens += task.tokens
        account.busy_s += seconds
        self._name_straggler(account)

    def lose(self, place: int, why: str) -> None:
        """Count a device out, and queue again what it held."""
        account = self.accounts[place]
        if account.lost:
            return
        account.lost = why or "gone"
        held = [ticket for ticket, (where, _) in self._flying.items() if where == place]
        for ticket in held:
            heapq.heappush(self._queue, self._flying.pop(ticket)[1])
        account.held = 0
        rest = f"{len(self.alive)} of {len(self.accounts)} devices are left"
        self._tell(f"{account.name} is lost ({account.lost}): packed batches encoded again: {len(held)}; {rest}")

    def _name_straggler(self, account: Account) -> None:
        others = [one.seconds_per_token for one in self.accounts if one is not account and not one.lost]
        known = [one for one in others if one is not None]
        own = account.seconds_per_token
        if account.straggles or own is None or not known:
            return
        usual = statistics.median(known)
        if usual > 0 and own > STRAGGLES * usual:
            account.straggles = True
            self._tell(
                f"{account.name} takes {fmt.number(own / usual)} times as long per token as the other devices: "
                "look for another process, heat, or a slower model of GPU there"
            )


def rates(accounts: Sequence[Account]) -> Iterator[tuple[str, float]]:
    """Yield name and tokens per second of device work of each device that has encoded something."""
    for account in accounts:
        if account.busy_s > 0:
            yield account.name, account.tokens / account.busy_s
