"""The whole bench: one device, one model after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vp_tui.core import environment
from vp_tui.core.bench import ceilings, mixes
from vp_tui.core.bench.ceilings import Rate
from vp_tui.core.bench.contest import Pace, Tell, pace_of
from vp_tui.core.bench.mixes import Drawer
from vp_tui.core.bench.model import Measured, OneModel
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.ways import Weights, weights_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What was measured, and how."""

    options: Options
    pace: Pace
    environment: Mapping[str, Any]
    copying: Rate
    models: tuple[Measured, ...]


def bench(options: Options, tell: Tell) -> Bench:
    """Measure everything; `tell` gets a line for each step.

    Raises UsageError, ModelError, InputError: before anything is measured. Raises ResourceError: a model that fits in
    no precision.
    """
    device, reason = environment.resolve_device(options.device)
    inputs = [_input(model, options) for model in options.models]
    tell(f"copying on {environment.device_name(device)}")
    copying = ceilings.copying(device, ceilings.timing_of(device))
    measured = tuple(OneModel(weights, draw, options, device, tell).measure() for weights, draw in inputs)
    return Bench(
        options=options,
        pace=pace_of(device),
        environment=environment.facts(device, reason),
        copying=copying,
        models=measured,
    )


def _input(model: str, options: Options) -> tuple[Weights, Drawer]:
    weights = weights_of(model, is_random=options.random_weights)
    if options.input is not None:
        return weights, mixes.from_file(options.input, weights.spec, weights.folder)
    return weights, mixes.drawer(options.mix, weights.spec, weights.folder)
