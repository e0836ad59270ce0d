"""The short answer of a finished run: same results, faster, how sure, problems and notes, and the next step.

Pure functions from a snapshot to lines of at most 79 columns; stored text passes through `safe`.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding, StratumStats
from vp_tui.core.formats import shown_name
from vp_tui.core.gates.embeddings import M1
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


def answers(snapshot: RunSnapshot) -> list[str]:
    """Return the block below the verdict; nothing for a run without a verdict."""
    if snapshot.run.verdict is None or not snapshot.strata:
        return []
    measured = from_document(snapshot.measures)
    parts = [
        ("Same results?", _same(snapshot)),
        ("Faster?", _faster(snapshot)),
        ("How sure?", _sure(snapshot, measured)),
        *((f"Note {place}", _note(group)) for place, group in enumerate(notes(snapshot.findings), 1)),
        ("Next", _next(snapshot, measured)),
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


def _same(snapshot: RunSnapshot) -> str:
    everything = _all(snapshot.strata)
    found = problems(snapshot.findings)
    reference = safe(snapshot.run.reference)
    if _is_of_predictions(snapshot) and snapshot.run.verdict == "PASS":
        return f"Yes. {safe(snapshot.run.sentence)}."
    if snapshot.run.verdict == "PASS" and everything is not None and everything.cosine_min is not None:
        limit = snapshot.limits.fail(M1)
        gap = 1.0 - everything.cosine_min
        closer = f", {fmt.short((1.0 - limit) / gap)} times closer than it must be" if gap > 0 else ""
        return (
            f"Yes. All {fmt.exact(everything.n)} embeddings are practically those of {reference}. The least similar "
            f"has cosine {fmt.cosine(everything.cosine_min)}; more than {fmt.limit(limit)} is needed{closer}. No NaN."
        )
    if snapshot.run.verdict == "INVALID":
        return "Unknown: the reference itself cannot be trusted."
    if snapshot.run.verdict == "FAIL":
        return f"No: {fmt.plural(len(found), 'problem')}, see Findings."
    return f"Within the limits that decide, with {fmt.plural(len(found), 'warning')}, see Findings."


def _faster(snapshot: RunSnapshot) -> str:
    if not snapshot.speedup:
        return ""
    ratio = snapshot.speedup.get("tokens_per_s")
    if snapshot.run.device == "cpu" and ratio is not None:
        return f"Not known: {fmt.ratio(ratio)} on this CPU, which says nothing about a GPU. Measure on yours."
    return safe(snapshot.speedup.get("reason", "").removeprefix("speed: "))


def _sure(snapshot: RunSnapshot, measured: Measured) -> str:
    bound, everything = bound_of(measured), _all(snapshot.strata)
    if bound is None or everything is None:
        return ""
    few = " only" if bound >= MIN_FILE else ""
    if bound == 0:
        told = f"All {fmt.exact(everything.n)} sequences of the file were compared."
    else:
        told = (
            f"{fmt.exact(everything.n)} sequences{few}: {failures_in_words(bound)} of the file could still fail (95%)."
        )
    numbers = measured.values.get("M1", {}).get("all", {})
    accessions, other = numbers.get("accessions"), numbers.get("failure_bound_accessions")
    if accessions is None or other is None:
        return told
    return f"{told} They come from {fmt.exact(accessions)} accessions: of other genomes {failures_in_words(other)}."


def _next(snapshot: RunSnapshot, measured: Measured) -> str:
    found = problems(snapshot.findings)
    gate = BY_ID.get(found[0].lead.gate) if found else None
    if gate is not None:
        return gate.advice
    config = snapshot.config
    if config.get("judged"):
        return "" if _is_of_predictions(snapshot) else _next_of_judged(config["judged"])
    if snapshot.run.precision.startswith(shown_name("")):
        return "accuracy only, imitated in FP32: validate the format itself on a device that has it."
    bound = bound_of(measured)
    command = f"vp-tui run -m {shlex.quote(safe(config['model']))} -i {shlex.quote(safe(config['input']))}"
    if bound is not None and bound >= MIN_FILE:
        return f"{command} --sample {_MORE}"
    on_gpu = f"the same run on a GPU: {command}"
    return on_gpu if snapshot.run.device == "cpu" else f"vp-tui policy -m {shlex.quote(safe(config['model']))}"


def _is_of_predictions(snapshot: RunSnapshot) -> bool:
    return (snapshot.config.get("judged") or {}).get("kind") == "predictions"


def _next_of_judged(judged: Mapping[str, Any]) -> str:
    """Only with a checkpoint on one side are the faults of pipelines looked for one by one."""
    if judged["encoded"] is not None:
        return ""
    return f"known faults are looked for with: vp-tui judge MODEL {shlex.quote(safe(judged['candidate']))} -i FASTA"


def _all(strata: Sequence[StratumStats]) -> StratumStats | None:
    return next((stats for stats in strata if stats.scope == "all" and stats.n), None)
