"""What the arms of a run know of several devices; Ray is behind it (core.workers.fleet.fleet)."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from vp_tui.core.engine.queueing import PackEncoder
from vp_tui.core.events import Arm
from vp_tui.core.store.device_rows import DeviceRow
from vp_tui.core.workers.fleet.actor import Order
from vp_tui.core.workers.fleet.facts import Facts


class Several(Protocol):
    """Several devices."""

    @property
    def count(self) -> int:
        """Return how many there were at the start."""

    @property
    def lost(self) -> Sequence[str]:
        """Return the names of those that are gone."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """Return what the run record says of them, in place of the facts of one device."""

    @property
    def unlike(self) -> str | None:
        """Return how they differ, which moves the last digits of embeddings; None where they do not."""

    def load(self, order: Order) -> tuple[Facts, PackEncoder]:
        """Load an arm on every device at the same time.

        Raises:
            UsageError, ModelError, ResourceError: as loading.load, or no device is left.
        """

    def unload(self, arm: Arm) -> None:
        """Free the memory of an arm on every device."""

    def ask(self, arm: Arm, function: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        """Return function(encoder, *arguments) with the Encoder of the first device that answers."""

    def rows(self) -> tuple[DeviceRow, ...]:
        """Return what the screen and the run record show of each device."""

    def show_in(self, folder: Path) -> None:
        """From now on write these rows into the run's folder."""
