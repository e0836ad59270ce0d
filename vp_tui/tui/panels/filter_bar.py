"""Filter line above the history, with completion and the meaning of the field, and the active filter."""

from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Input, Label

from vp_tui.core import text as fmt
from vp_tui.core.store.query.fields import FIELDS, OPERATORS, Field
from vp_tui.tui.marks import line, lines, styled
from vp_tui.tui.panels.panel import Panel

EXAMPLE = "e.g. model:esm2 verdict:FAIL speedup<1.8 since:7d tag.gpu:h200 NOT is:baseline"
_SIGNS = "<>=:"

KEYS = "enter apply, right arrow complete, esc cancel"


def completed(text: str) -> str | None:
    """Return `text` with its last word completed; None without a match."""
    head, word = _last_word(text)
    if not word:
        return None
    name, sign, value = _parts(word)
    if not sign:
        found = next((field for field in FIELDS if field.name.startswith(name.lower())), None)
        return f"{head}{_opened(found)}" if found is not None else None
    choices = next((field.choices for field in FIELDS if field.name == name), ())
    choice = next((one for one in choices if value and one.lower().startswith(value.lower())), None)
    # a value with spaces would need a quote before the typed part
    return f"{head}{name}{sign}{choice}" if choice is not None and " " not in choice else None


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

    async def get_suggestion(self, value: str) -> str | None:
        return completed(value)


class FilterBar(Vertical):
    """Hidden without an open or active filter."""

    @dataclass
    class Asked(Message):
        """Apply this query, which may be empty."""

        query: str

    def compose(self) -> ComposeResult:
        with Horizontal(id="filter-line"):
            yield Label("/")
            yield Input(compact=True, id="filter", suggester=QuerySuggester(), select_on_focus=False)
        yield Panel(id="filter-words")
        yield Panel(id="in-force")

    @property
    def is_open(self) -> bool:
        return self.has_class("-open")

    def open(self, query: str) -> None:
        field = self.query_one("#filter", Input)
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

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.post_message(self.Asked(event.value.strip()))

    def _explain(self, text: str) -> None:
        self.query_one("#filter-words", Panel).show(lines([Content(fmt.safe(explained(text))), styled(KEYS, "dim")]))
