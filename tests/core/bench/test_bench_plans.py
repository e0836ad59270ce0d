"""A bench of built-in plans and of the rates of FP8, on a device with and on one without FP8."""

import pytest
import torch

from vp_tui.core.bench import model
from vp_tui.core.bench.implementations import Models, Weights
from vp_tui.core.bench.interleaved import Protocol
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.model import ModelBench
from vp_tui.core.bench.options import Options
from vp_tui.core.bench.random_weights import esm2
from vp_tui.core.config import built_in_plan, plain_plan
from vp_tui.core.models import precision

CPU = torch.device("cpu")
TINY = esm2("tiny", 1, 64, 4)
WEIGHTS = Weights(name="tiny", spec=TINY, source=None)
QUICK = Protocol(settle_s=0.0, warm_up_s=0.0, blocks=2, window=1)


def measured(*names, spec=TINY):
    options = Options(precisions=names, tokens=64, device="cpu")
    weights = Weights(name="tiny", spec=spec, source=None)
    return ModelBench(weights, drawer("uniref", spec, None), options, CPU, QUICK, lambda text: None).measure()


@pytest.fixture
def fake_fp8(monkeypatch):
    """A CPU that is said to multiply FP8 and to sum in FP16: products in FP32 stand for both."""

    def scaled_mm(values, weight, *, scale_a, scale_b, bias, out_dtype, use_fast_accum):
        return ((values.float() @ weight.float()) * scale_a * scale_b + bias.float()).to(out_dtype)

    monkeypatch.setattr(torch, "_scaled_mm", scaled_mm)
    monkeypatch.setattr(precision, "multiplies_fp8", lambda device: True)
    monkeypatch.setattr(model, "multiplies_fp8", lambda device: True)
    monkeypatch.setattr(precision, "_require_short_sums", lambda plan, device: None)


@pytest.mark.usefixtures("fake_fp8")
def test_built_in_plans_take_turns_with_fp16_and_have_rates_of_their_own():
    found = measured("fp8", "fp16-acc16", "fp8-ffn")
    assert [one.precision for one in found.results] == ["fp16", "fp16-acc16", "fp8-ffn", "fp8"]
    assert all(one.error is None and len(one.blocks) == 2 for one in found.results)
    rates = {one.precision: one.matmuls for one in found.ceilings}
    assert list(rates) == ["fp16", "fp16-acc16", "fp8-ffn", "fp8", "fp8-exact"]
    assert all(one.of_sustained > 0 for one in found.results)
    assert {(one.precision, one.over_precision) for one in found.ratios} == {
        ("fp16-acc16", "fp16"), ("fp8-ffn", "fp16"), ("fp8", "fp16"),
    }  # fmt: skip


def test_on_a_device_without_fp8_its_rates_have_a_reason_and_its_plan_is_absent():
    found = measured("fp16", "fp8")
    assert [one.precision for one in found.results] == ["fp16"]
    assert [(one.precision, "capability 8.9" in one.reason) for one in found.absent] == [("fp8", True)]
    (_, *rates) = found.ceilings
    assert [(one.precision, one.matmuls) for one in rates] == [("fp8", None), ("fp8-exact", None)]
    assert all("not on this device" in one.reason for one in rates)


@pytest.mark.usefixtures("fake_fp8")
def test_a_model_that_fp8_cannot_multiply_is_timed_in_fp16_alone():
    found = measured("fp8", spec=esm2("odd", 1, 24, 2))
    assert [one.precision for one in found.results] == ["fp16"]
    assert [(one.precision, "24" in one.reason) for one in found.absent] == [("fp8", True)]


def test_a_built_in_plan_has_a_model_of_its_own(monkeypatch):
    monkeypatch.setattr(torch, "_scaled_mm", None)
    models = Models(WEIGHTS, CPU)
    loaded = [models.get(plan) for plan in (plain_plan("fp16"), built_in_plan("fp8"), built_in_plan("fp8-ffn"))]
    assert len({id(one) for one in loaded}) == 3
    assert models.get(built_in_plan("fp8")) is loaded[1]
