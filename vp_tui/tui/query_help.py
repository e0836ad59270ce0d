"""What helps with writing a query: the rest of a field's name or of one of its values, and what the field means."""

from textual.suggester import Suggester

from vp_tui.core.store.query.fields import FIELDS, OPERATORS, Field

EXAMPLE = "as in model:esm2 verdict:FAIL speedup<1.8 since:7d tag.gpu:h200 NOT is:baseline"
_SIGNS = "<>=:"


def completed(text: str) -> str | None:
    """`text` with its last word written to the end; None where nothing begins like it."""
    head, word = _last_word(text)
    if not word:
        return None
    name, sign, value = _parts(word)
    if not sign:
        found = next((field for field in FIELDS if field.name.startswith(name.lower())), None)
        return f"{head}{_opened(found)}" if found is not None else None
    choices = next((field.choices for field in FIELDS if field.name == name), ())
    choice = next((one for one in choices if value and one.lower().startswith(value.lower())), None)
    # a value with blanks would need quotes before what is typed already
    return f"{head}{name}{sign}{choice}" if choice is not None and " " not in choice else None


def explained(text: str) -> str:
    """What the field of the last word means and how it is asked; an example where there is none."""
    name, sign, _ = _parts(_last_word(text)[1])
    field = next((field for field in FIELDS if field.name == name.partition(".")[0]), None)
    if field is None:
        return EXAMPLE
    signs = "" if sign else f", with {' '.join(OPERATORS[field.kind])}"
    choices = f": {', '.join(field.choices)}" if field.choices else ""
    return f"{field.name}: {field.what}{choices}{signs}"


def _last_word(text: str) -> tuple[str, str]:
    """What comes before the last word, and the word; brackets are no part of it."""
    at = max(text.rfind(" "), text.rfind("(")) + 1
    return text[:at], text[at:]


def _parts(word: str) -> tuple[str, str, str]:
    """name, operator, value: `speedup<=1.8`; the last two empty where they are not written yet."""
    at = next((place for place, letter in enumerate(word) if letter in _SIGNS), len(word))
    end = at
    while end < len(word) and word[end] in _SIGNS:
        end += 1
    return word[:at], word[at:end], word[end:]


def _opened(field: Field) -> str:
    """A field's name and the sign that follows it; after that of a number several may."""
    if field.kind in {"tag", "metric"}:
        return f"{field.name}."
    return field.name if field.kind == "number" else f"{field.name}:"


class QuerySuggester(Suggester):
    """Shows the completion behind the cursor; the right arrow takes it."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """As `completed`."""
        return completed(value)
