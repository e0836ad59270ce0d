"""Speed goals, cost of measuring and ablation; run with `make bench`, prints, never fails on time.

On an H200 with the shapes of the product's models, on a CPU with the 35M shape in FP32.
"""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from ablation import ablation

from vp_tui.core.bench.cases import OURS
from vp_tui.core.bench.conditions import GpuMonitor
from vp_tui.core.bench.implementations import packed, weights_of
from vp_tui.core.bench.interleaved import WorkItem, measure_interleaved, paired_ratio, protocol_for, timed
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.model import ModelBench
from vp_tui.core.bench.options import Options
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.environment import device_name

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1200)]

DEVICE = torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")
MODELS = ("esm2-3b", "esm2-650m", "dnabert-s") if DEVICE.type == "cuda" else ("esm2-35m",)
RATES = {"esm2-3b": 105_000, "esm2-650m": 390_000, "dnabert-s": 1_600_000}
"""Tokens/s in FP16 on an H200."""
COST = 0.01
"""Upper limit of the share of time that measuring takes."""


class Uncounted(Encoder):
    """The encoder without NaN and Inf counts."""

    counts = False


def goals_of(name, found):
    """Yield (goal, limit, value) of what applies to this model and device; ratios of formats follow the chip."""
    is_h200 = "H200" in device_name(DEVICE)
    precision = "fp16" if DEVICE.type == "cuda" else "fp32"
    ours = next(one for one in found.results if (one.engine, one.precision) == (OURS, precision))
    over = {
        (one.over_engine, one.over_precision): one.times.median for one in found.ratios if one.precision == precision
    }
    peers = [value for (engine, _), value in over.items() if engine.startswith("transformers")]
    if name in {"esm2-3b", "esm2-35m"} and peers:
        yield f"x transformers' best, {precision}", 1.75 if name == "esm2-3b" else 1.3, min(peers)
    if name == "esm2-3b":
        yield "share of the sustained matmul rate", 0.75, ours.of_sustained
    if is_h200:
        yield "tokens/s", RATES[name], ours.tokens_per_s.median
    if is_h200 and name == "esm2-3b":
        yield "x FP32 (IEEE)", 9.0, over[OURS, "fp32"]
        yield "x TF32", 2.0, over[OURS, "tf32"]
        yield "SM active, percent", 95.0, ours.conditions.sm_active
        yield "tensor pipe active, percent", 60.0, ours.conditions.tensor_active


@pytest.mark.parametrize("name", MODELS)
def test_goals_cost_of_measuring_and_ablation(name):
    precisions = ("fp32", "tf32", "bf16", "fp16") if DEVICE.type == "cuda" else ("fp32",)
    weights, protocol = weights_of(name, is_random=True), protocol_for(DEVICE)
    draw = drawer("uniref", weights.spec, None)
    one = ModelBench(weights, draw, Options(precisions=precisions, peers=True), DEVICE, protocol, print)
    found = one.measure()
    print(f"\n{name} on {device_name(DEVICE)}")
    for goal, limit, value in goals_of(name, found):
        print(f"{goal}: {value:.4g}, goal >= {limit:g}: {'reached' if value >= limit else 'MISSED'}")
    plan = plain_plan(precisions[-1])
    for what, ratio in (("live measures", live_measures(one, plan, found)), ("telemetry", telemetry(one, plan, found))):
        if ratio is not None:
            print(f"cost of {what}: {ratio.median - 1:.2%} (to {ratio.high - 1:.2%}), goal <= {COST:.0%}")
    for stage, (rate, gain, error) in ablation(one.models, plan, found.budget, found.tokens, draw, protocol).items():
        more = "" if gain is None else f"{gain.median:.2f}x [{gain.low:.2f}, {gain.high:.2f}]"
        print(f"{stage:<50} {rate:>9.0f} tokens/s {more:<19} error {error:.1e}")


def live_measures(one, plan, found):
    """Return the time with over the time without NaN and Inf counts."""
    loaded = one.models.get(plan)
    items = [
        WorkItem(name=kind.__name__, work=packed(kind(loaded, plan, DEVICE), found.budget)(found.tokens))
        for kind in (Encoder, Uncounted)
    ]
    # both draw the same power, so nothing has to settle
    timings = measure_interleaved(items, replace(one.protocol, blocks=16, settle_s=0.0), print)
    return paired_ratio(timings["Encoder"].accepted, timings["Uncounted"].accepted)


def telemetry(one, plan, found):
    """Return the time with over the time without a running GPU sampler; None without a GPU."""
    if GpuMonitor(DEVICE).reason is not None:
        return None
    work = packed(Encoder(one.models.get(plan), plan, DEVICE), found.budget)(found.tokens)
    seconds = {True: {}, False: {}}
    for number in range(16):
        for is_on in ((True, False), (False, True))[number % 2]:
            with GpuMonitor(DEVICE) if is_on else nullcontext():
                seconds[is_on][number] = timed(work)
    return paired_ratio(seconds[True], seconds[False])
