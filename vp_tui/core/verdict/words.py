"""Findings as text: measured value, limit, and the sequence it comes from."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.events import StratumStats
from vp_tui.core.gates.consequences import S7
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.engine import R4
from vp_tui.core.gates.gate import Gate, Sense
from vp_tui.core.gates.model import C1, F1, V1, V2
from vp_tui.core.measurements import Numbers
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import Reach, detail, limit_of, value_of

PERCENTILE_ROWS: Final = 700
"""Sequences of a stratum from which on a 1st or 99th percentile is one: it is then between 0.5 % and 1.9 %; of 20
sequences it is the 6 % quantile on average."""
Names = Callable[[int], str]
"""Row of a sequence -> its id."""

_MISSES: Final[Mapping[Sense, str]] = {
    "below": "below",
    "at_or_below": "at or below",
    "above": "above",
    "away_from_zero": "farther from 0 than",
}
_ASKED: Final[Mapping[Sense, str]] = {
    "below": ">=", "at_or_below": ">", "above": "<=", "away_from_one": "1+-", "away_from_zero": "0+-",
}  # fmt: skip


def limit_words(gate: Gate, limits: Thresholds) -> str:
    """Return the limits for a table: `>=0.98 (0.95)` is the warn limit with the fail limit in brackets."""
    if gate.style == "count":
        return "0"
    found = [fmt.limit(limits.warn(gate))] if gate.warn else []
    found += [fmt.limit(limits.fail(gate))] if gate.fail else []
    nearer, *farther = found
    return f"{_ASKED[gate.sense]}{nearer}{f' ({farther[0]})' if farther else ''}"


def sentence_of(
    gate: Gate,
    scope: str,
    numbers: Numbers,
    *,
    reach: Reach,
    limits: Thresholds,
    details: Mapping[str, Any],
    names: Names | None,
    num: float | None = None,
) -> str:
    """Return the finding of a gate that was missed in one scope of `num` sequences."""
    where = "" if gate.scopes == "all" else f"{scope}: "
    row = detail(details, "worst", gate.measure, scope) if gate.knows_worst else None
    name = names(row) if names is not None and isinstance(row, int) else ""
    special = _SPECIAL.get(gate.id)
    if special is not None:
        return where + special(numbers, limits, details, name)
    value = value_of(gate, numbers)
    if value is None or gate.style == "count":
        return f"{where}{fmt.exact(value or 0.0)} {gate.what}, 0 allowed"
    missed = _missed(gate, value, limit_of(gate, reach, limits))
    what = gate.what_few if gate.what_few and num is not None and num < PERCENTILE_ROWS else gate.what
    return f"{where}{what}: {missed}{_condition(gate, numbers, limits)}{f' (worst: {name})' if name else ''}"


def _missed(gate: Gate, value: float, limit: float) -> str:
    """The number and the limit it misses, with as many digits as it takes to tell them apart."""
    shown = fmt.measure(value, gate.style)
    read = float(shown.replace(",", ""))
    if gate.sense == "away_from_one":
        shown = shown if not 1.0 - limit <= read <= 1.0 + limit else repr(value)
        return f"{shown}, more than {fmt.limit(limit)} away from 1"
    shown = shown if read != limit or value == limit else repr(value)
    return f"{shown}, {_MISSES[gate.sense]} {fmt.limit(limit)}"


def _condition(gate: Gate, numbers: Numbers, limits: Thresholds) -> str:
    other = gate.only_if
    if other is None:
        return ""
    value = value_of(other, numbers) or 0.0
    return (
        f", and {other.what}: {fmt.measure(value, other.style)}, {_MISSES[other.sense]} {fmt.limit(limits.fail(other))}"
    )


def _nonfinite(numbers: Numbers, _limits: Thresholds, _details: Mapping[str, Any], _name: str) -> str:
    nan, inf, n = (_count(numbers, key) for key in ("nan", "inf", "n"))
    noun = "sequence" if nan == "1" else "sequences"
    return f"{nan} {noun} with NaN and {inf} with Inf of {n}, 0 allowed"


def overflow_of(strata: Sequence[StratumStats], details: Mapping[str, Any] | None, candidate: str) -> str:
    """Return the sentence of a run with NaN or Inf: sequences of all strata, the first module, and the remedy."""
    told = overflow_place(strata, details)
    if details is None:
        return told
    # the module that overflows is one of several: what reads its output overflows next
    keep = "keep in FP32 what `vp-tui search RUN` finds"
    return f"{told}; use bf16, or {keep}" if candidate != "bf16" else f"{told}; {keep}"


def overflow_place(strata: Sequence[StratumStats], details: Mapping[str, Any] | None) -> str:
    """Return how many sequences of all strata become NaN or Inf, and in which module first."""
    counts = {stats.scope: (stats.nonfinite, stats.n) for stats in strata}
    worst = max((scope for scope in counts if scope != "all"), key=lambda scope: _share(*counts[scope]), default=None)
    told = f"{_of(*counts['all'])} sequences become NaN or Inf"
    if worst is not None and counts[worst][0]:
        told += f" ({worst}: {_of(*counts[worst])})"
    place = _first_module(details or {})
    return f"{told}, first in {place}" if place else told


def _first_module(details: Mapping[str, Any]) -> str | None:
    modules = detail(details, "nonfinite")
    return fmt.safe(modules[0]["module"]) if modules else None


def _of(part: int, whole: int) -> str:
    return f"{fmt.exact(part)} of {fmt.exact(whole)}"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _cosine(numbers: Numbers, limits: Thresholds, _details: Mapping[str, Any], name: str) -> str:
    worst = numbers.get("min")
    if worst is None:
        how_bad = ": none has one"
    else:
        has_nonfinite = numbers.get("nan") or numbers.get("inf")
        # The sequences that failed may be those without a similarity: none of the others is named then.
        which = " of those that have one" if has_nonfinite else f", {name}" if name else ""
        how_bad = f" (lowest {fmt.similarity(worst)}{which})"
    of = f" of {_count(numbers, 'n')}" if numbers.get("n") is not None else ""
    missing = " or without one" if numbers.get("nan") or numbers.get("inf") else ""
    limit = fmt.limit(limits.fail(M1))
    return f"{_count(numbers, 'below')}{of} sequences at or below similarity {limit}{missing}{how_bad}"


def _overflow(numbers: Numbers, _limits: Thresholds, details: Mapping[str, Any], _name: str) -> str:
    modules = details.get("nonfinite")
    where = f"; first module: {modules[0]['module']}" if modules else ""
    return (
        f"{_plural(numbers, 'nonfinite_modules', 'module')} with NaN or Inf inside and "
        f"{_plural(numbers, 'saturated_values', 'value')} at the format's largest number, 0 allowed{where}"
    )


def _exchanged(numbers: Numbers, _limits: Thresholds, _details: Mapping[str, Any], name: str) -> str:
    return f"{_count(numbers, 'identity_misses')} {S7.what}{f' (first: {name})' if name else ''}, 0 allowed"


def _module(numbers: Numbers, limits: Thresholds, details: Mapping[str, Any], _name: str) -> str:
    worst = next(iter(detail(details, "rounding") or ()), None)
    value = fmt.measure(value_of(R4, numbers), R4.style)
    where = f"error of {worst['module']}" if worst else "error of the worst module"
    return f"{where} is {value} times that of exact arithmetic rounded once, above {fmt.limit(limits.fail(R4))}"


def _faults(_numbers: Numbers, _limits: Thresholds, details: Mapping[str, Any], _name: str) -> str:
    found = [one["text"] for one in detail(details, "faults", "recognized") or ()]
    return "; ".join(found) or F1.what


def _uncaught(numbers: Numbers, _limits: Thresholds, details: Mapping[str, Any], _name: str) -> str:
    caught = detail(details, "controls", "caught")
    missed = uncaught(caught) if isinstance(caught, Mapping) else []
    which = f": {', '.join(missed)}" if missed else ""
    return (
        f"{_count(numbers, 'uncaught')} of {_count(numbers, 'controls')} negative controls detected by no gate{which}"
    )


def uncaught(caught: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the negative controls that no gate detected."""
    return [control for control, gates in caught.items() if not gates]


def _plural(numbers: Numbers, name: str, noun: str) -> str:
    return fmt.plural(int(numbers.get(name) or 0), noun)


def _count(numbers: Numbers, name: str) -> str:
    return fmt.exact(numbers.get(name) or 0.0)


_SPECIAL: Final[Mapping[str, Callable[[Numbers, Thresholds, Mapping[str, Any], str], str]]] = {
    F1.id: _faults,
    V1.id: _nonfinite,
    V2.id: _overflow,
    M1.id: _cosine,
    S7.id: _exchanged,
    R4.id: _module,
    C1.id: _uncaught,
}
