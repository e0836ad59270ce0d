"""manifest.json of a folder of embeddings: what it was made from and by, and once it is complete each of its files.

While a job runs, every finished file has a line in progress.jsonl beside it. Both are written after the file itself has
reached the disk, so that what they name is whole.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from vp_tui.core.errors import InputError
from vp_tui.core.files import MOST_TEXT, replacing

NAME: Final = "manifest.json"
PROGRESS: Final = "progress.jsonl"
FORMAT: Final = "vp-tui embeddings"
VERSION: Final = 1
SHARD: Final = "shard"
"""The fact of an identity that differs between the jobs of one input."""
_MOST: Final = MOST_TEXT * 16
"""Bytes of a manifest: 10^9 sequences have 15,259 files of 400 bytes each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFile:
    """A file of embeddings that is whole."""

    index: int
    """Its window."""
    name: str
    bytes: int
    sha256: str
    sequences: int
    letters: int
    tokens: int
    alphabet: str
    tokenizer: str
    input_sha256: str
    """Of the input from its beginning to the end of the window."""
    counts: dict[str, int]
    """What reading and tokenizing changed, and embeddings with NaN or Inf; zeros are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """The whole input, which every job reads to its end."""

    sha256: str
    sequences: int
    windows: int
    cleaned: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What manifest.json says."""

    identity: dict[str, Any]
    """Name -> value of everything that must not change between the files: input, weights, precision, layout, shard."""
    about: dict[str, Any]
    """For the reader: path of the input, name of the checkpoint, precision plan, policy when the job began."""
    environments: tuple[dict[str, Any], ...]
    """Versions, device and token budget: one entry, or more if a job was continued elsewhere."""
    read: Read | None = None
    """None until the job is complete."""
    files: tuple[WrittenFile, ...] = ()
    """In the order of the input; empty until the job is complete."""
    shards: tuple[dict[str, Any], ...] = ()
    """Of a merged folder: shard, environments and policy of each job."""

    @property
    def is_complete(self) -> bool:
        """Return True when the job has ended well."""
        return self.read is not None

    @property
    def shard(self) -> tuple[int, int]:
        """Return number and count of the job."""
        number, _, count = str(self.identity[SHARD]).partition("/")
        return int(number), int(count)

    def document(self) -> dict[str, Any]:
        """Return it in JSON types."""
        totals = {name: sum(getattr(one, name) for one in self.files) for name in ("sequences", "letters", "tokens")}
        head = {"format": FORMAT, "version": VERSION, "complete": self.is_complete}
        return head | {"totals": totals | {"counts": total_counts(self.files)}} | asdict(self)

    def with_environment(self, environment: dict[str, Any]) -> "Manifest":
        """Return it with this environment as the last one."""
        if self.environments and self.environments[-1] == environment:
            return self
        return replace(self, environments=(*self.environments, environment))


def total_counts(files: Iterable[WrittenFile]) -> dict[str, int]:
    """Return the sums of the counts of all files."""
    total: Counter[str] = Counter()
    for one in files:
        total.update(one.counts)
    return dict(sorted(total.items()))


def read(folder: Path) -> Manifest | None:
    """Return the manifest of a folder; None without one.

    Raises InputError: it is not one of this version, or damaged.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(_MOST))
        if (found["format"], found["version"]) != (FORMAT, VERSION):
            raise InputError(
                f"{path} is not a manifest of this version of vp-tui ({FORMAT} {VERSION}), but {found['format']!r} "
                f"{found['version']!r}"
            )
        manifest = Manifest(
            identity=found["identity"], about=found["about"], environments=tuple(found["environments"]),
            read=None if found["read"] is None else Read(**found["read"]),
            files=tuple(WrittenFile(**one) for one in found["files"]), shards=tuple(found["shards"]),
        )  # fmt: skip
        manifest.shard  # noqa: B018  # raises ValueError where it is no pair of numbers
        return manifest
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} is corrupt ({type(error).__name__}: {error}); embed into another folder") from error


def write(folder: Path, manifest: Manifest) -> None:
    """Write it in place of the former one; raises OSError."""
    with replacing(folder / NAME) as temporary:
        temporary.write_text(json.dumps(manifest.document(), indent=1) + "\n", "utf-8")


def line_of(file: WrittenFile) -> str:
    """Return the line of progress.jsonl for a file."""
    return json.dumps(asdict(file)) + "\n"


def progress(folder: Path) -> Iterator[WrittenFile]:
    """Yield the files that progress.jsonl names; a line that was cut by the end of the process is left out."""
    try:
        with (folder / PROGRESS).open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                try:
                    yield WrittenFile(**json.loads(line))
                except (ValueError, TypeError):
                    continue
    except FileNotFoundError:
        return
