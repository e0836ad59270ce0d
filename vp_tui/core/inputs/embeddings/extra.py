"""Packages that only some formats need: the extra `files`."""

from importlib import import_module
from pathlib import Path
from typing import Any

from vp_tui.core.errors import UsageError


def require(module: str, path: Path) -> Any:
    """Return a module of the extra.

    Raises UsageError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise UsageError(f"{path} needs {package}, which is not installed: pip install 'vp-tui[files]'") from error
