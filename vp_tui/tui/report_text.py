"""Sections of a run's report, as plain text of at most 79 columns.

Pure functions from measures to lines; all numbers and stored text pass through core.text. A section
without numbers is empty.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.report.document import gpu_while_encoding
from vp_tui.core.store.snapshot import RunRow, RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail
from vp_tui.core.verdict.results import GateResult
from vp_tui.core.verdict.words import uncaught

WIDTH = 79
_SCOPES = (*STRATA, "all")
_GATE, _CELL, _LIMIT = 11, 9, 16
_LONGEST = max(map(len, BY_ID))
_MODULES = 5
_AT_WORK = {"utilization": "utilization", "sm_active": "SM active", "tensor_active": "tensor", "dram_active": "DRAM"}
_HOW_TO_READ = (
    "Of two limits the first warns; beyond the one in brackets a safety gate fails, and with --gates strict all but "
    "notes. blind: the gate passed but detected none of the negative controls."
)
_ALIKE = 0.1
"""Mean cosine between sequences below which raw and mean-centred cosine nearly agree."""
_DOMINANT = 0.1
"""Share of the squared norm from which a single dimension is reported."""


def paragraph(text: str, *, first: str = "  ", rest: str = "  ") -> list[str]:
    """Return text wrapped and indented; no line for empty text."""
    return fmt.wrap(safe(text), WIDTH, first=first, rest=rest) if text.strip() else []


def spaced(lines: Sequence[str]) -> list[str]:
    """Return a blank line and the lines; nothing without lines."""
    return ["", *lines] if lines else []


def section(title: str, lines: Sequence[str]) -> list[str]:
    """Return a blank line, the title and the lines; nothing without lines."""
    return ["", title, *lines] if lines else []


def numbers_of(measured: Measured, measure: str) -> Numbers:
    """Return the numbers of a measure over all sequences."""
    return measured.values.get(measure, {}).get("all", {})


def cosine_meaning(measured: Measured, limits: Thresholds) -> str:
    """Return the meaning of M1's limit on this set as text; empty where M1 was not measured."""
    mine = numbers_of(measured, "M1")
    between, needed = mine.get("between_cosine"), mine.get("needed_centred_cosine")
    limit = fmt.limit(limits.fail(M1))
    words = []
    if between is not None:
        words.append(
            f"Two different sequences of this set have a similarity of {fmt.similarity(between, 3)} on average."
        )
    if needed is not None:
        words.append(_needed(needed, between, limit))
    dominant = detail(measured.details, "dominant_dimension")
    if words and dominant and dominant["share"] >= _DOMINANT:
        words.insert(1, f"Dimension {dominant['index']} holds {fmt.percent(dominant['share'])} of the squared norm.")
    return " ".join(words)


def _needed(needed: float, between: float | None, limit: str) -> str:
    """The mean-centred cosine that M1's limit corresponds to."""
    if needed <= 0:
        return f"M1 cannot fail here: sequences stay above {limit} even if all differences between them are lost."
    meaning = f"Once the part that all sequences share is subtracted, a similarity of {limit} corresponds to"
    if between is not None and between < _ALIKE:
        return f"{meaning} {fmt.similarity(needed, 3)}, so M1 is strict here."
    lost = "M1 alone would miss a loss of that size, which S7 to S10 look for"
    return f"{meaning} only {fmt.similarity(needed, 3)}: {lost}."


def uncaught_controls(measured: Measured) -> str:
    """Return a sentence on the negative controls that no gate detected; empty where none was run."""
    caught = detail(measured.details, "controls", "caught") or {}
    missed = uncaught(caught)
    if not caught:
        return ""
    if not missed:
        return f"Negative controls: each of {len(caught)} kinds of corruption was detected by at least one gate."
    return f"Negative controls: no gate detected {', '.join(missed)}; such errors would go undetected on this data."


def measures_table(rows: Sequence[GateResult]) -> list[str]:
    """Return one line per gate that has numbers, then a legend of their names."""
    shown = [row for row in rows if row.state != "not measured"]
    if not shown:
        return []
    head = f"{'gate':<{_GATE}}" + "".join(f" {scope:>{_CELL}}" for scope in _SCOPES) + f" {'limit':<{_LIMIT}} state"
    by_stratum = [f"{row.id} {row.title}" for row in shown if not _is_whole(row)]
    legend = paragraph(f"{'; '.join(by_stratum)}.") if by_stratum else []
    return [head, *map(_row, shown), *legend, *paragraph(_HOW_TO_READ)]


def _is_whole(row: GateResult) -> bool:
    """True for a gate on the whole set: its strata are empty."""
    return BY_ID[row.id].scopes == "all"


def _row(row: GateResult) -> str:
    """A gate on the whole set has its title where the strata would be."""
    if _is_whole(row):
        width = _GATE + 3 * (_CELL + 1) - _LONGEST - 1
        start = f"{row.id:<{_LONGEST}} {fmt.clip(row.title, width):<{width}}"
    else:
        start = f"{row.id:<{_GATE}}"
        start += "".join(f" {fmt.measure(row.values[scope], row.style):>{_CELL}}" for scope in STRATA)
    limit = fmt.clip(row.limit, _LIMIT)
    return f"{start} {fmt.measure(row.values['all'], row.style):>{_CELL}} {limit:<{_LIMIT}} {row.state}"


def not_measured(rows: Sequence[GateResult], measured: Measured) -> list[str]:
    """Return the gates without numbers, with the recorded reason."""
    reasons = detail(measured.details, "not_measured") or {}
    lines = [line for gate, reason in reasons.items() for line in paragraph(f"{gate}: {reason}", rest="    ")]
    without = [row.id for row in rows if row.state == "not measured" and not _explained(row.id, reasons)]
    if without:
        lines += paragraph(f"no numbers: {', '.join(without)}", rest="    ")
    return lines


def _explained(gate_id: str, reasons: Mapping[str, Any]) -> bool:
    return gate_id in reasons or BY_ID[gate_id].measure in reasons


def controls(measured: Measured, rows: Sequence[GateResult]) -> list[str]:
    """Return each negative control with the gates that detected it, and the blind gates."""
    found = detail(measured.details, "controls") or {}
    texts = found.get("texts", {})
    lines = []
    for name, gates in found.get("caught", {}).items():
        seen = f"Detected by {', '.join(gates)}." if gates else "DETECTED BY NO GATE."
        lines += paragraph(f"{name}: {texts.get(name, '')} {seen}", rest="    ")
    for name in found.get("impossible", ()):
        lines += paragraph(f"{name}: {texts.get(name, '')} Not possible on these embeddings.", rest="    ")
    for row in rows:
        if row.state == "blind":
            words = f"{row.id} is blind here: it detected none of them. It does not detect {BY_ID[row.id].blind_to}."
            lines += paragraph(words, rest="    ")
    return lines


def oracle(measured: Measured, *, candidate: str, reference: str) -> list[str]:
    """Return the error of both precisions against FP64, also relative to the rounding floor."""
    errors, ratios = numbers_of(measured, "R1"), numbers_of(measured, "R4")
    words = [
        f"{name} {fmt.error(errors[typical])} (worst sequence {fmt.error(errors.get(worst))})"
        for name, typical, worst in (
            (reference, "reference_error_p50", "reference_error_max"),
            (candidate, "candidate_error_p50", "candidate_error_max"),
        )
        if errors.get(typical) is not None
    ]
    lines = paragraph(f"Relative L2 error of the embeddings, median sequence: {', '.join(words)}.") if words else []
    bits = errors.get("reference_bits")
    if bits is not None:
        lines += paragraph(f"Effective precision of the reference: {fmt.whole(bits)} bits (TF32, FP16: 11).")
    output, module = ratios.get("output_ratio"), ratios.get("rounding_ratio", ratios.get("rounding_ratio_max"))
    if output is not None:
        lines += paragraph(f"{candidate} output error: {fmt.ratio(output)} the {candidate.upper()} rounding floor.")
    if module is not None:
        lines += paragraph(f"Worst module: {fmt.ratio(module)} the rounding floor.")
    semantics = numbers_of(measured, "R6").get("semantics_ratio")
    if semantics is not None:
        lines += paragraph(f"The candidate's code in FP32: {fmt.ratio(semantics)} the error of the reference's.")
    return lines


def known_faults(measured: Measured) -> list[str]:
    """Return what was recognized in a judged run, or that nothing was."""
    return paragraph(detail(measured.details, "faults", "sentence") or "")


def modules(measured: Measured, candidate: str) -> list[str]:
    """Return the modules whose activations are nearest to the largest number of the format."""
    found = detail(measured.details, "headroom")
    if not isinstance(found, list) or not found:
        return []
    tightest = sorted(found, key=lambda module: module["bits"])[:_MODULES]
    lines = [
        f"  {fmt.clip(safe(module['module']), 41):<41} {fmt.measure(module['bits'], 'bits'):>8} doublings, "
        f"max {fmt.number(module['max_abs'])}"
        for module in tightest
    ]
    return [*paragraph(f"Doublings left before {safe(candidate)} overflows:"), *lines]


def spread(measured: Measured, *, candidate: str, reference: str) -> list[str]:
    """Return mean, standard deviation and outlier share of both runs."""
    whole, outliers = numbers_of(measured, "S5"), numbers_of(measured, "S6")
    lines = []
    for name, arm in ((reference, "reference"), (candidate, "candidate")):
        mean, std, share = whole.get(f"mean_{arm}"), whole.get(f"std_{arm}"), outliers.get(f"outlier_share_{arm}")
        if mean is not None or std is not None:
            lines.append(
                f"  {safe(name):<9} mean {fmt.error(mean):>8}   std {fmt.error(std):>8}   beyond 3 std "
                f"{fmt.percent(share)}"
            )
    return lines


def speed(snapshot: RunSnapshot) -> list[str]:
    """Return the speed verdict and its numbers."""
    lines = paragraph(snapshot.speedup.get("reason", "").removeprefix("speed: "))
    if snapshot.config.get("judged"):
        return lines
    for arm in (snapshot.arms[name] for name in ARMS if name in snapshot.arms):
        words = (
            f"{arm.get('precision')}: {fmt.number(arm.get('tokens_per_s'))} tok/s{_mfu(arm)}, "
            f"{fmt.seconds(arm.get('seconds'))} encoding, {fmt.seconds(arm.get('end_to_end_seconds'))} end to end, "
            f"attention by {arm.get('attention_kernel')}{', from a stored reference' if arm.get('cached') else ''}"
        )
        lines += paragraph(words, rest="    ")
    lines += paragraph(_gpu_at_work(snapshot), rest="    ")
    why = snapshot.run.perf_invalid_reason
    return [*lines, *paragraph(f"Times are excluded from comparisons with other runs: {why}" if why else "")]


def _mfu(arm: Mapping[str, Any]) -> str:
    return f" ({fmt.percent(arm['mfu'])} of the GPU's nominal peak)" if arm.get("mfu") is not None else ""


def _gpu_at_work(snapshot: RunSnapshot) -> str:
    """Mean GPU activity while encoding, in a sentence; empty where none was reported."""
    found = gpu_while_encoding(snapshot.gpu, snapshot.blocks)
    told = [f"{title} {fmt.percent(found[name]['mean'], of=100)}" for name, title in _AT_WORK.items() if found[name]]
    no_gpm = snapshot.environment.get("gpm")
    return f"GPU while encoding: {', '.join(told)}{f'; {no_gpm}' if no_gpm else ''}" if told else ""


def origin(run: RunRow) -> list[str]:
    """Return where the run comes from: its whole paths and its identity in every store."""
    facts = (("model", run.model), ("sequences", run.input), ("uuid", run.uuid))
    return [line for name, value in facts for line in paragraph(f"{name} {value}", rest="    ")]
