"""The one entry point of child processes: `python -P -m vp_tui.core.workers NAME ARGUMENTS`.

Each name imports its own module only: a run never loads the benchmark, the doctor never loads the demo.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Final

_PACKAGE: Final = "vp_tui.core"
WORKERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "run": "workers.validate.run",
        "recompute": "workers.validate.recompute",
        "embed": "workers.embed",
        "doctor": "workers.doctor",
        "env-probe": "workers.env_probe",
        "demo-files": "workers.demo.checkpoints",
        "virnucpro": "workers.virnucpro.pipeline",
        "bench": "bench.worker",
    }
)
"""Name of a worker -> the module whose main(arguments) it runs."""


def main(arguments: Sequence[str]) -> int:
    """Run the worker named first with the other arguments; returns its exit code."""
    name, *rest = arguments
    return int(import_module(f"{_PACKAGE}.{WORKERS[name]}").main(rest))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
