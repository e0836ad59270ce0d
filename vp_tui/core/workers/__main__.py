"""The one entry point of child processes: `python -P -m vp_tui.core.workers NAME ARGUMENTS`.

Each name imports its own module only: a run never loads the benchmark, the doctor never loads the demo. A module has
`add_arguments(parser)` and `main(options)`; whatever ends it early is reported here, in one place.
"""

import argparse
import gc
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType, ModuleType
from typing import Final

from vp_tui.core.engine.host_memory import prepare_process
from vp_tui.core.errors import ExitCode, RunFailedError, VpTuiError
from vp_tui.core.runs import bytecode
from vp_tui.core.runs.worker import PACKAGE, answer_document, error_document
from vp_tui.core.text import safe


@dataclass(frozen=True, slots=True)
class Worker:
    module: str
    """Below vp_tui.core."""
    answers: bool
    """True: main returns a document, and stdout gets one JSON object. False: main returns the exit code, and
    errors go to stderr."""


WORKERS: Final[Mapping[str, Worker]] = MappingProxyType(
    {
        "run": Worker("workers.validate.run", answers=False),
        "faulty-run": Worker("workers.validate.faulty_run", answers=False),
        "judge-check": Worker("workers.judged.check", answers=True),
        "judged-run": Worker("workers.judged.run", answers=False),
        "recompute": Worker("workers.validate.recompute", answers=True),
        "search": Worker("workers.search.run", answers=False),
        "embed": Worker("workers.embed", answers=False),
        "embed-folder": Worker("workers.embed_folder", answers=False),
        "doctor": Worker("workers.doctor", answers=True),
        "env-probe": Worker("workers.env_probe", answers=True),
        "demo-files": Worker("workers.demo.checkpoints", answers=False),
        "plant": Worker("workers.plant.worker", answers=True),
        "virnucpro": Worker("workers.virnucpro.pipeline", answers=True),
        "run-labels": Worker("workers.virnucpro.run_labels", answers=True),
        "bench": Worker("bench.worker", answers=False),
    }
)


def _imported(name: str) -> ModuleType:
    """Import without the garbage collector, which then never looks at what was imported.

    torch makes a million objects that stay. Collections while it is imported, and those at the end of the process,
    are a third of the CPU seconds of a short run.

    Raises RunFailedError: a compiled Python file is cut.
    """
    gc.disable()
    try:
        return import_module(name)
    except EOFError as error:
        next_step = bytecode.discard(os.environ)
        raise RunFailedError(f"a compiled Python file is cut ({error}): {next_step}") from error
    finally:
        gc.freeze()
        gc.enable()


def main(arguments: Sequence[str]) -> int:
    name, *rest = arguments
    worker = WORKERS[name]
    try:
        module = _imported(f"vp_tui.core.{worker.module}")
        parser = argparse.ArgumentParser(prog=f"{PACKAGE} {name}", description=module.__doc__)
        module.add_arguments(parser)
        result = module.main(parser.parse_args(rest))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except VpTuiError as error:
        if worker.answers:
            sys.stdout.write(json.dumps(error_document(error)))
        else:
            sys.stderr.write(f"error: {safe(error)}\n")
        return error.exit_code
    if not worker.answers:
        return int(result)
    sys.stdout.write(json.dumps(answer_document(result), allow_nan=False))
    return ExitCode.GOOD


if __name__ == "__main__":
    prepare_process(os.environ)
    sys.exit(main(sys.argv[1:]))
