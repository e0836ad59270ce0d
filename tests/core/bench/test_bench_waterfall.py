"""Gains and errors of the stages, ceilings, and what measuring costs; on small models."""

import numpy as np
import pytest
import torch

from vp_tui.core.bench import ceilings, stages, waterfall
from vp_tui.core.bench.contest import Block, Entry, Pace
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.overhead import live_measures, telemetry
from vp_tui.core.bench.shapes import dnabert_s, esm2
from vp_tui.core.bench.stages import Ground, Stage, as_they_come
from vp_tui.core.bench.ways import Models, Weights, packed, with_steps
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.models.steps import Steps

CPU = torch.device("cpu")
FP16, FP32 = plain_plan("fp16"), plain_plan("fp32")
QUICK = Pace(settle_s=0.0, warm_up_s=0.0, blocks=2, window=2)
TINY, TINY_DNA = esm2("tiny", 2, 64, 4), dnabert_s("tiny", 1, 64, 4)


def ground_of(spec, plan):
    return Ground(models=Models(Weights(name="tiny", spec=spec, source=None), CPU), plan=plan, budget=2048)


def falls(spec, plan, tell=print):
    draw = drawer("virnucpro", spec, None)
    return waterfall.waterfall(ground_of(spec, plan), draw(400), draw, QUICK, tell)


def test_every_stage_has_its_rate_its_gain_and_its_error():
    found = falls(TINY, FP16)
    assert [step.name for step in found] == [
        "transformers, unsorted batches of 32",
        "transformers, sorted by length",
        "packs without padding, one q k v product",
        "packs of one length",
        "the token budget of a run",
    ]
    assert [step.gain is None for step in found] == [True, False, False, False, False]
    assert all(step.tokens_per_s.median > 0 and step.failure is None for step in found)
    # FP16 has 11 binary digits; rounding errors of two layers, averaged over residues
    assert all(1e-6 < step.error < 2e-3 for step in found)


def test_in_fp32_the_error_is_that_of_fp32():
    assert all(0 < step.error < 2e-6 for step in falls(TINY, FP32))


def test_dnabert_begins_with_packs():
    assert falls(TINY_DNA, FP32)[0].name.startswith("packs without padding")


def test_a_stage_that_fails_is_told_and_the_next_is_held_against_the_one_before(monkeypatch):
    def broken(ground):
        raise ValueError("not here")

    whole = stages.stages

    def with_a_broken_one(ground):
        first, *rest = whole(ground)
        return [first, Stage(name="broken", build=broken), *rest]

    monkeypatch.setattr(waterfall, "stages", with_a_broken_one)
    told = []
    found = falls(TINY_DNA, FP32, told.append)
    assert [step.failure for step in found] == [None, "ValueError: not here", None, None]
    assert found[1].error is None
    assert found[2].gain is not None
    assert told == ["broken failed: ValueError: not here"]


def test_a_gain_is_the_time_of_the_stage_before_over_its_own():
    def entry(seconds):
        return Entry(blocks=[Block(round=n, seconds=seconds, conditions=None, rejected=None) for n in range(6)])

    entries = {"one": entry(6.0), "two": entry(3.0), "lost": Entry(error="gone"), "three": entry(1.5)}
    found = waterfall.steps(entries, 30, {"one": 1e-3, "three": None})
    assert [step.gain and step.gain.median for step in found] == [None, 2.0, None, 2.0]
    assert [step.tokens_per_s and step.tokens_per_s.median for step in found] == [5.0, 10.0, None, 20.0]
    assert [step.error for step in found] == [1e-3, None, None, None]


def test_the_error_is_the_median_relative_distance_and_none_where_something_is_not_finite():
    exact_SD = np.array([[3.0, 4.0], [1.0, 0.0], [0.0, 2.0]], np.float32)
    found_SD = exact_SD + np.array([[0.0, 0.5], [0.01, 0.0], [0.0, 1.0]], np.float32)
    # 0.1, 0.01 and 0.5
    assert waterfall.distance(exact_SD, found_SD) == pytest.approx(0.1, rel=1e-6)
    assert waterfall.distance(exact_SD, np.full_like(exact_SD, np.nan)) is None


def test_packs_in_input_order_hold_every_sequence_once_and_their_budget():
    lengths_S = np.array([100, 500, 300, 40, 900, 10])
    packs = as_they_come(lengths_S, 600)
    assert [pack.tolist() for pack in packs] == [[1, 0], [2, 3], [4], [5]]
    assert all(lengths_S[pack].sum() <= 900 for pack in packs)


def test_other_steps_share_the_tensors_and_are_the_ones_that_run():
    class Marked(Steps):
        name = "marked"
        calls = 0

        def gelu(self, states_NF):
            Marked.calls += 1
            return super().gelu(states_NF)

    loaded = Models(Weights(name="tiny", spec=TINY, source=None), CPU).get(FP32)
    other = with_steps(loaded, Marked())
    tokens = drawer("virnucpro", TINY, None)(300)
    same_SD, other_SD = (packed(Encoder(one, FP32, CPU), 512)(tokens)() for one in (loaded, other))
    assert np.array_equal(same_SD, other_SD)
    assert Marked.calls == TINY.num_layers
    assert other.steps == "marked"
    weight = "layers.0.qkv.weight"
    assert other.model.get_parameter(weight).data_ptr() == loaded.model.get_parameter(weight).data_ptr()


def test_the_products_are_those_of_the_models_layer():
    assert ceilings.linear_shapes(esm2("3b", 36, 2560, 40)) == {
        "qkv": (2560, 7680, True), "out": (2560, 2560, True), "fc1": (2560, 10240, True), "fc2": (10240, 2560, True),
    }  # fmt: skip
    assert ceilings.linear_shapes(dnabert_s("s", 12, 768, 12)) == {
        "qkv": (768, 2304, True), "out": (768, 768, True), "gated": (768, 6144, False), "wo": (3072, 768, True),
    }  # fmt: skip


def test_ceilings_are_rates_of_random_data_in_the_asked_format():
    found = ceilings.ceilings_of(TINY, FP16, CPU, 64, np.array([10, 30, 24]))
    assert found.products.rows == 64
    assert set(found.products.shapes) == {"qkv", "out", "fc1", "fc2"}
    assert found.products.chain.sustained == np.median(found.products.chain.samples)
    # 2e-6 to 50 TFLOP/s holds every CPU, and no mistake of a thousand
    rates = (found.products.chain.sustained, found.products.chain.burst, found.attention.sustained)
    assert all(2e-6 < rate < 50 for rate in rates)
    assert found.attention_kernel == "sdpa"


ONCE = ceilings.Timing(idle=0.0, burst=0.0, settle=0.0, sample=0.0, samples=3)


@pytest.fixture
def half_seconds(monkeypatch):
    """Between two looks at the clock half a second passes, whatever is done."""
    clock = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(ceilings.time, "perf_counter", lambda: next(clock))


@pytest.mark.usefixtures("half_seconds")
def test_a_rate_of_products_counts_two_operations_per_weight_and_row():
    found = ceilings.products(TINY, FP32, CPU, 10, ONCE)
    weights = {"qkv": 64 * 192, "out": 64 * 64, "fc1": 64 * 256, "fc2": 256 * 64}
    assert found.shapes == pytest.approx({name: 2 * 10 * count / 0.5 / 1e12 for name, count in weights.items()})
    assert found.chain.burst == found.chain.sustained == pytest.approx(sum(found.shapes.values()))
    assert len(found.chain.samples) == 3


@pytest.mark.usefixtures("half_seconds")
def test_attention_counts_scores_and_weighted_values_of_each_sequence_alone():
    _, found = ceilings.attention(TINY, FP32, CPU, np.array([10, 30]), ONCE)
    assert found.sustained == pytest.approx(2 * 2 * 64 * (10**2 + 30**2) / 0.5 / 1e12)


@pytest.mark.usefixtures("half_seconds")
def test_copying_counts_bytes_read_and_written():
    # four million FP32 numbers
    assert ceilings.copying(CPU, ONCE).sustained == pytest.approx(2 * 4 * 2**22 / 0.5 / 1e9)


def test_live_measures_are_compared_with_an_encoder_that_does_not_count():
    models = Models(Weights(name="tiny", spec=TINY, source=None), CPU)
    tokens = drawer("virnucpro", TINY, None)(300)
    found = live_measures(models, FP32, tokens, 512, QUICK, print)
    assert len(found.on_s) == len(found.off_s) == 2 * QUICK.blocks
    assert found.ratio.median > 0
    assert found.reason is None


def test_telemetry_without_a_gpu_has_a_reason():
    models = Models(Weights(name="tiny", spec=TINY, source=None), CPU)
    found = telemetry(models, FP32, drawer("virnucpro", TINY, None)(300), 512, QUICK, print)
    assert found.ratio is None
    assert "CPU" in found.reason
