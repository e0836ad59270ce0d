"""How the threads of a worker wait for each other on a CPU; loads no torch, for OpenMP reads it when torch is imported.

torch's threads meet at the end of every operation, and OpenMP lets the early ones spin (GNU: 300,000 rounds). When
another process takes a core, the thread that all wait for is not running, and the spinning ones use up its time: 400
small layers on two loaded cores took 48 s (13 s of CPU), and 9 s (2.3 s of CPU) with threads that soon go to sleep.
The number of threads stays torch's own: next to one busy process two sleeping threads were faster than one in every
measurement (2 to 4 s against 5.6 s), and a number chosen at the start would hold after that process has ended.

NumPy's OpenBLAS gets one thread: the measures call it from a thread per core, and OpenBLAS lets only one of them in at
a time, while its own threads spin on every core. On x86 only: elsewhere torch multiplies by an OpenBLAS too.
"""

import platform
from collections.abc import Mapping, MutableMapping
from types import MappingProxyType
from typing import Final

NUM_THREADS: Final = "OMP_NUM_THREADS"
WAITING: Final[Mapping[str, str]] = MappingProxyType({"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"})
"""1,000 rounds, a few microseconds, are what GNU OpenMP itself takes where it sees more threads than cores."""
BLAS_THREADS: Final = "OPENBLAS_NUM_THREADS"
_X86: Final = frozenset({"x86_64", "AMD64"})


def let_threads_sleep(environment: MutableMapping[str, str], machine: str = platform.machine()) -> None:
    """Set WAITING and BLAS_THREADS where neither numpy nor torch is imported yet; what the user has set stays."""
    if not WAITING.keys() & environment.keys():
        environment.update(WAITING)
    if machine in _X86:
        environment.setdefault(BLAS_THREADS, "1")


def thread_facts(threads: int, environment: Mapping[str, str]) -> dict[str, str | int]:
    """The number of threads, the reason for it, and how they wait, for the run record."""
    given = environment.get(NUM_THREADS)
    waiting = " ".join(f"{name}={environment[name]}" for name in WAITING if name in environment)
    return {
        "threads": threads,
        "threads_reason": f"{NUM_THREADS}={given}" if given else "torch's default: the cores this process may use",
        "threads_wait": waiting or "OpenMP's default",
    }
