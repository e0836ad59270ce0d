"""The facts of machine, versions and model that can move a number, for the run record."""

import os
import platform
import sqlite3
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from vp_tui import __version__
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine import gpu
from vp_tui.core.engine.threads import thread_facts
from vp_tui.core.errors import UsageError
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import ModelSpec
from vp_tui.core.models import precision

_MOVES_NUMBERS = (
    "CUBLAS_",
    "CUDNN_",
    "ONEDNN_",
    "DNNL_",
    "MKL_",
    "TORCH_BLAS",
    "TORCH_CUDNN",
    "NVIDIA_TF32",
    "OMP_NUM",
)
"""Beginnings of variables by which libraries choose kernels, workspaces or threads; recorded with a run."""


def resolve_device(asked: str) -> tuple[torch.device, str]:
    """The device a run uses, and why.

    Raises:
        UsageError: a CUDA device was asked for that torch does not see.
    """
    available = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if asked == "cpu":
        return torch.device("cpu"), "asked for"
    if asked == "auto":
        if available:
            return torch.device("cuda", 0), "the first CUDA device"
        return torch.device("cpu"), f"torch {torch.__version__} sees no CUDA device"
    index = int(asked.partition(":")[2] or 0)
    if index >= available:
        raise UsageError(
            f"device {asked!r}: torch {torch.__version__} sees {available} CUDA devices; use --device auto or cpu"
        )
    return torch.device("cuda", index), "asked for"


def gpu_uuid(device: torch.device) -> str | None:
    """The UUID of a CUDA device as torch has it, None for the CPU."""
    return str(torch.cuda.get_device_properties(device).uuid) if device.type == "cuda" else None


def device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return _cpu_model() or platform.machine()


def _cpu_model() -> str | None:
    """The processor as /proc/cpuinfo names it; platform has x86_64 only."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def flags_of(plan: PrecisionPlan) -> dict[str, str | bool]:
    """The matmul switches as torch reads them back while `plan` runs."""
    with precision.matmul_mode(plan):
        return precision.flags()


def facts(device: torch.device, reason: str) -> dict[str, Any]:
    """Everything about versions, device and flags that belongs to a run."""
    found: dict[str, Any] = {
        "vp_tui": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "transformers": _version_of("transformers"),
        "flash_attn": _version_of("flash-attn"),
        "sqlite": sqlite3.sqlite_version,
        "os": platform.platform(),
        "cores": os.cpu_count(),
        **thread_facts(torch.get_num_threads(), os.environ),
        "device": str(device),
        "device_reason": reason,
        "device_name": device_name(device),
        "variables": {name: os.environ[name] for name in sorted(os.environ) if name.startswith(_MOVES_NUMBERS)},
    }
    uuid = gpu_uuid(device)
    if uuid is not None:
        major, minor = torch.cuda.get_device_capability(device)
        found |= {
            "gpu_uuid": uuid,
            "compute_capability": f"{major}.{minor}",
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            **gpu.facts(uuid),
        }
    return found


def model_facts(spec: ModelSpec, source: ModelSource, given: str, weights_sha256: str) -> dict[str, Any]:
    """The run document's `model`; `given` is what the user wrote."""
    return {
        "name": spec.name,
        "given": given,
        "kind": spec.kind,
        "layers": spec.num_layers,
        "hidden": spec.hidden,
        "heads": spec.num_heads,
        "parameters": spec.num_parameters,
        "alphabet": spec.alphabet,
        "max_residues": spec.max_residues,
        "pooling": spec.pooling,
        "revision": source.revision,
        "weights_sha256": weights_sha256,
    }
