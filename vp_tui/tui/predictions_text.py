"""Section of a report on judged predictions: agreement, direction of the changes, and both sides against the truth."""

from collections.abc import Iterator, Mapping
from typing import Any

from vp_tui.core import text as fmt
from vp_tui.core.events import ARMS
from vp_tui.core.measurements import Measured
from vp_tui.tui.report_text import paragraph


def predictions(measured: Measured) -> list[str]:
    """Return the lines of the section; nothing for other runs."""
    details = measured.details
    if "labels" not in details:
        return []
    labels, turned = details["labels"], details["direction"]
    told = [
        f"Labels: {labels['agreed']} of {labels['n']} agree; {turned['to_virus']} turn to virus, {turned['to_others']} "
        f"to others{_p(turned['mcnemar_p'])}. Probabilities move by {fmt.error(labels['shift_mean'])} on average, "
        f"{fmt.error(labels['shift_max'])} at most.",
        *(
            f"Consensus: {one['agreed']} of {one['n']} {what} agree."
            for what, one in details["consensus"].items()
        ),
        *_truth(details.get("truth")),
    ]  # fmt: skip
    return [line for text in told for line in paragraph(text, rest="    ")]


def _truth(truth: Mapping[str, Any] | None) -> Iterator[str]:
    if truth is None:
        return
    if truth["unknown"]:
        yield f"{fmt.plural(truth['unknown'], 'prediction')} without a true label left out below."
    for scope, found in truth["scopes"].items():
        for arm in ARMS:
            yield f"{scope}, {arm}: {_quality(found[arm])}"
        pair = found["mcnemar"]
        yield (
            f"{scope}: only the reference is right in {pair['only_reference_right']}, only the candidate in "
            f"{pair['only_candidate_right']}{_p(pair['p'])}."
        )


def _quality(side: Mapping[str, Any]) -> str:
    shares = ", ".join(f"{name} {_share(side[name])}" for name in ("accuracy", "sensitivity", "specificity"))
    low, high = side["auc_low"], side["auc_high"]
    between = "" if low is None else f" ({fmt.probability(low)} to {fmt.probability(high)})"
    area = "" if side["auc"] is None else f", ROC-AUC {fmt.probability(side['auc'])}{between}"
    brier, error = side["brier"], side["calibration_error"]
    calibrated = "" if brier is None else f", Brier {fmt.error(brier)}, calibration error {fmt.error(error)}"
    return f"{shares}{area}{calibrated}."


def _share(share: Mapping[str, Any]) -> str:
    if share["value"] is None:
        return fmt.DASH
    between = f"{fmt.percent(share['low'])} to {fmt.percent(share['high'])}"
    return f"{fmt.percent(share['value'])} ({between}, {share['k']} of {share['n']})"


def _p(value: float | None) -> str:
    return "" if value is None else f" (exact McNemar, p {fmt.p_value(value)})"
