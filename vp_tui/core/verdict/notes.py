"""Notes: what the information gates found, one per cause, with its place and whether it had an effect."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from vp_tui.core import text as fmt
from vp_tui.core.events import Finding
from vp_tui.core.gates.model import V4
from vp_tui.core.gates.table import BY_ID
from vp_tui.core.measurements import Numbers
from vp_tui.core.verdict.evaluate import detail
from vp_tui.core.verdict.words import Names

Values = Mapping[str, Mapping[str, Numbers]]


def one_per_cause(
    found: Sequence[Finding], values: Values, details: Mapping[str, Any], names: Names | None
) -> list[Finding]:
    """Return the findings with one note in the place of all those of an information gate with one cause.

    There is none where the same cause also warns or fails, and none on the error of single sequences where a gate
    on its effect does: that one has found the effect.
    """
    judged = {_cause(one) for one in found if one.severity != "info"}
    if judged & {"similarity", "neighbours"}:
        judged.add("single sequences")
    kept: list[Finding] = []
    told: set[str] = set()
    for one in found:
        cause = _cause(one)
        if one.severity != "info" or cause is None:
            kept.append(one)
        elif cause not in judged | told:
            told.add(cause)
            note = _NOTES.get(cause)
            text = note(values, details, names) if note is not None else None
            kept.append(replace(one, text=text or one.text))
    return kept


def _cause(finding: Finding) -> str | None:
    """The cause of an information gate's finding, and of those that warn or fail."""
    gate = BY_ID.get(finding.gate)
    if gate is None or (finding.severity == "info" and gate.kind != "information"):
        return None
    return gate.cause


def _small_values(values: Values, details: Mapping[str, Any], _names: Names | None) -> str | None:
    numbers = values.get(V4.measure, {}).get("all", {})
    worst = next(iter(detail(details, "subnormal") or ()), None)
    place = f" at {worst['module']}" if worst else ""
    share = fmt.percent(numbers.get("subnormal_share"))
    error = numbers.get("subnormal_error_share")
    effect = (
        "" if error is None else f"; they cause {_little(error)} of the rounding error there, so this changes nothing"
    )
    return f"{share} of the numbers{place} are so small that the format stores fewer digits of them{effect}"


def _little(share: float) -> str:
    return "less than 0.01%" if share < 1e-4 else fmt.percent(share)


def _single_sequences(values: Values, details: Mapping[str, Any], names: Names | None) -> str | None:
    """The sequence with the largest error; what that changed is said by the gates that did not fire."""
    numbers = values.get("M4", {}).get("all", {})
    largest, median = numbers.get("relative_l2_max"), numbers.get("relative_l2_p50")
    row = detail(details, "worst", "M4", "all")
    if largest is None or median is None:
        return None
    name = f" ({names(row)})" if names is not None and isinstance(row, int) else ""
    ratio = values.get("M5", {}).get("all", {}).get("norm_ratio_worst")
    scale = "" if ratio is None else f"; length farthest from its reference: {fmt.norm(ratio)}"
    return (
        f"largest difference of a sequence{name}: {fmt.percent(largest)}, median {fmt.percent(median)}{scale}; "
        "no limit on what it changes was missed by it"
    )


_NOTES: Final[Mapping[str, Callable[[Values, Mapping[str, Any], Names | None], str | None]]] = {
    "small values": _small_values,
    "single sequences": _single_sequences,
}
