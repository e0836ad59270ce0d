"""Ablation of the engine: each stage adds one technique to the stages before it.

Stages run interleaved on the same sequences. The error of a stage is the median relative L2 distance of its embeddings
from an FP64 forward with the same weights. DNABERT-S starts with packed batches, because transformers does not run it;
fused operations are added one by one on CUDA.
"""

from dataclasses import replace
from functools import cache, partial
from itertools import pairwise

import numpy as np
import torch

from vp_tui.core.bench.implementations import packed
from vp_tui.core.bench.interleaved import WorkItem, measure_interleaved, paired_ratio, release
from vp_tui.core.bench.mixes import taken
from vp_tui.core.bench.peers import by_budget, padded, transformers_sdpa
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.inputs.spec import Esm2Spec
from vp_tui.core.measures.pairs import pair_measures
from vp_tui.core.models.loading import family_of
from vp_tui.core.models.ops import PLAIN, choose_ops
from vp_tui.core.models.precision import EXACT, storage_dtype

SMALL_BUDGET = {"cuda": 4_096, "cpu": 1_024}
"""Tokens of a packed batch before the last stage, which takes the budget of a run."""
FUSED = {
    "norm": "residual sum and norm fused",
    "rotary": "rotary fused, in place",
    "gated": "GELU and gate fused",
    "short": "attention kernel for short sequences",
}
ORACLE_TOKENS, ORACLE_SEQUENCES = 2_000, 16


def unsorted(size):
    """Return a batcher: `size` sequences each, in input order."""
    return lambda lengths_S: np.array_split(np.arange(len(lengths_S)), range(size, len(lengths_S), size))


def with_ops(loaded, ops):
    """Return the same tensors with other operations between the matmuls; native models only."""
    with torch.device("meta"):
        model = family_of(loaded.spec).build(loaded.spec, loaded.model.attention, ops)
    model.load_state_dict(loaded.model.state_dict(), assign=True)
    return replace(loaded, model=model.eval().requires_grad_(False), ops=ops.name)


def in_input_order(encoder, budget):
    """Return an implementation with packed batches of neighbours in the input, not of similar lengths."""

    def prepare(tokens):
        ends_S = np.cumsum(tokens.lengths_S)
        packs = np.split(np.arange(len(ends_S)), np.searchsorted(ends_S, range(budget, int(ends_S[-1]), budget)))
        packs = [pack[np.argsort(-tokens.lengths_S[pack], kind="stable")] for pack in packs if len(pack)]
        place_S = np.argsort(np.concatenate(packs))
        return lambda: encoder.encode(tokens, packs).embeddings_SD[place_S]

    return prepare


def stages(models, plan, budget):
    """Return name -> builder of an implementation, in order."""
    spec, device = models.weights.spec, models.device
    small, loaded = min(budget, SMALL_BUDGET[device.type]), partial(models.get, plan)

    def encoder(ops):
        return Encoder(with_ops(loaded(), ops), plan, device)

    def transformers(batcher):
        return padded(transformers_sdpa(loaded(), spec), plan, device, batcher)

    def fused(parts):
        # late, because CPU builds of torch come without Triton
        from vp_tui.core.models.fused.ops import Fused

        return packed(encoder(Fused(frozenset(parts))), small)

    found = {}
    if isinstance(spec, Esm2Spec):
        found["transformers, unsorted batches of 32"] = lambda: transformers(unsorted(32))
        found["transformers, sorted by length"] = lambda: transformers(by_budget(small))
    found["packed batches without padding, joint QKV matmul"] = lambda: in_input_order(encoder(PLAIN), small)
    found["packed batches of similar lengths"] = lambda: packed(encoder(PLAIN), small)
    parts = []
    if choose_ops(storage_dtype(plan.precision), device, "auto").ops is not PLAIN:
        parts = [part for part in FUSED if part != ("gated" if isinstance(spec, Esm2Spec) else "rotary")]
    for index, part in enumerate(parts):
        found[FUSED[part]] = partial(fused, parts[: index + 1])
    found["token budget of a run"] = lambda: packed(Encoder(loaded(), plan, device), budget)
    return found


def ablation(models, plan, budget, tokens, draw, protocol):
    """Return name -> (tokens/s, gain over the stage before or None, error); a failed stage raises."""
    built = {name: cache(build) for name, build in stages(models, plan, budget).items()}
    items = [WorkItem(name=name, work=build()(tokens)) for name, build in built.items()]
    timings = measure_interleaved(items, protocol, print)
    gains = {b: paired_ratio(timings[a].accepted, timings[b].accepted) for a, b in pairwise(built)}
    drawn = draw(ORACLE_TOKENS)
    sample = taken(drawn, np.arange(min(ORACLE_SEQUENCES, len(drawn.lengths_S))))
    exact = Encoder(models.weights.load(EXACT, models.device), EXACT, models.device)
    exact_SD = packed(exact, int(sample.lengths_S.max()))(sample)()
    del exact
    release()
    total = int(tokens.lengths_S.sum())
    found = {}
    for name, build in built.items():
        assert timings[name].error is None, (name, timings[name].error)
        rate = total / float(np.median(list(timings[name].accepted.values())))
        error = float(np.median(pair_measures(exact_SD, build()(sample)()).relative_l2_S))
        found[name] = (rate, gains.get(name), error)
    return found
