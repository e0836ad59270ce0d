"""Filter line above the history, with completion and the meaning of the field, and the active filter."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from vp_tui.core import text as fmt
from vp_tui.core.store.query.fields import FIELDS, OPERATORS, Field
from vp_tui.core.store.snapshot import RunRow
from vp_tui.tui.keymap import bindings
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.entry import Entry
from vp_tui.tui.panels.panel import Panel

Known = Mapping[str, Sequence[str]]
"""Field -> values that runs have; of `tag` the keys, of `tag.KEY` its values."""
NOTHING_KNOWN: Known = MappingProxyType({})
EXAMPLE = "e.g. model:esm2 verdict:FAIL speedup<1.8 since:7d tag.gpu:h200 NOT is:baseline"
_SIGNS = "<>=:"

KEYS = "enter apply, tab complete, esc cancel"


def known_values(runs: Sequence[RunRow]) -> Known:
    """Return the values that a filter can find, most recent first, for completion."""
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        values = {"model": _last(run.model), "input": _last(run.input), "name": run.name, "device": run.device}
        values |= {"precision": run.precision, "reference": run.reference}
        values |= {f"tag.{key}": value for key, value in run.tags.items()}
        for field, value in [*values.items(), *(("tag", key) for key in run.tags)]:
            if value and value.isprintable():
                found.setdefault(field, {})[value] = None
    return {field: tuple(values) for field, values in found.items()}


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def candidates(text: str, known: Known = NOTHING_KNOWN) -> tuple[str, ...]:
    """Return what the last word can become: fields, keys of tags, or values."""
    name, sign, value = _parts(_last_word(text)[1])
    if not sign:
        field, dot, key = name.partition(".")
        if dot and field.lower() == "tag":
            return tuple(f"tag.{one}:" for one in known.get("tag", ()) if one.startswith(key))
        return tuple(_opened(field) for field in FIELDS if name and field.name.startswith(name.lower()))
    choices = next((field.choices for field in FIELDS if field.name == name), ()) or known.get(name, ())
    # a value with spaces would need a quote before the typed part
    fitting = (one for one in choices if one.lower().startswith(value.lower()) and not set(one) & set(' "()<>=:'))
    return tuple(f"{name}{sign}{one}" for one in fitting)


def completed(text: str, known: Known = NOTHING_KNOWN) -> str | None:
    """Return `text` with its last word completed to the first candidate; None without one."""
    head, word = _last_word(text)
    _, sign, value = _parts(word)
    found = candidates(text, known) if value or not sign else ()
    return f"{head}{found[0]}" if found else None


def extended(text: str, known: Known = NOTHING_KNOWN) -> str:
    """Return `text` with its last word extended as far as all candidates agree, as a shell does."""
    head, word = _last_word(text)
    found = candidates(text, known)
    # by characters; a shell also takes over upper and lower case
    common = os.path.commonprefix(found) if found else word  # noqa: RUF071
    return f"{head}{common}" if len(common) >= len(word) else text


def explained(text: str) -> str:
    """Return meaning and operators of the field in the last word; an example without a field."""
    name, sign, _ = _parts(_last_word(text)[1])
    field = next((field for field in FIELDS if field.name == name.partition(".")[0]), None)
    if field is None:
        return EXAMPLE
    signs = "" if sign else f", with {' '.join(OPERATORS[field.kind])}"
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    return f"{field.name}: {field.what}{choices}{signs}"


def _last_word(text: str) -> tuple[str, str]:
    """Return the text before the last word, and the word without brackets."""
    at = max(text.rfind(" "), text.rfind("(")) + 1
    return text[:at], text[at:]


def _parts(word: str) -> tuple[str, str, str]:
    """Return name, operator, value of `speedup<=1.8`; empty if not typed yet."""
    at = next((place for place, letter in enumerate(word) if letter in _SIGNS), len(word))
    end = at
    while end < len(word) and word[end] in _SIGNS:
        end += 1
    return word[:at], word[at:end], word[end:]


def _opened(field: Field) -> str:
    """Return the field name with its operator; a number has several, so none."""
    if field.kind in {"tag", "metric"}:
        return f"{field.name}."
    return field.name if field.kind == "number" else f"{field.name}:"


class QuerySuggester(Suggester):
    """Shows the completion after the cursor; the right arrow accepts it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self.known: Known = NOTHING_KNOWN

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value, self.known)


class QueryInput(Entry):
    """Tab completes as a shell does; the candidates are told where there are several."""

    BINDINGS = bindings("filter")

    @dataclass
    class Several(Message):
        """The candidates for the last word."""

        words: tuple[str, ...]

    def __init__(self) -> None:
        self.suggestions = QuerySuggester()
        super().__init__(id="filter", select_on_focus=False, suggester=self.suggestions)

    def action_complete(self) -> None:
        before = self.value
        self.value = extended(before, self.suggestions.known)
        self.cursor_position = len(self.value)
        found = candidates(self.value, self.suggestions.known)
        if len(found) > 1:
            self.post_message(self.Several(found))


class FilterBar(Vertical):
    """Hidden without an open or active filter."""

    @dataclass
    class Asked(Message):
        """Apply this query, which may be empty."""

        query: str

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Label("/")
            yield QueryInput()
        yield Panel(id="filter-words")
        yield Panel(id="in-force")

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, query: str, runs: Sequence[RunRow]) -> None:
        """Edit the query; values of the runs are completed."""
        field = self.query_one(QueryInput)
        field.suggestions.known = known_values(runs)
        field.value = query
        field.cursor_position = len(query)
        self.add_class("-open")
        self._explain(query)
        field.focus()

    def close_input(self) -> None:
        self.remove_class("-open")

    def show_in_force(self, query: str, matches: int, total: int) -> None:
        """Show the filter and its count; hide the line for an empty filter."""
        self.set_class(bool(query), "-on")
        counts = f"  {fmt.exact(matches)} of {fmt.exact(total)}"
        self.query_one("#in-force", Panel).show(
            line(("/ ", "info"), fmt.safe(query), (counts, "info"), ("  esc clears", "dim")) if query else Content("")
        )

    def refuse(self, words: str) -> None:
        self.query_one("#filter-words", Panel).show(line(("! ", "fail"), fmt.safe(words)))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._explain(event.value)

    def on_query_input_several(self, event: QueryInput.Several) -> None:
        event.stop()
        words = "  ".join(fmt.safe(word) for word in event.words)
        self.query_one("#filter-words", Panel).show(lines([Content(words), styled(KEYS, "dim")]))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def _explain(self, text: str) -> None:
        self.query_one("#filter-words", Panel).show(lines([Content(fmt.safe(explained(text))), styled(KEYS, "dim")]))
