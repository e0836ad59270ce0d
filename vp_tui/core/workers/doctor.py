"""Facts of this installation: versions, device, precision flags, attention kernels with reasons."""

import argparse
import importlib.metadata
from typing import Any, Final

import torch

from vp_tui.core.config import Precision, plain_plan
from vp_tui.core.engine import environment, gpu
from vp_tui.core.errors import Unavailable, UsageError
from vp_tui.core.inputs.spec import Kind
from vp_tui.core.models import attention
from vp_tui.core.models.ops import choose_ops
from vp_tui.core.models.precision import check, storage_dtype

PACKAGES = ("torch", "transformers", "safetensors", "numpy", "dnaio", "flash-attn", "triton", "nvidia-ml-py")
PRECISIONS: tuple[Precision, ...] = ("fp32", "tf32", "bf16", "fp16")
HEAD_DIM: Final = 64
"""Of ESM-2 650M and 3B and of DNABERT-S; the smaller ESM-2 have others."""
ALIBI: Final[dict[Kind, bool]] = {"esm2": False, "dnabert-s": True}


def add_arguments(_: argparse.ArgumentParser) -> None:
    pass


def main(_: argparse.Namespace) -> dict[str, Any]:
    """Return everything that only torch knows."""
    device, why = environment.resolve_device("auto")
    sample = gpu.read_once()
    return {
        "packages": {name: _version(name) for name in PACKAGES},
        "environment": environment.facts(device, why),
        "gpu_telemetry": sample.reason if isinstance(sample, Unavailable) else "available",
        "precisions": {name: _arm(name, device) for name in PRECISIONS},
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _arm(name: Precision, device: torch.device) -> dict[str, Any]:
    """Flags, and per kind of model the attention kernel, of a precision on `device`; or why it cannot run there."""
    plan = plain_plan(name)
    try:
        check(plan, device)
    except UsageError as error:
        return {"available": False, "reason": str(error)}
    models = {kind: _attention(name, device, alibi=alibi) for kind, alibi in ALIBI.items()}
    ops = choose_ops(storage_dtype(name), device, "auto").reason
    return {"available": True, "reason": None, "models": models, "ops": ops, "flags": environment.flags_of(plan)}


def _attention(name: Precision, device: torch.device, *, alibi: bool) -> dict[str, Any]:
    """Kernel, reason, and for every kernel whether it could be used and why not."""
    dtype = storage_dtype(name)
    choice = attention.choose("auto", dtype, device, alibi=alibi, head_dim=HEAD_DIM)
    why_not = attention.why_not(dtype, device, alibi=alibi, head_dim=HEAD_DIM)
    kernels = {kernel: {"available": why is None, "why_not": why} for kernel, why in why_not.items()}
    return {"attention": choice.name, "reason": choice.reason, "kernels": kernels}
