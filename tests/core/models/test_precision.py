import pytest
import torch

from vp_tui.core.config import plain_plan
from vp_tui.core.errors import ResourceError, UsageError
from vp_tui.core.models import precision

CPU = torch.device("cpu")


def test_products_are_ieee_fp32_inside_and_the_switches_come_back():
    before = precision.flags()
    with precision.matmul_mode(plain_plan("fp32")):
        inside = precision.flags()
    assert {inside[name] for name in ("cuda_matmul", "cudnn_conv", "cudnn_rnn", "cpu_matmul")} == {"ieee"}
    assert inside["fp16_reduced_precision_reduction"] is False
    assert precision.flags() == before


def test_tf32_is_on_only_for_the_tf32_plan():
    with precision.matmul_mode(plain_plan("tf32")):
        assert precision.flags()["cuda_matmul"] == "tf32"
    with precision.matmul_mode(plain_plan("fp16")):
        assert precision.flags()["cuda_matmul"] == "ieee"


def test_the_switches_come_back_after_an_error():
    before = precision.flags()
    with pytest.raises(ZeroDivisionError), precision.matmul_mode(plain_plan("tf32")):
        raise ZeroDivisionError
    assert precision.flags() == before


def test_a_switch_that_does_not_hold_stops_the_run(monkeypatch):
    monkeypatch.setattr(precision, "_set", lambda values: None)
    with pytest.raises(ResourceError, match="cuda_matmul is"), precision.matmul_mode(plain_plan("tf32")):
        pass


def test_tf32_on_a_cpu_is_refused():
    with pytest.raises(UsageError, match=r"tf32.*cpu"):
        precision.check(plain_plan("tf32"), CPU, {})
    precision.check(plain_plan("fp16"), CPU, {})


def test_the_tf32_override_variable_is_refused(monkeypatch):
    for name in (
        "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "NVIDIA_TF32_OVERRIDE", "CUBLAS_EMULATE_SINGLE_PRECISION",
        "CUBLAS_EMULATION_STRATEGY", "CUBLAS_FP32_EMULATED_BF16X9", "ONEDNN_DEFAULT_FPMATH_MODE",
    ):  # fmt: skip
        with pytest.raises(UsageError, match=f"{name}=1"):
            precision.check(plain_plan("fp32"), CPU, {name: "1"})
        precision.check(plain_plan("fp16"), CPU, {name: "1"})
    precision.check(plain_plan("fp32"), CPU, {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"})
    monkeypatch.setenv(precision.TF32_OVERRIDE, "1")
    with pytest.raises(UsageError), precision.matmul_mode(plain_plan("fp32")):
        pass


def test_weights_that_are_fp16_numbers_are_told_from_others():
    weight = torch.randn(100, generator=torch.Generator().manual_seed(0))
    largest, overflows = precision.fp16_loss(weight)
    assert largest == (weight - precision.round_to_fp16(weight)).abs().max() > 0
    assert overflows == 0
    assert precision.fp16_loss(precision.round_to_fp16(weight)) == (0.0, 0)
    assert precision.fp16_loss(torch.tensor([0.1], dtype=torch.float16)) == (0.0, 0)


def test_what_fp16_cannot_hold_is_counted_and_is_no_error_of_its_own():
    weight = torch.tensor([1e5, torch.nan, torch.inf, 1 + 2**-12])
    assert precision.fp16_loss(weight) == (2**-12, 3)
    assert precision.fp16_loss(torch.empty(0)) == (0.0, 0)
