"""All devices of a run: Ray actors, the packs that they encode, and what is said of them while the run goes on."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import ray
from numpy.typing import NDArray

from vp_tui.core.errors import ResourceError
from vp_tui.core.events import Arm
from vp_tui.core.inputs.tokens import TokenSet
from vp_tui.core.store import device_rows
from vp_tui.core.store.device_rows import DeviceRow
from vp_tui.core.workers.fleet.actor import KEPT_TOKENS, About, Order, Work
from vp_tui.core.workers.fleet.agreement import difference
from vp_tui.core.workers.fleet.device import RayDevice, answer_of
from vp_tui.core.workers.fleet.encoder import FleetEncoder
from vp_tui.core.workers.fleet.facts import Facts
from vp_tui.core.workers.fleet.same_weights import hash_here
from vp_tui.core.workers.fleet.scheduler import LostError, Scheduler

TELL_SECONDS: Final = 1.0
"""Between two writes of the rows that the screen shows."""


def ready(tickets: Sequence[Any], seconds: float) -> Sequence[Any]:
    """Return the tickets that are done, as soon as there is one, or none after `seconds`."""
    done: Sequence[Any]
    done, _ = ray.wait(tickets, num_returns=1, timeout=seconds)
    if done and len(tickets) > 1:
        done, _ = ray.wait(tickets, num_returns=len(tickets), timeout=0)
    return done


class Fleet:
    """The devices of a run; every call is made by one thread of the run's process."""

    def __init__(self, devices: Sequence[RayDevice], kind: str, threads: int, tell: Callable[[str], None]) -> None:
        """`tell` gets a sentence for each device that is lost, slow, or computes something else than the first."""
        self.devices = list(devices)
        self.kind, self.threads = kind, threads
        self._scheduler: Scheduler[Any] = Scheduler(self.devices, ready, tell)
        self._tell = tell
        self._unequal: set[int] = set()
        self._shared: list[tuple[TokenSet, Any]] = []
        self._folder: Path | None = None
        self._told_s = 0.0

    def show_in(self, folder: Path) -> None:
        """From now on write the rows of the devices into the run's folder."""
        self._folder = folder

    @property
    def count(self) -> int:
        """Return how many devices there were at the start."""
        return len(self.devices)

    @property
    def lost(self) -> list[str]:
        """Return the names of the devices that are gone."""
        return [account.name for account in self._scheduler.accounts if account.lost]

    def share(self, tokens: TokenSet) -> Any:
        """Return a reference to `tokens`, which each machine fetches once."""
        for known, shared in self._shared:
            if known is tokens:
                return shared
        made = ray.put(replace(tokens, ids_N=compact(tokens.ids_N)))
        self._shared = [*self._shared, (tokens, made)][-KEPT_TOKENS:]
        return made

    def add(self, works: Iterable[tuple[int, Work]]) -> list[int]:
        """Queue packs, each with its tokens; hand out what the devices have room for, and return their numbers."""
        numbers = self._scheduler.add(works)
        self._scheduler.feed()
        return numbers

    def result(self, number: int) -> Any:
        """Return the EncodedBlock of a pack; raises as Scheduler.result."""
        found = self._scheduler.result(number)
        self._show()
        return found

    def drain(self) -> None:
        """Wait until nothing is queued."""
        self._scheduler.drain()

    def load(self, order: Order) -> tuple[Facts, FleetEncoder]:
        """Load an arm on every device at the same time; return the facts of the first.

        Raises:
            ModelError: a machine has another checkpoint, or as loading.load.
            UsageError, ResourceError: as loading.load, or no device is left.
        """
        weights = hash_here(order.source.path)
        facts: Facts = next(iter(self._every(lambda device: device.actor.load.remote(order, weights)).values()))
        return facts, FleetEncoder(self, order.arm)

    def unload(self, arm: Arm) -> None:
        """Free the memory of an arm on every device."""
        if self._scheduler.alive:
            self._every(lambda device: device.actor.unload.remote(arm))

    def on_every(self, arm: Arm, shared: Any, packs: Sequence[Any]) -> list[Any]:
        """Let every device encode the same packs, and compare; return the blocks of each, one per pack.

        Raises:
            OutOfMemoryError: a pack did not fit on a device.
            ResourceError: no device is left.
        """
        works = [(arm, shared, pack) for pack in packs]
        every = self._every(lambda device: device.actor.encode.remote(works))
        for place, (found, _) in every.items():
            for one in found:
                if isinstance(one, ResourceError):
                    raise one
            self.devices[place].note_pace([arm] * len(works), found)
        self._compare({place: found for place, (found, _) in every.items()})
        return [found for found, _ in every.values()]

    def _compare(self, blocks: Mapping[int, Sequence[Any]]) -> None:
        """Tell once of each device that computes something else than the first one of its kind."""
        firsts: dict[str, int] = {}
        for place, found in blocks.items():
            first = firsts.setdefault(_kind(self.devices[place].about), place)
            how = None if place in self._unequal else difference(blocks[first], found)
            if how is not None:
                self._unequal.add(place)
                self._tell(
                    f"{self.devices[first].name} and {self.devices[place].name} compute different embeddings of the "
                    f"same sequences ({how}); devices of one kind should agree to the last digit: look for memory "
                    "errors (nvidia-smi -q -d ECC) and other libraries on one of them"
                )

    def ask(self, arm: Arm, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """Return function(encoder, *arguments) with the encoder of the first device that answers.

        Raises:
            ResourceError: no device is left.
        """
        while True:
            place = self._first()
            try:
                return answer_of(self.devices[place].actor.ask.remote(arm, function, arguments))
            except LostError as error:
                self._scheduler.lose(place, str(error))

    def _first(self) -> int:
        if not self._scheduler.alive:
            raise ResourceError("no device is left; start again; a run and a folder continue with --resume")
        return self._scheduler.alive[0]

    def _every(self, call: Callable[[RayDevice], Any]) -> dict[int, Any]:
        """Return the answer of each device that is left after the call, by its place; at least one."""
        tickets = {place: call(self.devices[place]) for place in self._scheduler.alive}
        answers = {}
        for place, ticket in tickets.items():
            try:
                answers[place] = answer_of(ticket)
            except LostError as error:
                self._scheduler.lose(place, str(error))
        self._first()
        return answers

    def rows(self) -> tuple[DeviceRow, ...]:
        """Return what the screen and the run record show of each device."""
        return tuple(
            DeviceRow(
                name=device.name,
                model=device.about.name,
                state=f"lost: {account.lost}" if account.lost else "slow" if account.straggles else "works",
                packs=account.packs,
                tokens=account.tokens,
                tokens_per_s=account.tokens / account.busy_s if account.busy_s else None,
                utilization=None if account.lost else device.utilization,
                arms={arm: done.tokens / done.seconds for arm, done in device.done.items() if done.seconds},
            )
            for device, account in zip(self.devices, self._scheduler.accounts, strict=True)
        )

    def _show(self) -> None:
        now = time.monotonic()
        if self._folder is not None and now - self._told_s >= TELL_SECONDS:
            self._told_s = now
            device_rows.write(self._folder, self.rows())

    def close(self) -> None:
        """Write the last rows."""
        if self._folder is not None:
            device_rows.write(self._folder, self.rows())

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return what the run record says of the devices, in place of the facts of one device."""
        found: dict[str, Any] = {
            "device_name": f"{self.count} x {self.devices[0].about.name}",
            "devices": [
                {"name": device.name, "model": device.about.name, "node": device.about.node, **device.about.versions}
                for device in self.devices
            ],
            "ray": ray.__version__,
        }
        if self.kind == "cpu":
            reason = "the cores of this machine, divided by the devices"
            found |= {"threads": self.threads, "threads_reason": reason}
        return found

    @property
    def unlike(self) -> str | None:
        """Return how the devices differ, which moves the last digits of embeddings; None where they do not."""
        each = {_kind(device.about): device.name for device in self.devices}
        if len(each) == 1:
            return None
        words = "; ".join(f"{name}: {what}" for what, name in each.items())
        return f"the devices differ ({words}): embeddings differ by rounding with the device that encoded them"


def compact(ids_N: NDArray[np.int32]) -> NDArray[Any]:
    """Return token ids in the narrowest of three formats, which travel faster; encoders widen them on the device."""
    last = int(ids_N.max(initial=0))
    return ids_N.astype(np.uint8 if last < 2**8 else np.int16 if last < 2**15 else np.int32)


def _kind(about: About) -> str:
    return ", ".join([about.name, *(f"{name} {version}" for name, version in sorted(about.versions.items()))])
