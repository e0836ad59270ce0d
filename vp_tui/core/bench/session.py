"""A bench session: one device, one model after the other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vp_tui.core.bench import ceilings, mixes
from vp_tui.core.bench.ceilings import Rate
from vp_tui.core.bench.implementations import Weights, weights_of
from vp_tui.core.bench.interleaved import Log, Protocol, protocol_for
from vp_tui.core.bench.mixes import MIXES, Drawer
from vp_tui.core.bench.model import ModelBench, ModelResult
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.stopping import Stopping
from vp_tui.core.engine import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Result of a session."""

    options: Options
    protocol: Protocol
    environment: Mapping[str, Any]
    copying: Rate
    models: tuple[ModelResult, ...]
    stopped: str | None
    """Name of the signal that ended the session early, or None."""


def bench(options: Options, log: Log, stopping: Stopping) -> Bench:
    """Measure everything until `stopping`; `log` gets a line per step.

    Raises UsageError, ModelError, InputError before anything is measured, and ResourceError for a model that runs in no
    precision.
    """
    device, reason = environment.resolve_device(options.device)
    inputs = [_input(model, options) for model in options.models]
    log(f"copying on {environment.device_name(device)}")
    copying = ceilings.copying(device, ceilings.timing_of(device))
    protocol = protocol_for(device, stopping.is_asked)
    measured = tuple(
        ModelBench(weights, draw, options, device, protocol, log).measure()
        for weights, draw in protocol.until_stopped(inputs)
    )
    return Bench(
        options=options,
        protocol=protocol,
        environment=environment.facts(device, reason),
        copying=copying,
        models=measured,
        stopped=stopping.by,
    )


def _input(model: str, options: Options) -> tuple[Weights, Drawer]:
    weights = weights_of(model, is_random=options.random_weights)
    lengths_of = mixes.drawer if options.lengths in MIXES else mixes.from_file
    return weights, lengths_of(options.lengths, weights.spec, weights.folder)
