"""Peak rates: shapes, formats and arithmetic; on small models."""

import numpy as np
import pytest
import torch

from vp_tui.core.bench import ceilings
from vp_tui.core.bench.random_weights import dnabert_s, esm2
from vp_tui.core.config import built_in_plan, plain_plan
from vp_tui.core.models.linear import LinearChoice

CPU = torch.device("cpu")
FP16, FP32 = plain_plan("fp16"), plain_plan("fp32")
TINY = esm2("tiny", 2, 64, 4)


def test_the_matmuls_are_those_of_the_models_layer():
    assert ceilings.linear_shapes(esm2("3b", 36, 2560, 40)) == {
        "qkv": (2560, 7680, True), "out": (2560, 2560, True), "fc1": (2560, 10240, True), "fc2": (10240, 2560, True),
    }  # fmt: skip
    assert ceilings.linear_shapes(dnabert_s("s", 12, 768, 12)) == {
        "qkv": (768, 2304, True), "out": (768, 768, True), "gated": (768, 6144, False), "wo": (3072, 768, True),
    }  # fmt: skip


def test_ceilings_are_rates_of_random_data_in_the_asked_format():
    found = ceilings.ceilings_of(TINY, FP16, CPU, 64, np.array([10, 30, 24]))
    assert found.matmuls.rows == 64
    assert set(found.matmuls.shapes) == {"qkv", "out", "fc1", "fc2"}
    assert found.matmuls.chain.sustained == np.median(found.matmuls.chain.samples)
    # 2e-6 to 50 TFLOP/s holds every CPU, and no mistake of a thousand
    rates = (found.matmuls.chain.sustained, found.matmuls.chain.burst, found.attention.sustained)
    assert all(2e-6 < rate < 50 for rate in rates)
    assert found.attention_kernel == "sdpa"


ONCE = ceilings.Timing(idle=0.0, burst=0.0, settle=0.0, sample=0.0, samples=3)


@pytest.fixture
def half_seconds(monkeypatch):
    """Between two looks at the clock half a second passes, whatever is done."""
    clock = iter(np.arange(0, 1000, 0.5))
    monkeypatch.setattr(ceilings.time, "perf_counter", lambda: next(clock))


@pytest.mark.usefixtures("half_seconds")
def test_a_rate_of_matmuls_counts_two_operations_per_weight_and_row():
    found = ceilings.matmuls(TINY, FP32, CPU, 10, ONCE)
    weights = {"qkv": 64 * 192, "out": 64 * 64, "fc1": 64 * 256, "fc2": 256 * 64}
    assert found.shapes == pytest.approx({name: 2 * 10 * count / 0.5 / 1e12 for name, count in weights.items()})
    assert found.chain.burst == found.chain.sustained == pytest.approx(sum(found.shapes.values()))
    assert len(found.chain.samples) == 3


@pytest.mark.parametrize(("way", "multiplied"), [("fp32-products", "fp32"), ("native", "fp16")])
def test_the_ceiling_of_a_cpu_is_that_of_the_products_that_the_engine_makes(monkeypatch, way, multiplied):
    formats, real = [], ceilings._product

    def product(sizes, rows, plan, *arguments, **options):
        formats.append(plan.precision)
        return real(sizes, rows, plan, *arguments, **options)

    monkeypatch.setattr(ceilings, "_product", product)
    monkeypatch.setattr(ceilings, "choose_linear", lambda plan, device: LinearChoice(way=way, reason="set"))
    ceilings.matmuls(TINY, FP16, CPU, 10, ONCE)
    assert formats == [multiplied] * 4


@pytest.mark.usefixtures("half_seconds")
def test_attention_counts_scores_and_weighted_values_of_each_sequence_alone():
    _, found = ceilings.attention(TINY, FP32, CPU, np.array([10, 30]), ONCE)
    assert found.sustained == pytest.approx(2 * 2 * 64 * (10**2 + 30**2) / 0.5 / 1e12)


@pytest.mark.usefixtures("half_seconds")
def test_copying_counts_bytes_read_and_written():
    # four million FP32 numbers
    assert ceilings.copying(CPU, ONCE).sustained == pytest.approx(2 * 4 * 2**22 / 0.5 / 1e9)


@pytest.mark.parametrize(("plan", "is_fast"), list(zip(ceilings.FP8, (True, False), strict=True)))
def test_ceilings_in_fp8_multiply_rows_that_are_rounded_before(monkeypatch, plan, is_fast):
    shapes = []

    def product(values, weight, **options):
        assert values.dtype == weight.dtype == torch.float8_e4m3fn
        assert options["use_fast_accum"] is is_fast
        shapes.append((*values.shape, weight.shape[1]))
        return options["bias"].expand(len(values), -1)

    monkeypatch.setattr(torch, "_scaled_mm", product)
    found = ceilings.ceilings_of(TINY, plan, CPU, 300, np.array([10, 30]))
    assert set(shapes) == {(300, 64, 192), (300, 64, 64), (300, 64, 256), (300, 256, 64)}
    assert found.precision == plan.name
    assert found.attention_kernel == "sdpa"


def test_ceilings_of_sums_in_fp16_switch_them_on_for_the_products_alone(monkeypatch):
    switch, seen = torch.backends.cuda.matmul, set()
    before, product = switch.allow_fp16_accumulation, torch.nn.functional.linear

    def noted(*arguments):
        seen.add(switch.allow_fp16_accumulation)
        return product(*arguments)

    monkeypatch.setattr(torch.nn.functional, "linear", noted)
    found = ceilings.ceilings_of(TINY, built_in_plan("fp16-acc16"), CPU, 16, np.array([10]))
    assert seen == {True}
    assert switch.allow_fp16_accumulation == before
    assert found.matmuls.chain.sustained > 0


def test_layers_that_fp8_cannot_multiply_are_a_reason_without_rates():
    found = ceilings.ceilings_of(esm2("odd", 1, 24, 2), built_in_plan("fp8"), CPU, 16, np.array([10]))
    assert found.matmuls is None
    assert "24" in found.reason
