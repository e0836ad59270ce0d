"""Refuse --device cuda before a run exists, where neither a driver nor torch can give one; loads no torch."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from vp_tui.core.errors import UsageError

DRIVERS: Final = ("/dev/nvidiactl", "/dev/dxg", "/dev/kfd", "/dev/nvmap", "/dev/nvhost-ctrl")
"""Device files of NVIDIA's driver, of WSL, of ROCm and of Jetson boards."""


def require_device(asked: str) -> None:
    """Refuse a CUDA device on a machine that has none for certain; which ones it has is seen by the run.

    Raises:
        UsageError: no driver, or a torch without CUDA.
    """
    if not asked.startswith("cuda"):
        return
    if not any(Path(one).exists() for one in DRIVERS):
        raise UsageError(f"--device {asked}: no GPU driver on this machine; use --device auto or cpu")
    if _is_without_cuda():
        raise UsageError(
            f"--device {asked}: torch {version('torch')} is built without CUDA; install a CUDA build, or use --device "
            "auto or cpu"
        )


def _is_without_cuda() -> bool:
    try:
        return version("torch").endswith("+cpu")
    except PackageNotFoundError:
        # a torch that is no installed package is looked at by the run
        return False
