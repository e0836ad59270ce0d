"""Accuracy of paired sequences: sequences that cross the cosine limit, and growth of the error.

Inputs are deterministic, so one run per side is enough: pairing removes the spread between sequences. A cosine does not
see the length of an embedding; relative L2 and the length ratio do.
"""

from collections.abc import Sequence

from vp_tui.core import text as fmt
from vp_tui.core.regression.growth import ALL, MEASURES, Growth, identical_item, is_identical, judged, scopes_of
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.samples import PairedAccuracy
from vp_tui.core.regression.shape import shape_notes
from vp_tui.core.regression.statistics import mcnemar, rate_bound
from vp_tui.core.regression.verdicts import Item, Outcome, Part, worst

_OPENINGS: dict[Outcome, str] = {
    "REGRESSED": "accuracy regressed",
    "INCONCLUSIVE": "accuracy is inconclusive",
    "IMPROVED": "accuracy improved",
    "EQUIVALENT": "accuracy is equivalent",
}


def judge_accuracy(accuracy: PairedAccuracy, rule: Rule) -> Part:
    """Return IDENTICAL if every number is present and equal, else McNemar over all and growth of the error.

    `accuracy` has at least one pair. The outcome is that of the worst item; a stratum that is inconclusive only because
    it has few sequences becomes a note where all sequences together are decided.
    """
    if _is_identical(accuracy):
        item = identical_item(MEASURES[0], ALL, accuracy)
        return Part(outcome="IDENTICAL", sentence=f"accuracy is identical: {item.reason}", items=(item,))
    scopes = scopes_of(accuracy)
    grown = [one for measure in MEASURES for one in judged(measure, scopes, rule)]
    open_items = _merely_few(grown)
    items = (_passing(accuracy, rule), *(one.item for one in grown))
    deciding = [item for item in items if item not in open_items]
    outcome = worst(item.outcome for item in deciding)
    return Part(
        outcome=outcome,
        sentence=f"{_OPENINGS[outcome]}: {_because(deciding, outcome)}",
        items=items,
        notes=(*(f"inconclusive: {item.reason}" for item in open_items), *shape_notes(accuracy, rule)),
    )


def _is_identical(accuracy: PairedAccuracy) -> bool:
    """Return True if all numbers are equal; non-finite outputs are never identical."""
    finite = not (accuracy.baseline_nonfinite_S.any() or accuracy.candidate_nonfinite_S.any())
    return finite and all(is_identical(measure, accuracy) for measure in MEASURES)


def _merely_few(grown: Sequence[Growth]) -> list[Item]:
    """Return the inconclusive strata whose median lies within the limit, of measures that are decided over all."""
    decided = {one.item.name for one in grown if one.item.scope == ALL and one.item.outcome != "INCONCLUSIVE"}
    return [
        one.item
        for one in grown
        if one.item.outcome == "INCONCLUSIVE"
        and one.item.scope != ALL
        and one.item.name in decided
        and (one.is_small or one.is_tiny)
    ]


def _because(items: Sequence[Item], outcome: Outcome) -> str:
    """Return the reasons of an outcome: of each measure that over all, else the item that changed most."""
    found: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: (item.scope != ALL, -abs(item.change or 0.0))):
        if item.outcome == outcome:
            found.setdefault(item.name, item)
    said = list(found.values()) if outcome in {"REGRESSED", "IMPROVED"} else list(found.values())[:1]
    return ", ".join(item.reason for item in said)


def _passing(accuracy: PairedAccuracy, rule: Rule) -> Item:
    """Exact McNemar test over the sequences that cross the cosine limit."""
    base_S = (accuracy.baseline_cosine_S > rule.cosine_limit) & ~accuracy.baseline_nonfinite_S
    cand_S = (accuracy.candidate_cosine_S > rule.cosine_limit) & ~accuracy.candidate_nonfinite_S
    lost, won, n = int((base_S & ~cand_S).sum()), int((~base_S & cand_S).sum()), len(accuracy)
    p = mcnemar(lost, won)
    p_directed = p.greater if lost >= won else p.less
    outcome: Outcome = "INCONCLUSIVE"
    if lost == won == 0:
        outcome = "EQUIVALENT"
        bound, sure = fmt.percent(rate_bound(0, n, rule.bound_alpha)), fmt.percent(1 - rule.bound_alpha)
        reason = f"0 of {n} sequences cross similarity {rule.cosine_limit} ({sure} upper bound on the rate: {bound})"
    else:
        reason = f"{lost} of {n} sequences now fail, {won} now pass (exact McNemar, p {fmt.p_value(p_directed)})"
    if p.greater <= rule.alpha:
        outcome = "REGRESSED"
    elif p.less <= rule.alpha:
        outcome = "IMPROVED"
    return Item(
        name="cosine_passing",
        scope=ALL,
        base=float(base_S.sum()),
        cand=float(cand_S.sum()),
        n_base=n,
        n_cand=n,
        change=(won - lost) / n,
        p=p_directed,
        p_raw=p_directed,
        outcome=outcome,
        reason=reason,
    )
