"""The GPUs that torch sees, and the one it calls cuda:0, found through NVML alone, so that nothing needs torch.

CUDA_VISIBLE_DEVICES names it by index, UUID (GPU-, MIG-) or a unique beginning of one; an empty or wrong first entry
hides all. CUDA counts the fastest GPU first and the others in the order of the PCI bus, unless CUDA_DEVICE_ORDER is
PCI_BUS_ID; NVML counts by the PCI bus. Source: CUDA C++ Programming Guide, environment variables.
"""

from collections.abc import Mapping
from itertools import takewhile
from typing import Any, Final

import pynvml

from vp_tui.core.errors import Unavailable

_VARIABLE: Final = "CUDA_VISIBLE_DEVICES"
_ORDER: Final = "CUDA_DEVICE_ORDER"


def first_visible(environment: Mapping[str, str]) -> Any:
    """Return NVML's handle of the first GPU that CUDA would show, or Unavailable; NVML must be initialized.

    Raises:
        pynvml.NVMLError: NVML does not answer.
    """
    if pynvml.nvmlDeviceGetCount() == 0:
        return Unavailable("NVML sees no GPU on this machine")
    asked = environment.get(_VARIABLE)
    if asked is None:
        return _at(0, environment)
    found = _found(asked.partition(",")[0].strip(), environment)
    return Unavailable(f"{_VARIABLE} is {asked!r}: CUDA shows no GPU") if found is None else found


def count_visible(environment: Mapping[str, str]) -> int:
    """Return how many GPUs CUDA would show: entries after a wrong one are hidden; NVML must be initialized.

    Raises:
        pynvml.NVMLError: NVML does not answer.
    """
    asked = environment.get(_VARIABLE)
    if asked is None:
        return int(pynvml.nvmlDeviceGetCount())
    found = (_found(entry.strip(), environment) for entry in asked.split(","))
    return sum(1 for _ in takewhile(lambda one: one is not None and not isinstance(one, Unavailable), found))


def _found(entry: str, environment: Mapping[str, str]) -> Any:
    """Return the handle of an entry of CUDA_VISIBLE_DEVICES; Unavailable for a name nobody has, None for no GPU."""
    if entry.isascii() and entry.isdigit() and int(entry) < pynvml.nvmlDeviceGetCount():
        return _at(int(entry), environment)
    return _named(entry) if entry.startswith(("GPU-", "MIG-")) else None


def _at(index: int, environment: Mapping[str, str]) -> Any:
    places = list(range(pynvml.nvmlDeviceGetCount()))
    if environment.get(_ORDER, "").upper() != "PCI_BUS_ID" and len(places) > 1:
        fastest = max(places, key=lambda place: (_speed(place), -place))
        places.remove(fastest)
        places.insert(0, fastest)
    return pynvml.nvmlDeviceGetHandleByIndex(places[index])


def _speed(place: int) -> float:
    """Return cores times clock, 0 where NVML does not tell them."""
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(place)
        return float(pynvml.nvmlDeviceGetNumGpuCores(handle)) * float(
            pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_SM)
        )
    except (pynvml.NVMLError, AttributeError):
        # a pynvml of another package lacks functions
        return 0.0


def _named(name: str) -> Any:
    try:
        return pynvml.nvmlDeviceGetHandleByUUID(name)
    except pynvml.NVMLError:
        pass
    for place in range(pynvml.nvmlDeviceGetCount()):
        handle = pynvml.nvmlDeviceGetHandleByIndex(place)
        if str(pynvml.nvmlDeviceGetUUID(handle)).startswith(name):
            return handle
    return Unavailable(f"{_VARIABLE} is {name!r}: NVML does not know this GPU")
