"""How a worker gets and keeps memory of the host; loads no torch, which reads HUGE_PAGES at its first tensor.

The tensors of a packed batch are larger than the pages of 4 KiB that a processor finds quickly, and a forward on a CPU
allocates them anew in every layer. glibc's limits, from which it returns freed memory to the system, follow the
allocations so far: the same 2,000 tokens through ESM-2 35M took between 0 and 49,000 page faults.
"""

import ctypes
from collections.abc import MutableMapping
from typing import Final

from vp_tui.core.engine.threads import let_threads_sleep

HUGE_PAGES: Final = "THP_MEM_ALLOC_ENABLE"
"""torch's variable: with 1 it asks Linux for pages of 2 MiB for CPU tensors of that size or larger."""

_KEPT_BYTES: Final = 2**28
"""Freed memory that a process keeps at most: about what a packed batch takes on a CPU in ESM-2 650M."""
_OWN_MAPPING: Final = 2**25
"""Size from which an allocation has a mapping of its own, which is always returned; glibc accepts no larger one."""
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3


def prepare_process(environment: MutableMapping[str, str]) -> None:
    """Prepare threads and memory of this process, whose `environment` it is, before numpy or torch are imported."""
    let_threads_sleep(environment)
    prepare_memory(environment)


def prepare_memory(environment: MutableMapping[str, str]) -> None:
    """Use huge pages, unless the user has set the variable, and keep what a layer frees for the next one.

    `environment` is that of this process, which has not imported torch. C libraries other than glibc stay as they are.
    """
    environment.setdefault(HUGE_PAGES, "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_M_MMAP_THRESHOLD, _OWN_MAPPING)
