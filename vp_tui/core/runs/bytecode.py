"""Compiled Python of worker processes, where the installation keeps none.

Container images are often built without .pyc files, or forbid to write them (PYTHONDONTWRITEBYTECODE). Every process
then compiles torch anew: 5 s in place of 2 s on the machine where it was seen. Workers there keep theirs in the user's
cache folder, which is private: what is in it is executed.
"""

import os
import shutil
from collections.abc import Mapping
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Final

import platformdirs

PREFIX: Final = "PYTHONPYCACHEPREFIX"
FORBIDDEN: Final = "PYTHONDONTWRITEBYTECODE"


def variables(environment: Mapping[str, str], package: str = "torch") -> dict[str, str]:
    """Return what a worker's environment needs for its imports to be compiled once; nothing where `package` is already.

    Nothing either where the user has chosen a place, or has no cache folder.
    """
    if environment.get(PREFIX) or _is_compiled(package):
        return {}
    folder = _folder()
    if not folder.is_absolute():
        return {}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except OSError:
        return {}
    is_private = about.st_uid == os.getuid() and not about.st_mode & 0o022
    return {PREFIX: str(folder), FORBIDDEN: ""} if is_private else {}


def discard(environment: Mapping[str, str]) -> str:
    """Delete what workers have compiled, after one could not read it; return what the reader does next.

    Before 3.12.8 Python keeps a .pyc file that a full disk has cut, and every later process fails to read it.
    """
    mine = _folder()
    if environment.get(PREFIX) == str(mine):
        shutil.rmtree(mine, ignore_errors=True)
        if not mine.exists():
            return "all of them were deleted; free space if the disk is full, and start again"
    place = environment.get(PREFIX) or "the __pycache__ folders of this Python's packages"
    return f"free space if the disk is full, delete {place}, and start again"


def _folder() -> Path:
    return Path(platformdirs.user_cache_dir("vp-tui")) / "bytecode"


def _is_compiled(package: str) -> bool:
    """Return True if a .pyc file lies beside the source of `package`, or it has no source."""
    spec = find_spec(package)
    if spec is None or spec.origin is None or not spec.has_location:
        return True
    return Path(cache_from_source(spec.origin)).exists()
