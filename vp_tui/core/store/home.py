"""Folders of an installation: VP_TUI_HOME, or the user's data folder.

runs.db            the store
runs/<uuid>/       run.log, the embeddings of both arms, the run's lock
cache/             FP32 references, tokens of DNA, demo checkpoints
plans/             precision plans, a JSON file each
locks/             one lock file per device: the queue
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from vp_tui.core.errors import StoreError

HOME_VARIABLE = "VP_TUI_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    """The folders of one installation."""

    root: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Home":
        """Return VP_TUI_HOME when set, else the platform's user data folder."""
        given = environment.get(HOME_VARIABLE, "").strip()
        return cls(Path(given).expanduser().absolute() if given else Path(platformdirs.user_data_dir("vp-tui")))

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
        return self.runs / uuid

    def create(self) -> None:
        """Make the folders.

        Raises:
            StoreError: a folder cannot be written.
        """
        try:
            for folder in (self.root, self.runs, self.cache, self.locks):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot create {self.root}: {error.strerror}; set {HOME_VARIABLE} to a writable folder"
            ) from error
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise StoreError(f"no write permission for {self.root}; set {HOME_VARIABLE} to a writable folder")
