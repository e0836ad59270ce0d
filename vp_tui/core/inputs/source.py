"""Source of a checkpoint, as the user gave it: a folder, a fair-esm file, a short name or a hub id.

Its kind is read from its files (spec.py), never guessed from the path.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vp_tui.core.errors import ModelError
from vp_tui.core.files import user_path
from vp_tui.core.inputs import adapter

SHORT_NAMES: Final[Mapping[str, str]] = {
    "esm2-8m": "facebook/esm2_t6_8M_UR50D",
    "esm2-35m": "facebook/esm2_t12_35M_UR50D",
    "esm2-150m": "facebook/esm2_t30_150M_UR50D",
    "esm2-650m": "facebook/esm2_t33_650M_UR50D",
    "esm2-3b": "facebook/esm2_t36_3B_UR50D",
    "esm2-15b": "facebook/esm2_t48_15B_UR50D",
    "dnabert-s": "zhihan1996/DNABERT-S",
}
"""Hub id of each short name."""

FILE_SUFFIXES: Final = (".pt", ".pth", ".ckpt", ".bin")
"""Files of torch.save that may hold an ESM-2: fair-esm's, Lightning's, those of training loops."""
_IN_FOLDER: Final = ("model.safetensors", "pytorch_model.bin", "config.json")

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_REVISION: Final = re.compile(r"\w[\w./-]*")
_PATH_START: Final = ("/", "./", "../", "~")
_WEIGHT_SUFFIXES: Final = (*FILE_SUFFIXES, ".safetensors")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSource:
    """A folder, a fair-esm file or a hub id.

    hub.fetch adds the folder and the commit hash to a hub id, which remains the name.
    """

    given: str
    """As the user wrote it."""
    folder: Path | None = None
    file: Path | None = None
    """A fair-esm checkpoint."""
    hub_id: str | None = None
    revision: str | None = None
    """Requested branch, tag or commit of the hub; the commit hash once downloaded."""
    trust_remote_code: bool = False
    """True: the checkpoint's own Python code may run."""

    @property
    def name(self) -> str:
        """Hub id, folder name, or file name without suffix."""
        if self.hub_id is not None:
            return self.hub_id
        return self.file.stem if self.file is not None else self.path.resolve().name

    @property
    def path(self) -> Path:
        """Folder or file on this machine; a hub id has one after hub.fetch."""
        path = self.folder or self.file
        assert path is not None, "hub.fetch comes first"
        return path

    @property
    def is_here(self) -> bool:
        """True if there is a path, so that nothing has to be downloaded."""
        return self.folder is not None or self.file is not None


def resolve(model: str, *, trust_remote_code: bool = False) -> ModelSource:
    """Return the source named by `model`: an existing folder or file of torch.save, a short name or a hub id.

    A branch, tag or commit may follow a short name or hub id: owner/name@revision.

    Raises ModelError for any other file, an adapter that cannot be merged, a missing path or an unknown name.
    """
    path = user_path(model)
    try:
        is_there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError) as error:
        raise ModelError(f"{model[:100]!r} is no path and no hub id: {getattr(error, 'strerror', error)}") from error
    if is_folder:
        folder = adapter.merged(path) if adapter.is_adapter(path) else path
        return ModelSource(given=model, folder=folder.resolve(), trust_remote_code=trust_remote_code)
    if is_there:
        return _file(model, path, trust_remote_code=trust_remote_code)
    name, at, revision = model.partition("@")
    hub_id = SHORT_NAMES.get(name.lower(), name)
    if _looks_like_path(name):
        raise ModelError(
            f"no such folder or file: {model!r}; check the path, or give a hub id such as {SHORT_NAMES['esm2-8m']}"
        )
    if not _HUB_ID.fullmatch(hub_id):
        raise ModelError(
            f"{model!r} is not a folder, a hub id (owner/name) or a short name; short names: {', '.join(SHORT_NAMES)}"
        )
    if at and not _REVISION.fullmatch(revision):
        raise ModelError(f"{model!r}: {revision!r} is not a valid revision; write owner/name@branch, @tag or @commit")
    return ModelSource(given=model, hub_id=hub_id, revision=revision or None, trust_remote_code=trust_remote_code)


def _file(model: str, path: Path, *, trust_remote_code: bool) -> ModelSource:
    if (path.parent / "config.json").is_file() and path.name in _IN_FOLDER:
        return ModelSource(given=model, folder=path.parent.resolve(), trust_remote_code=trust_remote_code)
    if path.suffix not in FILE_SUFFIXES:
        raise ModelError(
            f"{model!r} is a file; give the folder with config.json and the weights, as written by save_pretrained, "
            f"or a file of torch.save with an ESM-2 ({', '.join(FILE_SUFFIXES)})"
        )
    return ModelSource(given=model, file=path.resolve())


def _looks_like_path(model: str) -> bool:
    return model.startswith(_PATH_START) or model.endswith(("/", *_WEIGHT_SUFFIXES)) or model.count("/") > 1
