"""The queue of a device: a lock file, held by the process that may use it until it ends."""

import time
from collections.abc import Callable
from typing import Final

import torch

from vp_tui.core.engine import environment
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import hold

POLL_SECONDS: Final = 0.5


def wait_for(home: Home, device: torch.device, on_wait: Callable[[], None]) -> None:
    """Take the device's lock; processes on one device go one after the other, in no promised order.

    `on_wait` is called once if another process holds it.
    """
    path = lifecycle.lock_path(home, environment.gpu_uuid(device) or device.type)
    is_reported = False
    while hold(path, blocking=False) is None:
        if not is_reported:
            on_wait()
            is_reported = True
        time.sleep(POLL_SECONDS)
