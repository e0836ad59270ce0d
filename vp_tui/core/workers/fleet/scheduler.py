"""Hands packs out to devices, block by block, with a bound on what each holds; knows neither Ray nor torch.

A call costs the same for one pack as for several, so that short ones go together; how many is decided by the seconds
that a device has taken so far. What a lost device held is handed out again. The order of the results is the caller's:
it asks for one by its number.
"""

import heapq
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar

from vp_tui.core import text as fmt
from vp_tui.core.errors import ResourceError
from vp_tui.core.workers.fleet.accounts import Account

Result = TypeVar("Result")

IN_FLIGHT: Final = 2
"""Packs that a device holds at least: one that it encodes, and one for when it is done."""
HELD_SECONDS: Final = 0.3
"""Of device work that a device holds where its packs are shorter: what the run's process may do without looking."""
CALL_SECONDS: Final = 0.1
"""Of device work in one call, which costs about 1 ms: so many packs, or one that takes longer."""
LOOK_SECONDS: Final = 2.0
"""At most between two looks at the devices while none of them answers."""


class LostError(Exception):
    """A device is gone: its process, its GPU or its machine."""


class Device(Protocol):
    """Where packs are encoded."""

    @property
    def name(self) -> str: ...
    def seconds_per_token(self, work: Any) -> float | None:
        """Return the newest device seconds per token of works like this one; None before the first."""

    def submit(self, works: Sequence[Any]) -> Any:
        """Begin `works`, one after the other, and return their ticket, which is hashable.

        Raises:
            LostError: the device is gone.
        """

    def collect(self, ticket: Any) -> Sequence[tuple[Any, float]]:
        """Return the result of each work of a ticket that is done, or what it has raised, and its device seconds.

        Raises:
            LostError: the device is gone.
            Exception: what the call has raised; none of its works has a result.
        """


Wait = Callable[[Sequence[Any], float], Sequence[Any]]
"""Tickets and seconds in; those that are done out, as soon as there is one, or none after the seconds."""


@dataclass(order=True, slots=True)
class _Task:
    """Compared in the order of its fields: block by block, the longest first, equal ones in their order."""

    block: int
    minus_tokens: int
    number: int
    work: Any = field(compare=False)

    @property
    def tokens(self) -> int:
        return -self.minus_tokens


@dataclass(frozen=True, slots=True)
class _Call:
    place: int
    tasks: Sequence[_Task]
    expected_s: float


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
        self._flying: dict[Any, _Call] = {}
        self._done: dict[int, Result | _Failed] = {}
        self._number = self._blocks = 0

    @property
    def alive(self) -> list[int]:
        """Return the places of the devices that are not lost."""
        return [place for place, account in enumerate(self.accounts) if not account.lost]

    def add(self, works: Iterable[tuple[int, Any]]) -> list[int]:
        """Queue the works of a block, each with its tokens; return their numbers. Nothing is handed out yet.

        Blocks keep their order: else the caller waits for the last work of one and takes all others at the end.
        """
        numbers = []
        for number, (tokens, work) in enumerate(works, self._number):
            heapq.heappush(self._queue, _Task(self._blocks, -tokens, number, work))
            numbers.append(number)
        self._blocks += 1
        self._number += len(numbers)
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
        """Hand out what the devices have room for, wait for an answer, and take what is there; raises as `result`."""
        self._hand_out()
        assert self._flying, "a result that nothing was queued for, or that was taken before"
        self._take_done(LOOK_SECONDS)

    def feed(self) -> None:
        """Take what is done and hand out what the devices have room for; wait for nothing.

        Raises:
            ResourceError: no device is left.
        """
        if self._flying:
            self._take_done(0.0)
        self._hand_out()

    def _hand_out(self) -> None:
        while self._queue:
            place = self._next_place()
            if place is None:
                return
            tasks, expected_s = self._next_tasks(place)
            try:
                ticket = self._devices[place].submit([task.work for task in tasks])
            except LostError as error:
                self._queue_again(tasks)
                self.lose(place, str(error))
                continue
            self._flying[ticket] = _Call(place, tasks, expected_s)
            account = self.accounts[place]
            account.held += len(tasks)
            account.held_s += expected_s

    def _next_place(self) -> int | None:
        """Return the device that has the least to do; None where each has enough.

        Raises:
            ResourceError: no device is left.
        """
        accounts = [(place, self.accounts[place]) for place in self.alive]
        if not accounts:
            reasons = "; ".join(f"{account.name}: {account.lost}" for account in self.accounts)
            raise ResourceError(
                f"no device is left ({reasons}); start again; a run and a folder continue with --resume"
            )
        ranks = [
            (account.held_s, account.held, account.busy_s, place)
            for place, account in accounts
            if account.held < IN_FLIGHT or account.held_s < HELD_SECONDS
        ]
        return min(ranks)[-1] if ranks else None

    def _next_tasks(self, place: int) -> tuple[list[_Task], float]:
        """Take the works of one call from the queue; return them and their expected seconds.

        The fewer are left, the fewer go into a call, so that all devices end at about the same time.
        """
        tasks = [heapq.heappop(self._queue)]
        expected_s = self._expected_s(place, tasks[0])
        most = len(self._queue) // (2 * len(self.alive))
        while self._queue and len(tasks) < most:
            more_s = self._expected_s(place, self._queue[0])
            if expected_s + more_s > CALL_SECONDS:
                break
            tasks.append(heapq.heappop(self._queue))
            expected_s += more_s
        return tasks, expected_s

    def _expected_s(self, place: int, task: _Task) -> float:
        """Return the device seconds of a task; those of a full device before there is a measured one."""
        pace = self._devices[place].seconds_per_token(task.work)
        return HELD_SECONDS if pace is None else pace * task.tokens

    def _take_done(self, seconds: float) -> None:
        for ticket in self._wait(list(self._flying), seconds):
            if ticket in self._flying:
                self._take(ticket)

    def _take(self, ticket: Any) -> None:
        call = self._flying[ticket]
        account = self.accounts[call.place]
        found: Sequence[tuple[Any, float]]
        try:
            found = self._devices[call.place].collect(ticket)
        except LostError as error:
            self.lose(call.place, str(error))
            return
        except Exception as error:  # noqa: BLE001 - whoever asks for these results gets it
            found = [(error, 0.0)] * len(call.tasks)
        del self._flying[ticket]
        for task, (result, seconds) in zip(call.tasks, found, strict=True):
            self._done[task.number] = _Failed(result) if isinstance(result, Exception) else result
            self._compare(call.place, task, seconds)
            account.tokens += task.tokens
            account.busy_s += seconds
        account.packs += len(call.tasks)
        account.held -= len(call.tasks)
        account.held_s = account.held_s - call.expected_s if account.held else 0.0
        self._name_straggler(account)

    def _queue_again(self, tasks: Iterable[_Task]) -> None:
        for task in tasks:
            heapq.heappush(self._queue, task)

    def lose(self, place: int, why: str) -> None:
        """Count a device out, and queue again what it held."""
        account = self.accounts[place]
        if account.lost:
            return
        account.lost = why or "gone"
        held = account.held
        for ticket in [ticket for ticket, call in self._flying.items() if call.place == place]:
            self._queue_again(self._flying.pop(ticket).tasks)
        account.held, account.held_s = 0, 0.0
        rest = f"{len(self.alive)} of {len(self.accounts)} devices are left"
        self._tell(f"{account.name} is lost ({account.lost}): packed batches encoded again: {held}; {rest}")

    def _compare(self, place: int, task: _Task, seconds: float) -> None:
        """Add a task to what a device took, and to what the others take for such a work now."""
        paces = [self._devices[one].seconds_per_token(task.work) for one in self.alive if one != place]
        known = [pace for pace in paces if pace is not None]
        if known and seconds > 0:
            self.accounts[place].compare(seconds, statistics.median(known) * task.tokens)

    def _name_straggler(self, account: Account) -> None:
        if account.turns_slow():
            times = fmt.number(account.judged_s / account.usual_s)
            self._tell(
                f"{account.name} takes {times} times as long per token as the other devices: look for another process, "
                "heat, or a slower model of GPU there"
            )
