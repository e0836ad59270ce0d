"""Where a checkpoint comes from, as the user wrote it: a folder, a fair-esm file, a short name or a hub id.

What it is, its files say (spec.py); nothing is guessed from the path. No torch here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vp_tui.core.errors import ModelError

SHORT_NAMES: Final[Mapping[str, str]] = {
    "esm2-8m": "facebook/esm2_t6_8M_UR50D",
    "esm2-35m": "facebook/esm2_t12_35M_UR50D",
    "esm2-150m": "facebook/esm2_t30_150M_UR50D",
    "esm2-650m": "facebook/esm2_t33_650M_UR50D",
    "esm2-3b": "facebook/esm2_t36_3B_UR50D",
    "esm2-15b": "facebook/esm2_t48_15B_UR50D",
    "dnabert-s": "zhihan1996/DNABERT-S",
}
"""Short name -> hub id."""

FAIR_ESM_SUFFIX: Final = ".pt"

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_REVISION: Final = re.compile(r"\w[\w./-]*")
_PATH_START: Final = ("/", "./", "../", "~")
_WEIGHT_SUFFIXES: Final = (FAIR_ESM_SUFFIX, ".pth", ".bin", ".safetensors", ".ckpt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """Where a checkpoint comes from: a folder, a fair-esm file or the hub.

    hub.fetch gives a source of the hub its folder and the commit hash that was used; the hub id stays its name.
    """

    given: str
    """What the user wrote."""
    folder: Path | None = None
    file: Path | None = None
    """A fair-esm checkpoint."""
    hub_id: str | None = None
    revision: str | None = None
    """Of the hub: the branch, tag or commit asked for; once fetched the commit hash."""
    trust_remote_code: bool = False
    """Whether the checkpoint's own Python code may run."""

    @property
    def name(self) -> str:
        """Hub id, else the name of the folder, or of the file without its ending."""
        if self.hub_id is not None:
            return self.hub_id
        return self.file.stem if self.file is not None else self.path.resolve().name

    @property
    def path(self) -> Path:
        """Folder or file on this machine; only a fetched source of the hub has one."""
        path = self.folder or self.file
        assert path is not None, "hub.fetch comes first"
        return path

    @property
    def is_here(self) -> bool:
        """Whether there is a path, without asking the hub."""
        return self.folder is not None or self.file is not None


def resolve(model: str, *, trust_remote_code: bool = False) -> ModelSource:
    """Source named by `model`: an existing folder or fair-esm .pt file, a short name (esm2-8m) or a hub id.

    Short names and hub ids (owner/name) may carry a branch, tag or commit: owner/name@revision.

    Raises ModelError for any other file, a path that does not exist and an unknown name.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return ModelSource(given=model, folder=path.resolve(), trust_remote_code=trust_remote_code)
    if path.exists():
        return _file(model, path)
    name, at, revision = model.partition("@")
    hub_id = SHORT_NAMES.get(name.lower(), name)
    if _looks_like_path(name):
        raise ModelError(
            f"no folder or file {model!r}; check the path, or give a hub id such as {SHORT_NAMES['esm2-8m']}"
        )
    if not _HUB_ID.fullmatch(hub_id):
        raise ModelError(
            f"{model!r} is neither a folder nor a hub id (owner/name) nor a short name; "
            f"short names: {', '.join(SHORT_NAMES)}"
        )
    if at and not _REVISION.fullmatch(revision):
        raise ModelError(f"{model!r}: {revision!r} is no revision; write owner/name@branch, @tag or @commit hash")
    return ModelSource(given=model, hub_id=hub_id, revision=revision or None, trust_remote_code=trust_remote_code)


def _file(model: str, path: Path) -> ModelSource:
    if path.suffix != FAIR_ESM_SUFFIX:
        raise ModelError(
            f"{model!r} is a file; give the folder that holds config.json and the weights, as save_pretrained "
            f"writes it, or a fair-esm checkpoint ({FAIR_ESM_SUFFIX})"
        )
    return ModelSource(given=model, file=path.resolve())


def _looks_like_path(model: str) -> bool:
    return model.startswith(_PATH_START) or model.endswith(("/", *_WEIGHT_SUFFIXES)) or model.count("/") > 1
