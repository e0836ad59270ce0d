"""Which devices a run uses: one, as ever, or several through Ray, which is imported for them only."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from vp_tui.core.config import RunConfig
from vp_tui.core.engine import environment
from vp_tui.core.errors import UsageError
from vp_tui.core.events import AlertRaised, PhaseChanged, now_us
from vp_tui.core.runs import devices
from vp_tui.core.runs.devices import Devices
from vp_tui.core.workers.fleet import cluster

if TYPE_CHECKING:
    # it imports Ray
    from vp_tui.core.workers.fleet.fleet import Fleet

Chosen = tuple[torch.device, str, Devices | None]
"""The first device, the reason for it, and all of them where there are several."""


def choose(config: RunConfig) -> Chosen:
    """Return the run's first device, the reason for it, and all of them where there are several.

    Raises:
        UsageError: a device that does not exist, or devices that cannot be used together.
    """
    if not config.devices and not config.ray:
        return *environment.resolve_device(config.device), None
    devices.require(config)
    asked = devices.parse(config.devices or "all")
    if asked.kind == "cuda" and config.ray and not torch.cuda.is_available():
        raise UsageError(
            "--ray with GPUs: start vp-tui on a machine of the cluster that has a GPU; use --devices cpu:N for "
            "processors"
        )
    here = cluster.used(asked) if not config.ray else (0,)
    first = torch.device("cpu") if asked.kind == "cpu" else torch.device("cuda", here[0])
    if len(here) == 1 and not config.ray:
        return first, "asked for", None
    return first, f"the first of --devices {config.devices or 'all'}", asked


def locked(device: torch.device, asked: Devices | None) -> list[torch.device]:
    """Return the devices of this machine that a run holds; a cluster shares its own out itself."""
    if asked is None or asked.kind == "cpu":
        return [device]
    return [torch.device("cuda", index) for index in cluster.used(asked)]


def shown(device: torch.device, asked: Devices | None) -> str:
    """Return the devices of a run as the store has them."""
    if asked is None or asked.kind == "cpu":
        return str(device)
    return f"cuda:{','.join(map(str, cluster.used(asked)))}"


@contextmanager
def several_of(
    config: RunConfig, asked: Devices | None, folder: Path, put: Callable[[AlertRaised | PhaseChanged], None]
) -> "Iterator[Fleet | None]":
    """Yield the devices of a run, None where it has one; those that are lost or slow are alerts.

    Raises:
        UsageError, ResourceError: as cluster.started.
    """
    if asked is None:
        yield None
        return

    def tell(text: str) -> None:
        put(AlertRaised(at_us=now_us(), kind="device", severity="warn", message=text))

    put(PhaseChanged(at_us=now_us(), phase="loading", detail="Ray"))
    with cluster.started(asked, config.ray or None, tell) as several:
        several.show_in(folder)
        yield several
