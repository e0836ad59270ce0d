"""The sections of a run's report, in plain text of at most 79 columns.

Pure functions from measures to lines; all numbers through tui.format, all stored text through `safe`. A section
without numbers is empty.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.config import STRATA
from vp_tui.core.events import ARMS, StratumStats
from vp_tui.core.gates.embeddings import M1
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Measured, Numbers
from vp_tui.core.report.document import gpu_while_encoding
from vp_tui.core.store.snapshot import RunSnapshot
from vp_tui.core.text import safe
from vp_tui.core.thresholds import Thresholds
from vp_tui.core.verdict.evaluate import detail
from vp_tui.core.verdict.results import GateResult
from vp_tui.core.verdict.words import uncaught

WIDTH = 79
_SCOPES = (*STRATA, "all")
_GATE, _CELL, _LIMIT = 11, 9, 16
_MODULES = 5
_AT_WORK = {"utilization": "utilization", "sm_active": "SM active", "tensor_active": "tensor", "dram_active": "DRAM"}
_HOW_TO_READ = (
    "In front of a limit in brackets, the hard one, stands the one that warns. blind: passed, but it caught none of "
    "the damage that was planted below either."
)
_ALIKE = 0.1
"""Mean cosine between sequences below which M1's limit means nearly what it says."""
_DOMINANT = 0.1
"""Share of the squared norm from which one dimension is worth a sentence."""


def paragraph(text: str, *, first: str = "  ", rest: str = "  ") -> list[str]:
    """A sentence or more, wrapped and indented; no line for no words."""
    return fmt.wrap(safe(text), WIDTH, first=first, rest=rest) if text.strip() else []


def section(title: str, lines: Sequence[str]) -> list[str]:
    """A blank line, the title, the lines; nothing where there are no lines."""
    return ["", title, *lines] if lines else []


def numbers(measured: Measured, measure: str, scope: str = "all") -> Numbers:
    """The numbers of a measure in a scope; empty where there are none."""
    return measured.values.get(measure, {}).get(scope, {})


def cosine_meaning(measured: Measured, strata: Sequence[StratumStats], limits: Thresholds) -> str:
    """What M1 proves here, in words; empty where it was not measured."""
    mine = numbers(measured, "M1")
    between, needed, bound = (mine.get(name) for name in ("between_cosine", "needed_centred_cosine", "failure_bound"))
    limit = fmt.limit(limits.fail(M1))
    words = []
    if between is not None:
        words.append(f"Two different sequences of this set already have a mean cosine of {fmt.cosine(between, 3)}.")
    if needed is not None:
        words.append(_needed(needed, between, limit))
    dominant = detail(measured.details, "dominant_dimension")
    if words and dominant and dominant["share"] >= _DOMINANT:
        words.insert(1, f"Dimension {dominant['index']} alone holds {fmt.percent(dominant['share'])} of the norm.")
    everything = next((stats for stats in strata if stats.scope == "all" and stats.n), None)
    if bound is not None and everything is not None:
        words.append(
            f"{fmt.exact(everything.below)} of {fmt.exact(everything.n)} failed: with 95 % confidence fewer than "
            f"{fmt.percent(bound)} of such sequences do."
        )
    return " ".join(words)


def _needed(needed: float, between: float | None, limit: str) -> str:
    """How much of what tells sequences apart must stay for M1 to pass."""
    if needed <= 0:
        return f"A sequence stays above {limit} even when nothing of what tells it apart from others is left."
    if between is not None and between < _ALIKE:
        return f"M1 is as strict here as it looks: what tells sequences apart must stay to {fmt.cosine(needed, 3)} too."
    return (
        f"To stay above {limit} a sequence needs a centred cosine (of what tells it apart from the others) of only "
        f"{fmt.cosine(needed, 3)}; M1 alone would let it lose the rest."
    )


def uncaught_controls(measured: Measured) -> str:
    """Which negative controls no gate caught, in one sentence; empty where none was made."""
    caught = detail(measured.details, "controls", "caught") or {}
    missed = uncaught(caught)
    if not caught:
        return ""
    if not missed:
        return f"Negative controls: each of {len(caught)} kinds of planted damage was caught by at least one gate."
    return f"Negative controls: no gate caught {', '.join(missed)}; damage of this kind would go unseen here."


def measures_table(rows: Sequence[GateResult]) -> list[str]:
    """One line per gate that has numbers, then what their names stand for."""
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
        middle = f" {fmt.clip(row.title, 3 * _CELL + 2):<{3 * _CELL + 2}}"
    else:
        middle = "".join(f" {fmt.measure(row.values[scope], row.style):>{_CELL}}" for scope in STRATA)
    limit = fmt.clip(row.limit, _LIMIT)
    return (
        f"{row.id:<{_GATE}}{middle} {fmt.measure(row.values['all'], row.style):>{_CELL}} {limit:<{_LIMIT}} {row.state}"
    )


def not_measured(rows: Sequence[GateResult], measured: Measured) -> list[str]:
    """What has no numbers, with the reason where one is recorded."""
    reasons = detail(measured.details, "not_measured") or {}
    lines = [line for gate, reason in reasons.items() for line in paragraph(f"{gate}: {reason}", rest="    ")]
    without = [row.id for row in rows if row.state == "not measured" and not _explained(row.id, reasons)]
    if without:
        lines += paragraph(f"no numbers: {', '.join(without)}", rest="    ")
    return lines


def _explained(gate_id: str, reasons: Mapping[str, Any]) -> bool:
    return gate_id in reasons or BY_ID[gate_id].measure in reasons


def controls(measured: Measured, rows: Sequence[GateResult]) -> list[str]:
    """What was planted, which gates saw it, and what the others could not have seen."""
    found = detail(measured.details, "controls") or {}
    texts = found.get("texts", {})
    lines = []
    for name, gates in found.get("caught", {}).items():
        seen = f"Caught by {', '.join(gates)}." if gates else "CAUGHT BY NO GATE."
        lines += paragraph(f"{name}: {texts.get(name, '')} {seen}", rest="    ")
    for name in found.get("impossible", ()):
        lines += paragraph(f"{name}: {texts.get(name, '')} Not possible on these embeddings.", rest="    ")
    for row in rows:
        if row.state == "blind":
            words = f"{row.id} is blind here: it caught none of them. It does not see {BY_ID[row.id].blind_to}."
            lines += paragraph(words, rest="    ")
    return lines


def oracle(measured: Measured, *, candidate: str, reference: str) -> list[str]:
    """How far each precision is from FP64, and how much of that its format explains."""
    errors, ratios = numbers(measured, "R1"), numbers(measured, "R4")
    words = [
        f"{name} errs {fmt.error(errors[typical])} (worst sequence {fmt.error(errors.get(worst))})"
        for name, typical, worst in (
            (reference, "reference_error_p50", "reference_error_max"),
            (candidate, "candidate_error_p50", "candidate_error_max"),
        )
        if errors.get(typical) is not None
    ]
    lines = paragraph(f"{', '.join(words)}: relative L2 of the embeddings, median sequence.") if words else []
    bits = errors.get("reference_bits")
    if bits is not None:
        lines += paragraph(f"{reference} behaves like {fmt.whole(bits)} significant bits (TF32 and FP16 have 11).")
    rounded = f"what exact arithmetic rounded to {candidate} would"
    output, module = ratios.get("output_ratio"), ratios.get("rounding_ratio_max")
    if output is not None:
        lines += paragraph(f"At its outputs {candidate} errs {fmt.ratio(output)} {rounded}.")
    if module is not None:
        lines += paragraph(f"Its worst module errs {fmt.ratio(module)} {rounded}.")
    return lines


def modules(measured: Measured, candidate: str) -> list[str]:
    """The modules that come nearest to the largest number of the format."""
    found = detail(measured.details, "headroom")
    if not isinstance(found, list) or not found:
        return []
    tightest = sorted(found, key=lambda module: module["bits"])[:_MODULES]
    lines = [
        f"  {fmt.clip(safe(module['module']), 46):<46} {fmt.measure(module['bits'], 'bits'):>8} bits, "
        f"max {fmt.error(module['max_abs'])}"
        for module in tightest
    ]
    return [*paragraph(f"Doublings left before {safe(candidate)} overflows:"), *lines]


def spread(measured: Measured, *, candidate: str, reference: str) -> list[str]:
    """Mean, standard deviation and outlier share of both arms."""
    whole, outliers = numbers(measured, "S5"), numbers(measured, "S6")
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
    """The speed verdict, and what it rests on."""
    lines = paragraph(snapshot.speedup.get("reason", "").removeprefix("speed: "))
    for arm in (snapshot.arms[name] for name in ARMS if name in snapshot.arms):
        words = (
            f"{arm.get('precision')}: {fmt.number(arm.get('tokens_per_s'))} tok/s{_mfu(arm)}, "
            f"{fmt.seconds(arm.get('seconds'))} encoding, {fmt.seconds(arm.get('end_to_end_seconds'))} end to end, "
            f"{arm.get('attention_kernel')}{', from a stored reference' if arm.get('cached') else ''}"
        )
        lines += paragraph(words, rest="    ")
    lines += paragraph(_gpu_at_work(snapshot), rest="    ")
    why = snapshot.run.perf_invalid_reason
    return [*lines, *paragraph(f"These clocks are not compared with other runs: {why}" if why else "")]


def _mfu(arm: Mapping[str, Any]) -> str:
    return f" ({fmt.percent(arm['mfu'])} of the GPU's nominal peak)" if arm.get("mfu") is not None else ""


def _gpu_at_work(snapshot: RunSnapshot) -> str:
    """Means while encoding of what the GPU did, in a sentence; empty where it told nothing."""
    found = gpu_while_encoding(snapshot.gpu, snapshot.blocks)
    told = [f"{title} {fmt.percent(found[name]['mean'], of=100)}" for name, title in _AT_WORK.items() if found[name]]
    no_gpm = snapshot.environment.get("gpm")
    return f"GPU while encoding: {', '.join(told)}{f'; {no_gpm}' if no_gpm else ''}" if told else ""
