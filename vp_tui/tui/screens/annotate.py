"""Modal form for the tags and the note of a run."""

import shlex
from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from textual.content import Content

from vp_tui.core import text as fmt
from vp_tui.core.errors import UsageError
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.marks import styled
from vp_tui.tui.panels.header import run_names
from vp_tui.tui.screens.form import FormScreen

GAPS = " ,\t"
QUOTE = '"'


def tags_of(text: str) -> dict[str, str]:
    """Return `gpu=h200, release="1.4 beta"` as a mapping; spaces and commas separate.

    Raises:
        UsageError: a tag has no key or no =, a key is repeated, or a quote is not closed.
    """
    splitter = shlex.shlex(text, posix=True, punctuation_chars=False)
    splitter.whitespace, splitter.whitespace_split = GAPS, True
    splitter.quotes, splitter.commenters = QUOTE, ""
    try:
        words = list(splitter)
    except ValueError as error:
        raise UsageError('unclosed quote: write gpu="H 200"') from error
    for word in words:
        if "=" not in word or word.startswith("="):
            raise UsageError(f"tag {word!r} is not key=value")
    found = dict(word.split("=", 1) for word in words)
    if len(found) < len(words):
        raise UsageError("a key is repeated; a run has one value per key")
    return found


def text_of(tags: Mapping[str, str]) -> str:
    """Return the tags as text that tags_of reads."""
    return " ".join(_quoted(f"{key}={value}") for key, value in tags.items())


def _quoted(word: str) -> str:
    if not any(letter in word for letter in (*GAPS, QUOTE, "\\")):
        return word
    escaped = word.replace("\\", "\\\\").replace(QUOTE, f"\\{QUOTE}")
    return f"{QUOTE}{escaped}{QUOTE}"


class AnnotateScreen(FormScreen):
    """The line holds all tags of the run: one that is removed there is deleted."""

    verb: ClassVar[str] = "Save"

    def __init__(self, run: RunRow) -> None:
        super().__init__(f"Tags and note: #{run.id} {run_names(run)}")
        self._run = run

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """Return tags and note as they are now."""
        return (("tags", "tags", text_of(self._run.tags)), ("note", "note", self._run.note or ""))

    def facts(self) -> Content:
        """Return how tags are written and used."""
        return styled("key=value, separated by spaces or commas; the filter tag.gpu:h200 finds gpu=h200", "dim")

    def problem(self) -> str | None:
        """Return what is wrong with the tags."""
        try:
            tags_of(self.value("tags"))
        except UsageError as error:
            return str(error)
        return None

    def begin(self) -> None:
        """Save tags and note."""
        tags, note = tags_of(self.value("tags")), self.value("note") or None
        job = partial(self.backend.annotate, self._run.id, tags, note)
        self.work(job, lambda _: f"#{self._run.id}: {fmt.exact(len(tags))} tags, {'a note' if note else 'no note'}")
