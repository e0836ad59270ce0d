"""The output folder of one job: its lock, what is whole in it, and the order in which things reach the disk.

A file gets its name after its bytes are on the disk, and a line in progress.jsonl after its name is there. Whatever
ends a job, the lines name whole files only; everything else is made again.
"""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import InputError, ResourceError, UsageError
from vp_tui.core.files import parts, replacing, size_of
from vp_tui.core.fingerprint import differences, in_words
from vp_tui.core.shards import manifest as manifests
from vp_tui.core.shards.manifest import NAME, PROGRESS, Manifest, Read, WrittenFile

LOCK: Final = ".lock"


@dataclass(slots=True)
class Folder:
    """A folder that this process alone writes."""

    path: Path
    manifest: Manifest
    done: dict[int, WrittenFile] = field(default_factory=dict)
    """Window -> its whole file."""

    def begin(self, environment: dict[str, Any]) -> None:
        """Record where the job runs, before its first file.

        Raises ResourceError: the disk is full or cannot be written.
        """
        self._replace(self.manifest.with_environment(environment))

    def add_facts(self, facts: dict[str, Any]) -> None:
        """Add facts to where the job runs; raises as `begin`."""
        *before, last = self.manifest.environments
        self._replace(replace(self.manifest, environments=(*before, last | facts)))

    def _replace(self, manifest: Manifest) -> None:
        self.manifest = manifest
        with _told(self.path):
            manifests.write(self.path, self.manifest)

    def add(self, file: WrittenFile, write: Callable[[Path], None]) -> WrittenFile:
        """Let `write` fill a file and return its record; `file` has everything but bytes and checksum.

        Raises ResourceError: the disk is full or cannot be written; nothing of the file is kept then.
        """
        path = self.path / file.name
        with _told(path):
            with replacing(path) as temporary:
                write(temporary)
                whole = replace(file, bytes=temporary.stat().st_size, sha256=sha256_of(temporary))
            _sync_folder(self.path)
            with (self.path / PROGRESS).open("a", encoding="utf-8") as lines:
                lines.write(manifests.line_of(whole))
                lines.flush()
                os.fsync(lines.fileno())
        self.done[whole.index] = whole
        return whole

    def finish(self, read: Read) -> None:
        """Write the final manifest.

        Raises ResourceError: the disk is full or cannot be written.
        """
        files = tuple(self.done[index] for index in sorted(self.done))
        self.manifest = replace(self.manifest, read=read, files=files)
        with _told(self.path):
            manifests.write(self.path, self.manifest)
            (self.path / PROGRESS).unlink(missing_ok=True)


@contextlib.contextmanager
def opened(path: Path, fresh: Manifest, *, resume: bool, report: Callable[[str], None]) -> Iterator[Folder]:
    """The folder of a job, locked; `fresh` has the identity of what is asked for.

    With `resume` a folder that an earlier job of the same identity began is continued.

    Raises:
        UsageError: another process writes into it, it holds other files, or embeddings and no `resume`.
        InputError: it was begun with another identity (each difference is named), or its manifest is damaged.
        ResourceError: it cannot be made or written.
    """
    with _told(path):
        path.mkdir(parents=True, exist_ok=True)
    with _locked(path, report):
        found = manifests.read(path)
        if found is None:
            _require_empty(path)
            yield Folder(path, fresh)
            return
        if not resume:
            raise UsageError(f"{path} holds embeddings already; continue with --resume, or give another folder")
        _require_same(path, found, fresh)
        yield Folder(path, found, _whole(path, found, report))


def _whole(path: Path, found: Manifest, report: Callable[[str], None]) -> dict[int, WrittenFile]:
    """Return the files that are there, and tell those that are not as they were recorded."""
    for part, _ in parts(path):
        # the lock is ours: nobody writes them any more
        part.unlink(missing_ok=True)
    recorded = found.files if found.is_complete else manifests.progress(path)
    done = {}
    for one in recorded:
        if size_of(path / one.name) == one.bytes:
            done[one.index] = one
        else:
            report(f"{path / one.name} is missing or has another size than recorded: it is made again")
    if not found.is_complete or len(done) < len(found.files):
        # without cut lines, and with what is whole alone
        with _told(path), replacing(path / PROGRESS) as temporary:
            temporary.write_text("".join(manifests.line_of(done[index]) for index in sorted(done)), "utf-8")
    return done


def _require_empty(path: Path) -> None:
    for part, _ in parts(path):
        part.unlink(missing_ok=True)
    strangers = sorted(one.name for one in path.iterdir() if one.name != LOCK)
    if strangers:
        raise UsageError(f"{path} holds other files ({strangers[0]!r}) and no {NAME}; give a new folder")


def _require_same(path: Path, found: Manifest, fresh: Manifest) -> None:
    differing = differences(found.identity, fresh.identity)
    if differing:
        raise InputError(
            f"{path} was begun otherwise (then against now): {in_words(differing)}; repeat the command it was begun "
            "with, or give another folder"
        )


@contextlib.contextmanager
def _locked(path: Path, report: Callable[[str], None]) -> Iterator[None]:
    with _told(path):
        descriptor = os.open(path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            # not flock: a child that outlives a killed worker would keep that one
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise UsageError(
                f"another process writes into {path}; wait for it, or give each job a folder of its own"
            ) from None
        except OSError as error:
            report(f"{path}: no file locks here ({error.strerror}); see to it that one process alone writes into it")
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of the disk as ResourceError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise ResourceError(
            f"cannot write {path}: {reason}; free space or name another folder, then continue with --resume"
        ) from error


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
