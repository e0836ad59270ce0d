"""Tree of a query: frozen nodes; str(node) parses to the same tree."""

import re
from dataclasses import dataclass
from typing import Literal

Operator = Literal[":", "=", "<", "<=", ">", ">="]
KEYWORDS = frozenset({"AND", "OR", "NOT"})
_PLAIN = re.compile(r"""[^\s()"<>=:]+""")


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word, searched for in name, note, model and input."""

    text: str

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True, slots=True)
class Term:
    """`field operator value`; `key` is what follows tag. and metric., `scope` what follows @ there."""

    field: str
    operator: Operator
    value: str
    key: str = ""
    scope: str = ""

    def __str__(self) -> str:
        name = f"{self.field}.{quoted_key(self.key)}" if self.key else self.field
        scope = f"@{self.scope}" if self.scope else ""
        return f"{name}{scope}{self.operator}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Not:
    """Negation; a missing value matches neither with nor without it."""

    node: "Node"

    def __str__(self) -> str:
        return f"NOT {_bracketed(self.node)}"


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction of at least two nodes."""

    nodes: tuple["Node", ...]

    def __str__(self) -> str:
        return " ".join(_bracketed(node) for node in self.nodes)


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction of at least two nodes."""

    nodes: tuple["Node", ...]

    def __str__(self) -> str:
        return " OR ".join(_bracketed(node) for node in self.nodes)


Node = Word | Term | Not | And | Or


def quoted(text: str) -> str:
    """Return `text` as one word of a query, quoted if needed."""
    if _PLAIN.fullmatch(text) and text not in KEYWORDS:
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def quoted_key(text: str) -> str:
    """Return `text` as a key; an @ would begin a scope and is quoted too."""
    return f'"{text}"' if "@" in text else quoted(text)


def _bracketed(node: Node) -> str:
    return f"({node})" if isinstance(node, And | Or) else str(node)
