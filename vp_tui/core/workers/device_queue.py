"""The queue of a device: a lock file, held by the process that may use it until it ends."""

import time
from collections.abc import Callable, Sequence
from typing import Final

import torch

from vp_tui.core.engine import environment
from vp_tui.core.store import lifecycle
from vp_tui.core.store.home import Home
from vp_tui.core.store.liveness import hold

POLL_SECONDS: Final = 0.5


def wait_for(home: Home, devices: Sequence[torch.device], on_wait: Callable[[], None]) -> None:
    """Take the locks of the devices; processes on one device go one after the other, in no promised order.

    Every process takes them in the order of their names, so that no two wait for each other. `on_wait` is called once
    if another process holds one.
    """
    names = sorted({environment.gpu_uuid(device) or device.type for device in devices})
    is_reported = False
    for name in names:
        while hold(lifecycle.lock_path(home, name), blocking=False) is None:
            if not is_reported:
                on_wait()
                is_reported = True
            time.sleep(POLL_SECONDS)
