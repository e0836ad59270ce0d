"""What this installation would run with, as JSON on stdout: versions, device, precision flags, kernels and why."""

import importlib.metadata
import json
import sys
from typing import Any

import torch

from vp_tui.core import environment, gpu
from vp_tui.core.config import Precision, plain_plan
from vp_tui.core.errors import UsageError
from vp_tui.core.models import attention
from vp_tui.core.precision import check, storage_dtype

PACKAGES = ("torch", "transformers", "safetensors", "numpy", "dnaio", "flash-attn", "nvidia-ml-py")
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16", "fp16")


def examine() -> dict[str, Any]:
    """Everything that needs torch to be known."""
    device, why = environment.resolve_device("auto")
    sample = gpu.read_once()
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": environment.facts(device, why),
        "gpu_telemetry": "available" if not isinstance(sample, str) else sample,
        "precisions": {name: _arm(name, device) for name in PRECISIONS},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _arm(name: Precision, device: torch.device) -> dict[str, Any]:
    """The attention kernel a precision would get on `device`, or why it cannot run there."""
    plan = plain_plan(name)
    try:
        check(plan, device)
    except UsageError as error:
        return {"available": False, "reason": str(error)}
    kernel, reason = attention.choose(storage_dtype(name), device)
    return {"available": True, "attention": kernel.name, "reason": reason, "flags": environment.flags_of(plan)}


if __name__ == "__main__":
    json.dump(examine(), sys.stdout, allow_nan=False)
