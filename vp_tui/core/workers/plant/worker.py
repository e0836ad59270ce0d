"""`vp-tui checkpoint plant` in its own process: arguments in, the content of planted.json out."""

import argparse
from pathlib import Path
from typing import Any

from vp_tui.core.engine.environment import resolve_device
from vp_tui.core.workers.plant.planting import Request, plant


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--kind", required=True)
    parser.add_argument("--culprits", type=int, required=True)
    parser.add_argument("--block", type=int)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--input")
    parser.add_argument("--device", required=True)


def main(options: argparse.Namespace) -> dict[str, Any]:
    device, _ = resolve_device(options.device)
    request = Request(
        kind=options.kind,
        culprits=options.culprits,
        block=options.block,
        seed=options.seed,
        input=options.input,
        device=str(device),
    )
    return plant(options.model, options.folder, request)
