"""Decision on one metric, with the reference arm of the same runs as the control.

Days of one machine differ by several percent, and both arms of a run share the day. A loss that the reference arm shows
too is therefore the machine's, or that of code that both arms share: it is SUSPECT, not REGRESSED, unless it is larger
than sessions differ.
"""

from vp_tui.core.regression.contrasts import Contrast
from vp_tui.core.regression.rules import Rule
from vp_tui.core.regression.statistics import OneSided, within
from vp_tui.core.regression.verdicts import Outcome


def decided(contrast: Contrast, p: OneSided, rule: Rule, *, same_session: bool) -> tuple[Outcome, bool]:
    """Return the outcome of a metric, and whether its control was heeded; `p` is adjusted."""
    own = _alone(contrast, p, rule)
    control = contrast.control
    if control is None or contrast.mode == "missing":
        return own, False
    allowed = rule.session_drift if same_session else rule.day_effect
    if abs(contrast.theta - control.theta) > contrast.metric.distance(allowed):
        return own, False
    return _combined(own, _alone(control, control.p, rule), contrast, control), True


def _combined(own: Outcome, controlled: Outcome, contrast: Contrast, control: Contrast) -> Outcome:
    """Return the outcome where the reference arm changed no more than sessions do."""
    half = contrast.distance / 2
    if controlled == "REGRESSED":
        # the metric itself must have lost, too: a faster reference is no slower candidate
        return "REGRESSED" if contrast.theta >= half else "SUSPECT"
    if own == "REGRESSED":
        return "SUSPECT"
    if controlled == "IMPROVED":
        return "IMPROVED" if contrast.theta <= -half else own
    if own == "EQUIVALENT" and abs(control.theta) < control.distance:
        return "EQUIVALENT"
    return controlled


def _alone(contrast: Contrast, p: OneSided, rule: Rule) -> Outcome:
    """Return the outcome of one contrast without a control."""
    if contrast.tost is None:
        return "INCONCLUSIVE"
    worse, better = contrast.theta >= contrast.distance, contrast.theta <= -contrast.distance
    if not contrast.tolerance.calibrated and p.greater <= rule.alpha:
        if contrast.theta >= contrast.wide:
            return "REGRESSED"
        if contrast.theta >= contrast.metric.distance(rule.uncalibrated_tau):
            return "SUSPECT"
    elif worse and p.greater <= rule.alpha:
        return "REGRESSED"
    if better and p.less <= rule.alpha:
        return "IMPROVED"
    is_equal = within(contrast.tost, contrast.distance) and not too_noisy(contrast, rule)
    return "EQUIVALENT" if is_equal else "INCONCLUSIVE"


def too_noisy(contrast: Contrast, rule: Rule) -> bool:
    """Return True for a speed whose tolerance would call anything equal."""
    return contrast.metric.has_control and contrast.tolerance.tau > rule.largest_tau
