"""What follows the three lines of a finished run (report.headline): problems, notes, and the next step.

Pure functions from a snapshot to lines of at most 79 columns; stored text passes through `safe`.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Measured, from_document
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.verdict.causes import Group, notes, problems
from vp_tui.core.verdict.certainty import MIN_FILE, bound_of, failures_in_words

_WIDTH: Final = 79
_LABEL: Final = 15
_MORE: Final = 10_000
"""Sequences of the run that a handful is advised to be followed by."""


def notes_and_next(snapshot: RunSnapshot) -> list[str]:
    """Return the notes, one per cause, and the next step; nothing for a run without a verdict."""
    if snapshot.run.verdict is None or not snapshot.strata:
        return []
    parts = [
        *((f"Note {place}", _note(group)) for place, group in enumerate(notes(snapshot.findings), 1)),
        ("Accessions", _accessions(from_document(snapshot.measures))),
        ("Next", next_step(snapshot)),
    ]
    return [line for label, text in parts if text for line in _part(label, text)]


def findings(found: Sequence[Finding]) -> Iterator[tuple[str, str]]:
    """Yield severity and text of one paragraph per cause: what was found, what it means, what to do; no notes."""
    for group in problems(found):
        gate = BY_ID.get(group.lead.gate)
        meaning = f". {gate.meaning} {gate.advice}" if gate is not None else ""
        yield group.lead.severity, f"{group.lead.gate}: {safe(group.lead.text)}{meaning}{_others(group)}"


def _note(group: Group) -> str:
    return f"{group.lead.gate}: {safe(group.lead.text)}. Nothing to do."


def _others(group: Group) -> str:
    """The same gate in other strata, and the other gates of the cause."""
    told = [f"Also {safe(one.text)}." for one in group.others if one.gate == group.lead.gate]
    if group.gates:
        told.append(f"Same cause: {', '.join(group.gates)}.")
    return f" {' '.join(told)}" if told else ""


def _part(label: str, text: str) -> list[str]:
    return fmt.wrap(text, _WIDTH, first=f"  {label:<{_LABEL}}", rest=" " * (_LABEL + 2))


def _accessions(measured: Measured) -> str:
    """How sure the verdict is for other genomes, where the ids name them."""
    numbers = measured.values.get("M1", {}).get("all", {})
    accessions, bound = numbers.get("accessions"), numbers.get("failure_bound_accessions")
    if accessions is None or bound is None:
        return ""
    told = f"The sequences come from {fmt.exact(accessions)} accessions"
    return f"{told}: of other genomes {failures_in_words(bound)} could fail."


def next_step(snapshot: RunSnapshot) -> str:
    """Return what to do after this run: the advice of the most severe problem, or the next command."""
    found = problems(snapshot.findings)
    gate = BY_ID.get(found[0].lead.gate) if found else None
    if gate is not None:
        return gate.advice
    config = snapshot.config
    if _is_of_predictions(snapshot):
        return ""
    if config.get("judged"):
        return _next_of_judged(config["judged"])
    bound = bound_of(from_document(snapshot.measures))
    command = f"vp-tui run -m {shlex.quote(safe(config['model']))} -i {shlex.quote(safe(config['input']))}"
    if bound is not None and bound >= MIN_FILE:
        return f"{command} --sample {_MORE}"
    if snapshot.run.device == "cpu":
        return f"the same run on a GPU: {command}"
    return f"vp-tui policy -m {shlex.quote(safe(config['model']))}"


def _is_of_predictions(snapshot: RunSnapshot) -> bool:
    return (snapshot.config.get("judged") or {}).get("kind") == "predictions"


def _next_of_judged(judged: Mapping[str, Any]) -> str:
    """Only with a checkpoint on one side are the faults of pipelines looked for one by one."""
    if judged["encoded"] is not None:
        return ""
    return f"known faults are looked for with: vp-tui judge MODEL {shlex.quote(safe(judged['candidate']))} -i FASTA"
