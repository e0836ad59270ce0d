"""The part of cache/ that runs fill by themselves. Everything in it can be made again."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from vp_tui.core.store.home import Home

FOLDERS: Final = ("references", "oracles", "controls", "tokens", "weights")
MOST_BYTES: Final = 20 << 30
"""After each run the oldest files beyond this are removed."""


def beyond(home: Home, most: int) -> tuple[Path, ...]:
    """Return the files used longest ago that have to go for the caches to take at most `most` bytes.

    A file that a run has too (a hard link) takes no space of its own, and is not returned.
    """
    found = []
    for folder in FOLDERS:
        for path in (home.cache / folder).glob("[!.]*"):
            try:
                about = path.stat()
            except OSError:
                # another process has just removed it
                continue
            if about.st_nlink == 1:
                found.append((max(about.st_mtime, about.st_atime), about.st_size, path))
    rest = sum(size for _, size, _ in found)
    gone = []
    for _, size, path in sorted(found):
        if rest <= most:
            break
        gone.append(path)
        rest -= size
    return tuple(gone)


def trim(home: Home, most: int = MOST_BYTES) -> None:
    """Remove those files; one that cannot be removed stays. A process that reads one keeps what it has opened."""
    for path in beyond(home, most):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return


def freed(paths: Iterable[Path]) -> int:
    """Return the bytes that are free once all of `paths` are removed: a file with a link elsewhere frees nothing."""
    links: dict[tuple[int, int], list[int]] = {}
    for path in paths:
        about = path.stat()
        links.setdefault((about.st_dev, about.st_ino), [about.st_nlink, about.st_size, 0])[2] += 1
    return sum(size for count, size, removed in links.values() if removed >= count)
