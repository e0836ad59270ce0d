"""Parser of queries: `model:esm2 status:failed (speedup<1.8 OR NOT tag.gpu:h200) since:7d "two words"`.

    query = all (OR all)*        all = one ([AND] one)*        one = NOT one | ( query ) | term | word

AND, OR and NOT are upper case. Every error is a UsageError with its position.
"""

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from vp_tui.core.errors import UsageError
from vp_tui.core.store.query import fields
from vp_tui.core.store.query.fields import BY_NAME, OPERATORS, Field, closest
from vp_tui.core.store.query.tree import KEYWORDS, And, Node, Not, Operator, Or, Term, Word

MAX_LENGTH: Final = 2_000
MAX_DEPTH: Final = 30
MAX_TERMS: Final = 100
"""Far more than anybody types, and far below the nesting limit of SQLite's parser (1,000)."""

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_HEAD = re.compile(
    rf'(?P<field>[A-Za-z_][A-Za-z0-9_]*)(?:\.(?P<key>{_QUOTED}|[^\s()"<>=:@]+))?(?:@(?P<scope>[^\s()"<>=:@]+))?'
    r"(?P<operator><=|>=|<|>|=|:)",
    re.DOTALL,
)
_VALUE = re.compile(rf'{_QUOTED}|[^\s()"]+', re.DOTALL)
_WORD = re.compile(rf'{_QUOTED}|[^\s()"<>=:]+', re.DOTALL)
_GAP = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class _Token:
    """A bracket, a keyword or a leaf of the tree, with its position."""

    at: int
    text: str
    leaf: Word | Term | None = None


def parse(text: str) -> Node | None:
    """Return the tree of a query; None for an empty one, which matches every run.

    Raises:
        UsageError: with the position and the expected input.
    """
    if len(text) > MAX_LENGTH:
        raise UsageError(f"the query has {len(text)} characters; the limit is {MAX_LENGTH}")
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError("the query is not valid text (half a surrogate pair)")
    tokens = _tokens(text)
    if sum(token.leaf is not None for token in tokens) > MAX_TERMS:
        raise UsageError(f"the query has more than {MAX_TERMS} terms")
    return _Parser(tokens, len(text)).whole() if tokens else None


def parse_order(text: str) -> tuple[Term, bool]:
    """Return the sort key (a field, tag.KEY or metric.NAME[@SCOPE]) and True for descending order (`-speedup`).

    Raises:
        UsageError: unknown field.
    """
    name = text.removeprefix("-")
    head = _HEAD.fullmatch(f"{name}=")
    if head is None:
        raise UsageError(f"cannot sort by {text!r}; valid: speedup, -speedup, metric.M1.min")
    _field_of(head, 0)
    key, scope = _unquoted(head["key"] or ""), head["scope"] or ""
    return Term(head["field"], "=", "", key, scope), text.startswith("-")


def _tokens(text: str) -> list[_Token]:
    found, at = [], _GAP.match(text).end()  # type: ignore[union-attr]
    while at < len(text):
        token, end = (_Token(at, text[at]), at + 1) if text[at] in "()" else _leaf(text, at)
        if token.leaf is not None and end < len(text) and not (text[end].isspace() or text[end] in "()"):
            _fail(end, f"unexpected {text[end]!r}; enclose values with blanks, quotes or brackets in double quotes")
        found.append(token)
        at = _GAP.match(text, end).end()  # type: ignore[union-attr]
    return found


def _leaf(text: str, at: int) -> tuple[_Token, int]:
    head = _HEAD.match(text, at)
    if head is not None:
        return _term(text, head)
    word = _WORD.match(text, at)
    if word is None:
        _fail(at, "unclosed quote" if text[at] == '"' else f"unexpected {text[at]!r}")
    if word[0] in KEYWORDS:
        return _Token(at, word[0]), word.end()
    return _Token(at, word[0], Word(_unquoted(word[0]))), word.end()


def _term(text: str, head: re.Match[str]) -> tuple[_Token, int]:
    field = _field_of(head, head.start())
    value = _VALUE.match(text, head.end())
    if value is None:
        is_open = text[head.end() : head.end() + 1] == '"'
        _fail(head.end(), "unclosed quote" if is_open else f"missing value after {head[0]!r}")
    operator: Operator = head["operator"]  # type: ignore[assignment]
    said = _unquoted(value[0])
    _check(field, operator, said, head.start("operator"), value.start())
    term = Term(field.name, operator, said, _unquoted(head["key"] or ""), head["scope"] or "")
    return _Token(head.start(), head[0], term), value.end()


def _field_of(head: re.Match[str], at: int) -> Field:
    """Return the field of a term; its key and scope must be valid."""
    field = BY_NAME.get(head["field"])
    if field is None:
        _fail(at, f"unknown field {head['field']!r}; {closest(head['field'], tuple(BY_NAME))}")
    has_key = bool(_unquoted(head["key"] or ""))
    if has_key != (field.kind in {"tag", "metric"}):
        _fail(at, f"{field.name!r} needs a key: {field.what}" if not has_key else f"{field.name!r} takes no key")
    if head["scope"] and field.kind != "metric":
        _fail(at, f"{field.name!r} takes no scope; only metric.NAME does")
    return field


def _check(field: Field, operator: Operator, said: str, operator_at: int, value_at: int) -> None:
    allowed = OPERATORS[field.kind]
    if operator not in allowed:
        _fail(operator_at, f"{field.name!r} takes {' or '.join(sorted(allowed))}, not {operator!r}")
    if field.kind in {"number", "metric"} and fields.number(said) is None:
        _fail(value_at, f"{field.name!r} needs a number, not {said!r}")
    if field.kind == "time" and fields.moment_us(said, 0) is None:
        _fail(value_at, f"{field.name!r} needs an age (7d, 12h, 90m) or a date (2026-11-01), not {said!r}")
    if field.choices and said.lower() not in {choice.lower() for choice in field.choices}:
        _fail(value_at, f"unknown {field.name} {said!r}; {closest(said, field.choices)}")


class _Parser:
    """Recursive descent parser with bounded depth."""

    def __init__(self, tokens: list[_Token], end: int) -> None:
        self._tokens, self._end, self._next = tokens, end, 0

    def whole(self) -> Node:
        node = self._any(0)
        if self._peek() is not None:
            _fail(self._at(), f"unexpected {self._peek()!r}")
        return node

    def _any(self, depth: int) -> Node:
        nodes = [self._all(depth)]
        while self._peek() == "OR":
            self._next += 1
            nodes.append(self._all(depth))
        return nodes[0] if len(nodes) == 1 else Or(tuple(nodes))

    def _all(self, depth: int) -> Node:
        nodes = [self._one(depth)]
        while self._peek() not in {None, ")", "OR"}:
            self._next += self._peek() == "AND"
            nodes.append(self._one(depth))
        return nodes[0] if len(nodes) == 1 else And(tuple(nodes))

    def _one(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            _fail(self._at(), f"more than {MAX_DEPTH} nested brackets and NOTs")
        token = self._tokens[self._next] if self._next < len(self._tokens) else _Token(self._end, "the end")
        self._next += 1
        if token.leaf is not None:
            return token.leaf
        if token.text == "NOT":
            return Not(self._one(depth + 1))
        if token.text != "(":
            _fail(token.at, f"expected a term or a word, not {token.text}")
        node = self._any(depth + 1)
        if self._peek() != ")":
            _fail(self._at(), f"unclosed bracket at character {token.at + 1}")
        self._next += 1
        return node

    def _peek(self) -> str | None:
        """Return the next bracket or keyword, the text of a leaf, or None at the end."""
        if self._next >= len(self._tokens):
            return None
        token = self._tokens[self._next]
        return token.text if token.leaf is None else f"word {token.text}"

    def _at(self) -> int:
        return self._tokens[self._next].at if self._next < len(self._tokens) else self._end


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL) if text.startswith('"') else text


def _fail(at: int, what: str) -> NoReturn:
    raise UsageError(f"query, character {at + 1}: {what}")
