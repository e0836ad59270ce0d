"""The sample in FP64: what is exact, and how far rounding alone takes a format from it (twin.py).

Two passes: FP64, and the twin of the candidate's format. Native models are streamed block by block; a model of
transformers is loaded whole, where it fits. There, what its own code computes in FP32 (softmax of eager attention,
rotary tables, T5's norm) stays FP32: its oracle is exact to about 1e-7.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from vp_tui.core import text as fmt
from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.environment import device_name
from vp_tui.core.engine.memory import free_memory
from vp_tui.core.engine.probe import oracle_file
from vp_tui.core.engine.probe.oracle_file import Floor, OracleTrace
from vp_tui.core.engine.probe.point import rms_error, sequence_errors, shared_error
from vp_tui.core.engine.probe.sample import Sample
from vp_tui.core.engine.probe.trace import Trace, tokens_error, trace, without_nonfinite
from vp_tui.core.engine.probe.twin import Rounding, round_weights, rounding_of
from vp_tui.core.errors import ResourceError
from vp_tui.core.inputs.source import ModelSource
from vp_tui.core.inputs.spec import HfSpec, ModelSpec
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import load
from vp_tui.core.models.precision import EXACT, formats_of, storage_dtype
from vp_tui.core.models.streaming import streamed

_USABLE = 0.8
"""Part of the free memory that weights may take; activations need the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OracleRequest:
    """What the oracle is asked."""

    source: ModelSource
    """Fetched."""
    spec: ModelSpec
    sample: Sample
    plan: PrecisionPlan
    """The candidate's."""
    device: torch.device
    tell: Callable[[int, int], None] = lambda _done, _all: None
    """Called after each packed batch with the sequences done and those of all passes."""


def obtain(request: OracleRequest, cache: Path | None, facts: Mapping[str, Any]) -> OracleTrace:
    """The answer kept under `cache`/oracles, or made now and kept there; None keeps nothing.

    `facts` (JSON types) are whatever else decides the numbers: hashes of weights, of tokenizer and letters.

    Raises ResourceError: the model or the longest sequence does not fit in FP64. Raises ModelError: see streamed.
    """
    if cache is None:
        return ask(request)
    if "tf32" in formats_of(request.plan):
        # the twin's attention multiplies on the device
        facts = {**facts, "device": device_name(request.device)}
    path = oracle_file.path_of(cache, facts, request.sample, request.plan, is_padded=_is_hf(request.spec))
    notes: tuple[str, ...] = ()
    try:
        found = oracle_file.load(path, request.sample)
    except oracle_file.UNREADABLE as error:
        found = None
        notes = (f"the stored oracle {path} is corrupt ({error or type(error).__name__}) and is computed again",)
    if found is not None:
        return found
    made = ask(request)
    try:
        oracle_file.write(path, made)
    except oracle_file.UNREADABLE as error:
        notes = (*notes, f"the oracle could not be kept as {path} ({error})")
    return replace(made, notes=notes)


def ask(request: OracleRequest) -> OracleTrace:
    """Both passes, now; raises as `obtain`."""
    started = time.perf_counter()
    rounding = rounding_of(request.plan, request.spec.kind)
    num = len(request.sample.indices_P)
    passes = 1 if rounding is None else 2
    exact = _pass(request, EXACT, None, lambda done: request.tell(done // passes, num))
    twin = None
    if rounding is not None:
        twin = _pass(request, rounding.math, rounding, lambda done: request.tell((num + done) // passes, num))
    return OracleTrace(
        exact=exact,
        floors={} if twin is None else _floors(exact, twin),
        output_floor=None if twin is None else tokens_error(twin.tokens_ND, exact.tokens_ND),
        embedding_floor_P=None
        if twin is None
        else pair_measures(exact.embeddings_PD, twin.embeddings_PD).relative_l2_S,
        seconds=time.perf_counter() - started,
        cached=False,
        notes=(),
    )


def _floors(exact: Trace, twin: Trace) -> dict[str, Floor]:
    """The twin's errors by point, without points at which either is not finite."""
    wanted, rounded = without_nonfinite(exact), without_nonfinite(twin)
    return {
        name: Floor(
            rms=rms_error(rounded[name], point, exact.sketched),
            shared=shared_error(rounded[name], point),
            error_P=sequence_errors(rounded[name], point, exact.sketched, exact.sequences),
        )
        for name, point in wanted.items()
        if name in rounded
    }


def _pass(request: OracleRequest, plan: PrecisionPlan, rounding: Rounding | None, tell: Callable[[int], None]) -> Trace:
    with _model(request, plan, rounding) as model:
        if rounding is None:
            kind = request.spec.kind
            return trace(model, request.sample, plan, request.device, target=request.plan, kind=kind, tell=tell)
        with rounding.inside(model):
            return trace(model, request.sample, plan, request.device, replaced=rounding.value, tell=tell)


@contextmanager
def _model(request: OracleRequest, plan: PrecisionPlan, rounding: Rounding | None) -> Iterator[nn.Module]:
    """The model in `plan`, its weights rounded, with sdpa."""
    weight = None if rounding is None else rounding.weight
    if not _is_hf(request.spec):
        with streamed(request.source, plan, request.device, rounding=weight) as model:
            yield model
        return
    _require_room(request, plan)
    model = load(request.source, plan, request.device).model
    if weight is not None:
        round_weights(model, weight)
    try:
        yield model
    finally:
        del model
        # modules of transformers hold each other
        gc.collect()


def _require_room(request: OracleRequest, plan: PrecisionPlan) -> None:
    needed = request.spec.num_parameters * storage_dtype(plan.precision).itemsize
    for device in {torch.device("cpu"), request.device}:
        free = free_memory(device)
        if needed > _USABLE * free:
            raise ResourceError(
                f"{request.spec.name} in {plan.name} needs {fmt.size(needed)}, "
                f"{fmt.size(free)} are free on {device}, and transformers loads it whole"
            )


def _is_hf(spec: ModelSpec) -> bool:
    return isinstance(spec, HfSpec)
