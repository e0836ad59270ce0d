"""Facts of machine and versions as a run would record them, and the hash of a local checkpoint's weights.

The hash is null for a checkpoint of the hub, which is identified by its name.
"""

import argparse
from typing import Any

from vp_tui.core.engine import environment
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models.weight_hash import weights_sha256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--device", default="auto")


def main(options: argparse.Namespace) -> dict[str, Any]:
    """Return the facts in JSON types.

    Raises:
        ModelError: no such checkpoint, or one without configuration or weights.
        UsageError: a device that torch does not see.
    """
    source = resolve(options.model)
    if source.is_here:
        # raises with what is missing in the folder
        read_spec(source.path)
    return {
        "environment": environment.facts(*environment.resolve_device(options.device)),
        "weights_sha256": weights_sha256(source.path) if source.is_here else None,
    }
