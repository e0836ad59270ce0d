"""What a path field offers while one types: names that are known, and what lies in the folder that is being typed.

No screen here. `in_folder` reads a folder and may hang with it, so it is called in a thread.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from vp_tui.core.inputs.source import FAIR_ESM_SUFFIX, SHORT_NAMES
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.fields import MODEL_FIELD

MAX_ENTRIES = 100_000
"""Entries of a folder that are looked at; scanning them takes about 0.1 s."""
MAX_CHOICES = 50
MAX_RECENT = 5
SEQUENCE_SUFFIXES = tuple(
    f".{kind}{packed}"
    for kind in ("fasta", "fa", "faa", "fna", "ffn", "fas", "fastq", "fq")
    for packed in ("", ".gz")
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One line of the list under a field."""

    value: str
    """What the field gets."""
    hint: str = ""
    """A word beside it."""
    goes_on: bool = False
    """A folder to look into: taking it offers what lies in it."""


DEMOS = {
    "demo": Choice(value="demo", hint="to try it: a tiny ESM-2, 600 proteins"),
    "demo-dnabert": Choice(value="demo-dnabert", hint="a tiny DNABERT-S, 600 DNA reads"),
}
"""Names that stand for a checkpoint and its sequences."""


def known_models(runs: Sequence[RunRow]) -> tuple[Choice, ...]:
    """The models of the newest runs, then short names, then the demo; the demo first where nothing was run yet."""
    short = [Choice(value=name, hint=hub_id) for name, hub_id in SHORT_NAMES.items()]
    recent = _recent(run.model for run in runs)
    return merged(recent, short, DEMOS.values()) if recent else merged(DEMOS.values(), short)


def known_inputs(runs: Sequence[RunRow]) -> tuple[Choice, ...]:
    """The sequences of the newest runs."""
    return merged(_recent(run.input for run in runs))


def _recent(values: Iterable[str]) -> list[Choice]:
    every = (Choice(value=value, hint="used before") for value in dict.fromkeys(values) if value.isprintable())
    return list(islice(every, MAX_RECENT))


def named(text: str, known: Iterable[Choice]) -> tuple[Choice, ...]:
    """Those of the known ones that have the text in them; all of them while there is no text."""
    return tuple(choice for choice in known if text.lower() in choice.value.lower())


def folder_of(text: str) -> str:
    """The folder in which `text` is being typed; the current one where none is named."""
    return os.path.expanduser(_split(text)[0]) or "."


def in_folder(text: str, field: str) -> tuple[Choice, ...]:
    """What lies in the folder and begins as typed: what suits the field (fields.PATH_FIELDS) first, then folders.

    Nothing where there is no such folder, or it may not be read. Hidden entries only where a dot is typed.
    """
    folder, start = _split(text)
    try:
        with os.scandir(folder_of(text)) as entries:
            fitting = [
                (entry.name, _is_folder(entry))
                for entry in islice(entries, MAX_ENTRIES)
                if _is_offered(entry.name, start)
            ]
    except (OSError, ValueError):
        return ()
    names = sorted(name for name, is_folder in fitting if not is_folder and _suits(name, field))
    files = [Choice(value=folder + name) for name in names[:MAX_CHOICES]]
    below = sorted(name for name, is_folder in fitting if is_folder)[:MAX_CHOICES]
    folders = [_folder_choice(folder + name, field) for name in below]
    return tuple(sorted([*files, *folders], key=lambda choice: choice.goes_on)[:MAX_CHOICES])


def _split(text: str) -> tuple[str, str]:
    """The folder with its slash, and the beginning of a name in it; a lone ~ is the home folder."""
    if text == "~":
        return "~/", ""
    folder, slash, start = text.rpartition("/")
    return folder + slash, start


def _is_offered(name: str, start: str) -> bool:
    """A name that is no text, or holds a line end, cannot be shown and not be typed either."""
    return name.startswith(start) and (start != "" or not name.startswith(".")) and name.isprintable()


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # a link into a place that may not be looked at is no folder here; DirEntry would raise
    return os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir()


def _suits(name: str, field: str) -> bool:
    return name.endswith(FAIR_ESM_SUFFIX) if field == MODEL_FIELD else name.lower().endswith(SEQUENCE_SUFFIXES)


def _folder_choice(path: str, field: str) -> Choice:
    if field == MODEL_FIELD and os.path.exists(os.path.join(os.path.expanduser(path), "config.json")):
        return Choice(value=path, hint="checkpoint")
    return Choice(value=f"{path}/", hint="folder", goes_on=True)


def merged(*groups: Iterable[Choice]) -> tuple[Choice, ...]:
    """The groups one after the other, each value once, at most MAX_CHOICES."""
    found: dict[str, Choice] = {}
    for choice in chain(*groups):
        found.setdefault(choice.value, choice)
    return tuple(found.values())[:MAX_CHOICES]


def common_start(text: str, choices: Sequence[Choice]) -> str:
    """`text`, carried on as far as all the choices that begin with it agree."""
    values = [choice.value for choice in choices if choice.value.startswith(text)]
    return os.path.commonprefix(values) if text and values else text  # noqa: RUF071 (by letters, as a shell does)
