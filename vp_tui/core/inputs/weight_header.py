"""Weight files that are something else, known by their first bytes; no torch, so that no run is started on one."""

from pathlib import Path
from typing import Final

from vp_tui.core.errors import ModelError

_START: Final = 64
_LFS: Final = b"version https://git-lfs"


def check(path: Path) -> None:
    """Raise ModelError if `path` is empty, a git-lfs pointer or a web page."""
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise ModelError(f"cannot read {path}: {error.strerror or error}") from error
    if start.startswith(_LFS):
        raise ModelError(
            f"{path} is a git-lfs pointer, not the weights: run `git lfs pull` in that folder, or download the "
            "repository by `hf download`"
        )
    if start.lstrip().startswith(b"<"):
        raise ModelError(
            f"{path} is a web page, not weights: the download needed a login or went to the wrong address; download "
            "the repository by `hf download`"
        )
    if not start:
        raise ModelError(f"{path} is empty; fetch the checkpoint again")


def check_folder(folder: Path) -> None:
    """Raise ModelError as `check` for each weight file of `folder`."""
    for pattern in ("*.safetensors", "pytorch_model*.bin"):
        for path in sorted(folder.glob(pattern)):
            check(path)
