"""The whole bench: one device, one model after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vp_tui.core.bench import ceilings, mixes
from vp_tui.core.bench.ceilings import Rate
from vp_tui.core.bench.contest import Pace, Tell, pace_of
from vp_tui.core.bench.mixes import MIXES, Drawer
from vp_tui.core.bench.model import Measured, OneModel
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.bench.ways import Weights, weights_of
from vp_tui.core.engine import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What was measured, and how."""

    options: Options
    pace: Pace
    environment: Mapping[str, Any]
    copying: Rate
    models: tuple[Measured, ...]
    stopped: str | None
    """The signal that ended it early; what was measured before stands."""


def bench(options: Options, tell: Tell, stopping: Stopping) -> Bench:
    """Measure everything, or what there is time for until `stopping`; `tell` gets a line for each step.

    Raises UsageError, ModelError, InputError: before anything is measured. Raises ResourceError: a model that fits in
    no precision.
    """
    device, reason = environment.resolve_device(options.device)
    inputs = [_input(model, options) for model in options.models]
    tell(f"copying on {environment.device_name(device)}")
    copying = ceilings.copying(device, ceilings.timing_of(device))
    pace = pace_of(device, stopping.is_asked)
    measured = tuple(
        OneModel(weights, draw, options, device, pace, tell).measure() for weights, draw in pace.until_over(inputs)
    )
    return Bench(
        options=options,
        pace=pace,
        environment=environment.facts(device, reason),
        copying=copying,
        models=measured,
        stopped=stopping.by,
    )


def _input(model: str, options: Options) -> tuple[Weights, Drawer]:
    weights = weights_of(model, is_random=options.random_weights)
    lengths_of = mixes.drawer if options.lengths in MIXES else mixes.from_file
    return weights, lengths_of(options.lengths, weights.spec, weights.folder)
