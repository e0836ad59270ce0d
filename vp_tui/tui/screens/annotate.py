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
    """`gpu=h200, release="1.4 beta"` as a mapping; blanks and commas separate.

    Raises:
        UsageError: a tag has no key or no =, a key stands there twice, or a quote is not closed.
    """
    splitter = shlex.shlex(text, posix=True, punctuation_chars=False)
    splitter.whitespace, splitter.whitespace_split = GAPS, True
    splitter.quotes, splitter.commenters = QUOTE, ""
    try:
        words = list(splitter)
    except ValueError as error:
        raise UsageError('a quote is not closed: write gpu="H 200"') from error
    for word in words:
        if "=" not in word or word.startswith("="):
            raise UsageError(f"tag {word!r}: write it as key=value")
    found = dict(word.split("=", 1) for word in words)
    if len(found) < len(words):
        raise UsageError("a key stands there twice; a run has one value for each")
    return found


def text_of(tags: Mapping[str, str]) -> str:
    """The same written back."""
    return " ".join(_quoted(f"{key}={value}") for key, value in tags.items())


def _quoted(word: str) -> str:
    if not any(letter in word for letter in (*GAPS, QUOTE, "\\")):
        return word
    escaped = word.replace("\\", "\\\\").replace(QUOTE, f"\\{QUOTE}")
    return f"{QUOTE}{escaped}{QUOTE}"


class AnnotateScreen(FormScreen):
    """What stands in the line are all the tags afterwards: one that is taken out is gone."""

    verb: ClassVar[str] = "Save"

    def __init__(self, run: RunRow) -> None:
        super().__init__(f"Tags and note: #{run.id} {run_names(run)}")
        self._run = run

    def fields(self) -> tuple[tuple[str, str, str], ...]:
        """As they are now."""
        return (("tags", "tags", text_of(self._run.tags)), ("note", "note", self._run.note or ""))

    def facts(self) -> Content:
        """How tags are written and what they are good for."""
        return styled("k=v, separated by blanks or commas; the filter tag.gpu:h200 finds gpu=h200", "dim")

    def problem(self) -> str | None:
        """Wrong tags."""
        try:
            tags_of(self.value("tags"))
        except UsageError as error:
            return str(error)
        return None

    def begin(self) -> None:
        """Save both."""
        tags, note = tags_of(self.value("tags")), self.value("note") or None
        job = partial(self.backend.annotate, self._run.id, tags, note)
        self.work(job, lambda _: f"#{self._run.id}: {fmt.exact(len(tags))} tags, {'a note' if note else 'no note'}")
