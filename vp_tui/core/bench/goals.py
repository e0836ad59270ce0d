"""The goals of the product beside what was measured: ratios wherever both sides ran, absolute rates on an H200 only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from vp_tui.core.bench.entrants import OURS
from vp_tui.core.bench.overhead import Overhead
from vp_tui.core.bench.results import Ratio, Result
from vp_tui.core.inputs.spec import DnabertSSpec, ModelSpec

_H200: Final = "H200"
_3B: Final = (36, 2560)
_650M: Final = (33, 1280)
_35M: Final = (12, 480)
_TRANSFORMERS: Final = "transformers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One goal, its limit and the number that was measured."""

    what: str
    limit: float
    value: float
    at_least: bool = True
    """False: at most the limit."""

    @property
    def ok(self) -> bool:
        """Whether it is reached."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def goals(
    spec: ModelSpec,
    device_name: str,
    results: Sequence[Result],
    ratios: Sequence[Ratio],
    overheads: Sequence[Overhead],
    *,
    is_cuda: bool,
) -> list[Goal]:
    """The goals that this bench can tell something of, in the order of the product's list."""
    size = (spec.num_layers, spec.hidden)
    found: list[Goal | None] = []
    if is_cuda and size == _3B:
        found += _of_3b(results, ratios, is_h200=_H200 in device_name)
    if is_cuda and _H200 in device_name:
        found += _rates(spec, size, results)
    if not is_cuda and size == _35M:
        found.append(_goal("x transformers, fp32 on this CPU", 1.3, _over_transformers(ratios, "fp32")))
    costs = [(one.what, one.ratio) for one in overheads if one.ratio is not None]
    found += [_goal(f"cost of {what}", 0.01, ratio.median - 1, at_least=False) for what, ratio in costs]
    return [goal for goal in found if goal is not None]


def _of_3b(results: Sequence[Result], ratios: Sequence[Ratio], *, is_h200: bool) -> Iterable[Goal | None]:
    ours = _ours(results, "fp16")
    yield _goal("x transformers' best, fp16", 1.75, _over_transformers(ratios, "fp16"))
    yield _goal("share of the sustained matmul rate, fp16", 0.75, ours.of_sustained if ours else None)
    if is_h200:
        # ratios of formats follow the chip: FP16 over IEEE FP32 is 14.8 by the data sheet there and 2.0 on a 4090
        yield _goal("x fp32 (IEEE), fp16", 9.0, _over_ours(ratios, "fp32"))
        yield _goal("x tf32, fp16", 2.0, _over_ours(ratios, "tf32"))
        conditions = ours.conditions if ours else None
        yield _goal("SM active, percent", 95.0, conditions.sm_active if conditions else None)
        yield _goal("tensor pipe active, percent", 60.0, conditions.tensor_active if conditions else None)


def _rates(spec: ModelSpec, size: tuple[int, int], results: Sequence[Result]) -> Iterable[Goal | None]:
    ours = _ours(results, "fp16")
    rate = ours.tokens_per_s.median if ours and ours.tokens_per_s else None
    if size == _3B:
        yield _goal("tokens/s, fp16", 105_000.0, rate)
    if size == _650M:
        yield _goal("tokens/s, fp16", 390_000.0, rate)
    if isinstance(spec, DnabertSSpec):
        yield _goal("tokens/s, fp16, tokenized before", 1_600_000.0, rate)


def _ours(results: Sequence[Result], precision: str) -> Result | None:
    return next((one for one in results if one.engine == OURS and one.precision == precision), None)


def _over_transformers(ratios: Sequence[Ratio], precision: str) -> float | None:
    """Against the faster of its attention implementations."""
    found = [
        one.times.median
        for one in ratios
        if one.precision == one.over_precision == precision and one.over_engine.startswith(_TRANSFORMERS)
    ]
    return min(found, default=None)


def _over_ours(ratios: Sequence[Ratio], precision: str) -> float | None:
    return next(
        (
            one.times.median
            for one in ratios
            if (one.precision, one.over_engine, one.over_precision) == ("fp16", OURS, precision)
        ),
        None,
    )


def _goal(what: str, limit: float, value: float | None, *, at_least: bool = True) -> Goal | None:
    return None if value is None else Goal(what=what, limit=limit, value=value, at_least=at_least)
