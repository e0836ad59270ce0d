"""Sound engines with units in a format of their own are not accused, and broken ones are not excused."""

import pytest
import torch
from torch import nn

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.probe.stage import measured
from vp_tui.core.inputs.units import units_of
from vp_tui.core.models.precision import stored_as

FEED_FORWARD = {"esm2": ("fc1", "gelu", "fc2"), "dnabert-s": ("gated", "gelu", "wo")}


def plan_of(base, spec, formats):
    """A plan in which the operations of all blocks named by `formats` have a format of their own."""
    kept = {unit: own for unit in units_of(spec) for name, own in formats.items() if unit.rpartition(".")[2] == name}
    assert kept
    return PrecisionPlan(name="mixed", precision=base, kept=kept)


def only(spec, own, *operations):
    """FP32 but for these operations."""
    return plan_of("fp32", spec, dict.fromkeys(operations, own))


PLANS = {
    "keep qkv": lambda spec: plan_of("fp16", spec, {"qkv": "fp32"}),
    "qkv in bf16": lambda spec: plan_of("fp16", spec, {"qkv": "bf16"}),
    "only attention": lambda spec: only(spec, "fp16", "attention"),
    "only gelu": lambda spec: only(spec, "fp16", "gelu"),
    "gelu in bf16": lambda spec: plan_of("fp16", spec, {"gelu": "bf16"}),
    "only the feed-forward, bf16": lambda spec: only(spec, "bf16", *FEED_FORWARD[spec.kind]),
    "keep norms": lambda spec: plan_of("fp16", spec, dict.fromkeys(("attention_norm", "ffn_norm"), "fp32")),
}
STREAM = {
    "only residual": lambda spec: only(spec, "fp16", "residual"),
    "residual in bf16": lambda spec: plan_of("fp16", spec, {"residual": "bf16"}),
}
CASES = [
    *((kind, name, make) for kind in ("esm2", "dnabert-s") for name, make in PLANS.items()),
    *(("esm2", name, make) for name, make in STREAM.items()),
]


@pytest.fixture(scope="module")
def probed(probe):
    """probed(kind, plan, change=None) -> the numbers of R4 and R5."""

    def run(kind, plan, change=None):
        found = measured(probe(kind, plan, change)).values
        return found["R4"]["all"], found["R5"]["all"]["pooled_ratio"]

    return run


@pytest.mark.parametrize(("kind", "name", "make"), CASES, ids=[f"{kind} {name}" for kind, name, _ in CASES])
def test_a_sound_engine_errs_as_its_plan_must(case, probed, kind, name, make):
    modules, pooled = probed(kind, make(case(kind).spec))
    assert 0.9 < modules["rounding_ratio"] < 1.15
    assert modules["systematic_ratio_max"] < 1.6
    assert 0.85 < pooled < 1.2


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
def test_scaled_embeddings_are_part_of_what_rounding_costs(probed, kind):
    """They outweigh the blocks where those add little, and every token of a kind has the same error."""
    modules, pooled = probed(kind, "fp16")
    assert 0.9 < modules["rounding_ratio"] < 1.1
    assert modules["systematic_ratio_max"] < 1.2
    assert 0.9 < pooled < 1.1


@pytest.mark.parametrize(
    ("kind", "make"),
    [("dnabert-s", PLANS["keep norms"]), ("esm2", PLANS["only the feed-forward, bf16"])],
    ids=["dnabert-s keep norms", "esm2 only the feed-forward"],
)
def test_weights_of_kept_units_that_went_through_another_format_show(case, probed, kind, make):
    """A loader that rounds all weights to one format and widens those of kept units again."""
    plan = make(case(kind).spec)
    low = PrecisionPlan(name="bf16", precision="bf16")

    def narrowed(encoder):
        for module in encoder.loaded.model.modules():
            if isinstance(module, nn.LayerNorm | nn.Linear) and module.weight.dtype == torch.float32:
                module.weight.data = stored_as(module.weight.data, low)

    modules, pooled = probed(kind, plan, narrowed)
    assert max(modules["rounding_ratio"] / 1.3, pooled / 1.4, modules["systematic_ratio_max"] / 2.5) > 1
