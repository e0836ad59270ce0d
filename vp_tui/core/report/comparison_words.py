"""A comparison in words: its title, and one line each for accuracy and speed. The runs are A and B."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from vp_tui.core import text as fmt
from vp_tui.core.regression.verdicts import Item, Outcome, Part
from vp_tui.core.report.comparison import ComparisonReport
from vp_tui.core.report.evidence import SideName

LETTERS: Final[Mapping[SideName, str]] = {"baseline": "A", "candidate": "B"}
NOT_JUDGED: Final = "not judged"
"""In place of a verdict, where there is none."""
_WORDS: Final[Mapping[Outcome, str]] = {
    "FAIL": "B fails its gates",
    "INCOMPLETE": "B is incomplete",
    "NOT_COMPARABLE": NOT_JUDGED,
    "REGRESSED": "B is worse",
    "SUSPECT": "B is perhaps worse",
    "INCONCLUSIVE": "undecided",
    "IMPROVED": "B is better",
    "EQUIVALENT": "equal within the limits",
    "IDENTICAL": "identical",
}
_KINDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("model", ("weights_sha256", "pooling", "max_residues")),
    ("data", ("dataset_sha256", "tokenizer", "cuts")),
    ("precision", ("candidate_precision", "candidate_flags")),
    ("reference", ("reference_precision", "reference_flags")),
    ("attention", ("reference_attention", "candidate_attention")),
    ("device", ("device_type", "device_name", "compute_capability", "power_limit_w", "threads")),
    ("versions", ("torch", "transformers", "flash_attn", "driver", "cuda", "cudnn", "metrics_version")),
    ("schedule", ("schedule",)),
)  # fmt: skip
"""What differs, in the order of importance -> the facts of the keys behind it."""


def verdict_of(outcome: Outcome) -> str:
    """Return the outcome as a cell of a table."""
    return NOT_JUDGED if outcome == "NOT_COMPARABLE" else outcome


def title(report: ComparisonReport) -> str:
    """Return what is judged: `different precision: numbers side by side, no verdict`."""
    parts = {"accuracy": report.comparison.accuracy, "speed": report.comparison.performance}
    apart = {name: part for name, part in parts.items() if not part.comparable}
    if not apart:
        return "B compared with A"
    on = "" if len(apart) == len(parts) else f" on {next(iter(apart))}"
    return f"{_why(apart.values())}: numbers side by side, no verdict{on}"


def _why(parts: Iterable[Part]) -> str:
    found = list(parts)
    differing = {name for part in found for name in part.differing}
    kinds = [kind for kind, names in _KINDS if differing.intersection(names)]
    if differing:
        return f"different {_listed(kinds or sorted(differing))}"
    return _listed(list(dict.fromkeys(part.sentence.partition(": ")[2] for part in found)))


def _listed(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def accuracy_line(report: ComparisonReport) -> str:
    """Return `Accuracy: identical, all numbers of 30 sequences are equal`."""
    outcome = report.comparison.verdicts["accuracy"]
    said = report.comparison.sentences["accuracy"].partition(": ")[2]
    return _line("Accuracy", outcome, _why([report.comparison.accuracy]) if outcome == "NOT_COMPARABLE" else said)


def speed_line(report: ComparisonReport) -> str:
    """Return `Speed: undecided, +6.7%, needs 5 runs each`."""
    part = report.comparison.performance
    if not part.comparable:
        return _line("Speed", part.outcome, _why([part]))
    item = next((one for one in part.items if one.outcome == part.outcome), None)
    return _line("Speed", part.outcome, part.sentence.partition(": ")[2] if item is None else _speed(item))


def _line(what: str, outcome: Outcome, said: str) -> str:
    word = _WORDS[outcome]
    named = word if outcome == "NOT_COMPARABLE" else f"{word} ({outcome})"
    return fmt.safe(f"{what}: {named}, {said}")


def _speed(item: Item) -> str:
    needs = f", needs {fmt.plural(item.repeats, 'run')} each" if item.repeats else ""
    of = "" if item.name == "tokens_per_s" and item.scope == "all" else f"{item.title} ({item.scope}) "
    span = f" {fmt.interval(item.low, item.high)}" if item.low is not None else ""
    return f"{of}{fmt.change(item.change, item.unit)}{span}{needs}"
