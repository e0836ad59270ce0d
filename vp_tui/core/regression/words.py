"""Numbers of the rule as short text; nowhere else in this package does a number become text."""

from collections.abc import Mapping
from typing import Any

from vp_tui.core.regression.metrics import Metric


def number(value: float) -> str:
    """Four digits: 1234, 0.001234."""
    return f"{value:.4g}"


def percent(fraction: float) -> str:
    """A share, two digits: 0.09 %, 5 %, 12 %."""
    return f"{100 * fraction:.2g} %" if abs(fraction) < 1 else f"{100 * fraction:.0f} %"


def change(metric: Metric, theta: float) -> str:
    """A difference of badness as the change of the metric itself: -6.1 %, +3 points."""
    unit = "points" if metric.kind == "utilization" else "%"
    # adding 0.0 turns -0.0 into 0.0
    return f"{round(100 * metric.change(theta), 1) + 0.0:+g} {unit}"


def span(metric: Metric, interval: tuple[float, float]) -> str:
    """An interval of badness as changes of the metric, the lower one first."""
    low, high = sorted(interval, key=metric.change)
    return f"[{change(metric, low)}, {change(metric, high)}]"


def limit(metric: Metric, tau: float) -> str:
    """A tolerance: 5 %, 5 points."""
    return f"{round(100 * tau, 1):g} {'points' if metric.kind == 'utilization' else '%'}"


def times(ratio: float) -> str:
    """A factor: 1.52 times."""
    return f"{ratio:.3g} times"


def p_value(p: float) -> str:
    """p 0.004; very small ones as a bound."""
    return "p < 1e-6" if p < 1e-6 else f"p {p:.2g}"


def runs(count: int) -> str:
    return f"{count} run" if count == 1 else f"{count} runs"


def facts(differing: Mapping[str, tuple[Any, Any]]) -> str:
    """gpu_name A100 against H200, driver 550 against 560."""
    return ", ".join(f"{name} {_fact(base)} against {_fact(cand)}" for name, (base, cand) in differing.items())


def _fact(value: Any) -> str:
    """A fact in a sentence: a hash by its beginning, a missing one as none."""
    if value is None:
        return "none"
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
