"""What is here now, as JSON on stdout: `python -m vp_tui.core.workers.env_probe [--model MODEL] [--device cpu]`.

The facts of machine and versions as a run would record them, and the hash of a checkpoint's weights where it lies on
this machine (null for one of the hub, which is known by its name).
"""

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from vp_tui.core.engine import environment
from vp_tui.core.errors import ExitCode, VpTuiError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models.loading import weights_sha256


def found(model: str, device: str = "auto") -> dict[str, Any]:
    """The facts in JSON types.

    Raises:
        ModelError: no such checkpoint, or one without configuration or weights.
        UsageError: a device that torch does not see.
    """
    source = resolve(model)
    if source.is_here:
        # says in words what a folder lacks
        read_spec(source.path)
    return {
        "environment": environment.facts(*environment.resolve_device(device)),
        "weights_sha256": weights_sha256(source.path) if source.is_here else None,
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the facts; 0, or the exit code of the error whose text goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    try:
        document = found(options.model, options.device)
    except VpTuiError as error:
        sys.stderr.write(f"error: {error}\n")
        return int(error.exit_code)
    json.dump(document, sys.stdout, allow_nan=False)
    return int(ExitCode.GOOD)
