"""Folders of an installation: VP_TUI_HOME, or the user's data folder.

runs.db            the store
runs/<uuid>/       run.log, the embeddings of both arms, the run's lock
cache/             FP32 references, tokens of DNA, demo checkpoints
plans/             precision plans, a JSON file each
locks/             one lock file per device: the queue
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from vp_tui.core.errors import StoreError

HOME_VARIABLE = "VP_TUI_HOME"
_UUID = re.compile("[0-9A-Za-z-]{1,64}")
_GROUP_WRITES = 0o020


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation."""

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Home":
        """Return VP_TUI_HOME when set, else the platform's user data folder.

        Raises:
            StoreError: the variable is no path that can be used, or is missing for a user without a home folder.
        """
        given = environment.get(HOME_VARIABLE, "").strip()
        try:
            root = Path(given).expanduser().absolute() if given else Path(platformdirs.user_data_dir("vp-tui"))
            str(root).encode()
        except (RuntimeError, UnicodeEncodeError, OSError) as error:
            raise StoreError(
                f"{HOME_VARIABLE}={given!r} cannot be used ({error}); set it to a folder with a UTF-8 name"
            ) from error
        if not root.is_absolute():
            raise StoreError(f"this user has no home folder; set {HOME_VARIABLE} to a writable folder")
        return cls(root)

    @property
    def database(self) -> Path:
        return self.root / "runs.db"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def cache(self) -> Path:
        return self.root / "cache"

    @property
    def plans(self) -> Path:
        return self.root / "plans"

    @property
    def locks(self) -> Path:
        return self.root / "locks"

    def run_folder(self, uuid: str) -> Path:
        """Return the folder of a run, always below `runs`: a store of somebody else may have `../..` as a uuid."""
        return self.runs / (uuid if _UUID.fullmatch(uuid) else "no-uuid")

    @property
    def is_writable(self) -> bool:
        """True if this user can write the store: its file, once there is one, and its folder."""
        return all(os.access(path, os.W_OK) for path in (self.root, self.database) if path.exists())

    def create(self) -> None:
        """Make the folders: for the user alone, unless the umask lets the group write.

        Raises:
            StoreError: a folder cannot be written.
        """
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, self.runs, self.cache, self.locks):
                make_private(folder)
        except OSError as error:
            raise StoreError(
                f"cannot create {self.root}: {error.strerror}; set {HOME_VARIABLE} to a writable folder"
            ) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise StoreError(f"no write permission for {self.root}; set {HOME_VARIABLE} to a writable folder")


def make_private(folder: Path) -> None:
    """Make a folder if it is missing: readable by this user alone, or by the group that its umask lets write.

    Raises:
        OSError: it cannot be made.
    """
    folder.mkdir(mode=0o700 if _umask() & _GROUP_WRITES else 0o777, exist_ok=True)


def _umask() -> int:
    """Return the umask of this process; to set it and set it back would be seen by other threads."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("Umask:"):
            return int(line.split()[1], 8)
    return 0o077
