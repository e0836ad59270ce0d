"""Measured numbers of a run: measure id -> scope -> name -> number, and details that are not single numbers.

Ids (V1 to P1) are those of docs/measures.md; a scope is short, medium, long or all. A number that does not exist
is None, never NaN. This is `measures` of the run document, and the input of the gates.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Numbers = Mapping[str, float | None]
"""Name -> number, as in {"min": 0.9996, "p01": 0.9998}."""
Values = Mapping[str, Mapping[str, Numbers]]
"""Measure id -> scope -> Numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Values, and details by measure id: lists of modules, dimensions, sequences, sentences (JSON types only)."""

    values: Values = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)


def merged(parts: Iterable[Measured]) -> Measured:
    """Return all parts as one; names of one measure and scope are combined, and a later number wins."""
    values: dict[str, dict[str, dict[str, float | None]]] = {}
    details: dict[str, Any] = {}
    for part in parts:
        for measure, scopes in part.values.items():
            for scope, numbers in scopes.items():
                values.setdefault(measure, {}).setdefault(scope, {}).update(numbers)
        details.update(part.details)
    return Measured(values=values, details=details)


def as_document(measured: Measured) -> dict[str, Any]:
    """Return `measures` of the run document: every id with its scopes, and `details`."""
    return {**measured.values, "details": dict(measured.details)}


def from_document(document: Mapping[str, Any]) -> Measured:
    """Return what `as_document` wrote."""
    values = {measure: scopes for measure, scopes in document.items() if measure != "details"}
    return Measured(values=values, details=document.get("details", {}))
