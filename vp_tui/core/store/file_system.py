"""The file system that a folder is on, where locks and SQLite's write-ahead log depend on it."""

import re
from pathlib import Path
from typing import Final

NETWORK: Final = frozenset({"nfs", "nfs4", "lustre", "gpfs", "cifs", "smb3", "smbfs", "ceph", "beegfs", "glusterfs",
                            "panfs", "afs", "orangefs", "wekafs"})  # fmt: skip
"""Kinds that several machines may mount at once; of FUSE the part after the dot counts."""
_MOUNTS: Final = Path("/proc/self/mountinfo")


def kind_of(path: Path, mounts: Path = _MOUNTS) -> str | None:
    """Return the kind of file system that holds `path` (ext4, nfs4, lustre), None if it cannot be told.

    `path` may not exist yet. Source of the format: proc_pid_mountinfo(5).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    wanted = path.resolve()
    best: tuple[int, str | None] = (-1, None)
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 5 or not kinds:
            continue
        point = Path(_unescaped(fields[4]))
        if wanted.is_relative_to(point) and len(point.parts) >= best[0]:
            best = len(point.parts), kinds[0]
    return best[1]


def is_network(path: Path, mounts: Path = _MOUNTS) -> bool:
    """Return True if other machines may write files here."""
    kind = kind_of(path, mounts) or ""
    return kind.removeprefix("fuse.") in NETWORK


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
