"""Answers of a finished run: same results, faster, how sure; problems, notes and the next step.

Pure functions from a snapshot to pairs of a label and a text, which are not wrapped; stored text passes through `safe`.
"""

import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.config import PLAN_PREFIX
from vp_tui.core.formats import shown_name
from vp_tui.core.gates.gate import Gate
from vp_tui.core.gates.model import F1, I2
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Measured, from_document
from vp_tui.core.report.headline import headline, overall, problems_of, with_run
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.verdict.causes import Group, notes
from vp_tui.core.verdict.certainty import MIN_FILE, bound_of, failures_in_words
from vp_tui.core.verdict.evaluate import detail

_MORE: Final = 10_000
"""Sequences of the run that a handful is advised to be followed by."""


Answer = tuple[str, str]


def answers(snapshot: RunSnapshot) -> tuple[Answer, ...]:
    """Return the answers of a report, then notes and next step; nothing for a run without a verdict."""
    if snapshot.run.verdict is None or not snapshot.strata:
        return ()
    _, proof, fast = headline(snapshot)
    found = (
        ("Same results?", f"{_same(snapshot)}{proof.text}."),
        ("Faster?", f"{fast.word}: {fast.text}."),
        ("How sure?", _sure(snapshot)),
    )
    return (*((question, answer) for question, answer in found if answer), *notes_and_next(snapshot))


def notes_and_next(snapshot: RunSnapshot) -> tuple[Answer, ...]:
    """Return the notes, one per cause, and the next step; nothing for a run without a verdict."""
    if snapshot.run.verdict is None or not snapshot.strata:
        return ()
    found = (
        *((f"Note {place}", _note(group)) for place, group in enumerate(notes(snapshot.findings), 1)),
        ("Accessions", _accessions(from_document(snapshot.measures))),
        ("Next", next_step(snapshot)),
    )
    return tuple((label, text) for label, text in found if text)


def advice_of(gate: Gate, snapshot: RunSnapshot) -> str:
    """Return the next step after a miss; files of embeddings have no operations to search."""
    is_judged = snapshot.config.get("judged") is not None
    return with_run((is_judged and gate.advice_on_files) or gate.advice, snapshot.run)


def findings(snapshot: RunSnapshot) -> Iterator[tuple[str, str, str]]:
    """Yield severity, what was found, and what it means and what to do; one per cause that warns or fails."""
    for group in problems_of(snapshot):
        gate = BY_ID.get(group.lead.gate)
        told = f"{gate.meaning} {advice_of(gate, snapshot)}" if gate is not None else ""
        yield group.lead.severity, f"{group.lead.gate}: {safe(group.lead.text)}", f"{told}{_others(group)}"


def _same(snapshot: RunSnapshot) -> str:
    return {"PASS": "Yes: ", "WARN": "With a warning: ", "FAIL": "No: "}.get(str(snapshot.run.verdict), "")


def _sure(snapshot: RunSnapshot) -> str:
    """Return how many of the file's sequences were compared, and what that leaves open."""
    measured, everything = from_document(snapshot.measures), overall(snapshot)
    bound, in_file = bound_of(measured), sum((detail(measured.details, "in_file") or {}).values())
    if bound is None or everything is None:
        return ""
    if any(one.gate == I2.id for one in snapshot.findings):
        return f"{fmt.exact(everything.n)} sequences that both sides have were compared."
    if bound == 0 or everything.n == in_file:
        return f"All {fmt.exact(everything.n)} sequences of the file were compared."
    of = f" of {fmt.exact(in_file)}" if in_file else ""
    return (
        f"{fmt.exact(everything.n)}{of} sequences were compared: with 95% certainty {failures_in_words(bound)} of the "
        "file fail."
    )


def _note(group: Group) -> str:
    return f"{group.lead.gate}: {safe(group.lead.text)}. Nothing to do."


def _others(group: Group) -> str:
    """The same gate in other strata, and the other gates of the cause."""
    told = [f"Also {safe(one.text)}." for one in group.others if one.gate == group.lead.gate]
    if group.gates:
        told.append(f"Same cause: {', '.join(group.gates)}.")
    return f" {' '.join(told)}" if told else ""


def _accessions(measured: Measured) -> str:
    """How sure the verdict is for other genomes, where the ids name them."""
    numbers = measured.values.get("M1", {}).get("all", {})
    accessions, bound = numbers.get("accessions"), numbers.get("failure_bound_accessions")
    if accessions is None or bound is None:
        return ""
    told = f"The sequences come from {fmt.exact(accessions)} accessions"
    return (
        f"{told}. Of accessions that are not among them, {failures_in_words(bound)} could hold a sequence that fails."
    )


def next_step(snapshot: RunSnapshot) -> str:
    """Return what to do after this run: the advice of the most severe problem, or the next command.

    A recognized fault of a pipeline explains the other problems.
    """
    found = sorted(problems_of(snapshot), key=lambda group: group.lead.gate != F1.id)
    gate = BY_ID.get(found[0].lead.gate) if found else None
    if gate is not None:
        return advice_of(gate, snapshot)
    config = snapshot.config
    if config.get("judged"):
        return _next_of_judged(config["judged"])
    if snapshot.run.precision.startswith(shown_name("")):
        return "accuracy only, imitated in FP32: validate the format itself on a device that has it."
    bound = bound_of(from_document(snapshot.measures))
    if bound is not None and bound >= MIN_FILE:
        return run_command(snapshot, _precision(snapshot), f" --sample {_MORE}")
    if snapshot.run.device == "cpu":
        return f"the same run on a GPU: {run_command(snapshot, _precision(snapshot))}"
    precision = _precision(snapshot)
    of = "" if precision == "fp16" or precision.startswith(PLAN_PREFIX) else f" --precision {precision}"
    return f"vp-tui policy -m {_quoted(config['model'])}{of}"


def run_command(snapshot: RunSnapshot, precision: str, sample: str = "") -> str:
    """Return the command that validates a precision on the model, the sequences and the gates of this run."""
    config = snapshot.config
    if not sample and config.get("sample", _MORE) != _MORE:
        sample = f" --sample {config['sample']}"
    of = "" if precision == "fp16" else f" --precision {shlex.quote(safe(precision))}"
    gates = " --gates strict" if config.get("gates") == "strict" else ""
    return f"vp-tui run -m {_quoted(config['model'])} -i {_quoted(config['input'])}{sample}{of}{gates}"


def _precision(snapshot: RunSnapshot) -> str:
    """The precision that was asked for, also where a variable replaced it."""
    return snapshot.config.get("precision_requested") or snapshot.run.precision


def _quoted(path: str) -> str:
    """A path for a shell; in quotes it would not expand the ~ that an exported page has for the home folder."""
    home, rest = ("~/", path[2:]) if path.startswith("~/") else ("", path)
    return home + shlex.quote(safe(rest))


def _next_of_judged(judged: Mapping[str, Any]) -> str:
    """Only with a checkpoint on one side are the faults of pipelines in embeddings looked for one by one."""
    if judged["encoded"] is not None or judged.get("kind") == "predictions":
        return ""
    return f"known faults are looked for with: vp-tui judge MODEL {shlex.quote(safe(judged['candidate']))} -i FASTA"
