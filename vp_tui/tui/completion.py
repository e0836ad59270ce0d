"""Choices of a path field while typing: known names, and entries of the folder in the typed path.

`in_folder` reads a folder, which may hang on a network path, so call it in a thread.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from vp_tui.core.inputs.source import FILE_SUFFIXES, SHORT_NAMES
from vp_tui.core.store.snapshot import RunRow
from vp_tui.core.workers.demo import NUM_PROTEINS, NUM_READS
from vp_tui.tui.fields import MODEL_FIELD

MAX_ENTRIES = 100_000
"""Entries read of a folder; scanning them takes about 0.1 s."""
MAX_CHOICES = 50
MAX_RECENT = 5
SEQUENCE_SUFFIXES = tuple(
    f".{kind}{packed}"
    for kind in ("fasta", "fa", "faa", "fna", "ffn", "fas", "fastq", "fq")
    for packed in ("", ".gz", ".bz2", ".xz", ".zst")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class PathChoice:
    """One line of the list below a field."""

    value: str
    """Value of the field when the choice is taken."""
    hint: str = ""
    """Shown next to the value."""
    is_folder_to_open: bool = False
    """A folder: taking it offers its entries."""


DEMOS = {
    "demo": PathChoice(value="demo", hint=f"tiny ESM-2, {NUM_PROTEINS} proteins, to try it"),
    "demo-dnabert": PathChoice(value="demo-dnabert", hint=f"tiny DNABERT-S, {NUM_READS} DNA reads"),
}
"""Names of a demo checkpoint with its sequences."""


def known_models(runs: Sequence[RunRow]) -> tuple[PathChoice, ...]:
    """Return models of recent runs, short names, the demos; the demos first before the first run."""
    short = [PathChoice(value=name, hint=hub_id) for name, hub_id in SHORT_NAMES.items()]
    recent = _recent(run.model for run in runs)
    return merged(recent, short, DEMOS.values()) if recent else merged(DEMOS.values(), short)


def known_inputs(runs: Sequence[RunRow]) -> tuple[PathChoice, ...]:
    return merged(_recent(run.input for run in runs))


def _recent(values: Iterable[str]) -> list[PathChoice]:
    every = (PathChoice(value=value, hint="used before") for value in dict.fromkeys(values) if value.isprintable())
    return list(islice(every, MAX_RECENT))


def named(text: str, known: Iterable[PathChoice]) -> tuple[PathChoice, ...]:
    """Return the known choices that contain the text; all of them for an empty text."""
    return tuple(choice for choice in known if text.lower() in choice.value.lower())


def folder_of(text: str) -> str:
    """Return the folder of the typed path; the current one if it has none."""
    return os.path.expanduser(_split(text)[0]) or "."


def in_folder(text: str, field: str) -> tuple[PathChoice, ...]:
    """Return entries of the folder that start with the typed name: files for the field, then folders.

    Nothing if the folder does not exist or is not readable. Hidden entries only after a typed dot.
    """
    folder, start = _split(text)
    try:
        with os.scandir(folder_of(text)) as entries:
            every = (entry for entry in islice(entries, MAX_ENTRIES) if _is_offered(entry.name, start))
            fitting = [(entry.name, _is_folder(entry)) for entry in every]
    except (OSError, ValueError):
        return ()
    names = sorted(name for name, is_folder in fitting if not is_folder and _suits(name, field))
    files = [PathChoice(value=folder + name) for name in names[:MAX_CHOICES]]
    below = sorted(name for name, is_folder in fitting if is_folder)[:MAX_CHOICES]
    folders = [_folder_choice(folder + name, field) for name in below]
    return tuple(sorted([*files, *folders], key=lambda choice: choice.is_folder_to_open)[:MAX_CHOICES])


def _split(text: str) -> tuple[str, str]:
    """Return the folder with its slash, and the start of a name in it; a lone ~ is the home folder."""
    if text == "~":
        return "~/", ""
    folder, slash, start = text.rpartition("/")
    return folder + slash, start


def _is_offered(name: str, start: str) -> bool:
    """Return True for a name to offer; an unprintable name can be neither shown nor typed."""
    return name.startswith(start) and (start != "" or not name.startswith(".")) and name.isprintable()


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # DirEntry.is_dir raises for a link to an inaccessible place
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _suits(name: str, field: str) -> bool:
    return name.endswith(FILE_SUFFIXES) if field == MODEL_FIELD else name.lower().endswith(SEQUENCE_SUFFIXES)


def _folder_choice(path: str, field: str) -> PathChoice:
    if field == MODEL_FIELD and os.path.exists(os.path.join(os.path.expanduser(path), "config.json")):
        return PathChoice(value=path, hint="checkpoint")
    return PathChoice(value=f"{path}/", hint="folder", is_folder_to_open=True)


def merged(*groups: Iterable[PathChoice]) -> tuple[PathChoice, ...]:
    """Return the groups in order, each value once, at most MAX_CHOICES."""
    found: dict[str, PathChoice] = {}
    for choice in chain(*groups):
        found.setdefault(choice.value, choice)
    return tuple(found.values())[:MAX_CHOICES]


def common_start(text: str, choices: Sequence[PathChoice]) -> str:
    """Return `text`, extended to the common prefix of the choices that start with it."""
    values = [choice.value for choice in choices if choice.value.startswith(text)]
    return os.path.commonprefix(values) if text and values else text  # noqa: RUF071 (by characters, as a shell does)
