"""16-bit linear layers on a CPU: both ways give the exact result rounded once, but for ties."""

import copy
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from vp_tui.core import text as fmt
from vp_tui.core.config import plain_plan
from vp_tui.core.models import linear
from vp_tui.core.models.linear import LinearChoice, WideLinear, choose_linear, use_linear, wide_linear

CPU = torch.device("cpu")
FORMATS = {"fp16": torch.float16, "bf16": torch.bfloat16}
EQUAL_SHARE = 0.995
"""FP32 sums of 128 to 1,280 products are so near the exact ones that fewer in a thousand round to the neighbour."""
OLD_PROCESSOR = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
"""torch and oneDNN behave as on a processor without 16-bit products."""


def operands(dtype, shape=(200, 1280, 256)):
    rows, inputs, outputs = shape
    generator = torch.Generator().manual_seed(7)

    def drawn(*size):
        return torch.randn(size, generator=generator)

    return [values.to(dtype) for values in (drawn(rows, inputs), 0.05 * drawn(outputs, inputs), drawn(outputs))]


def exact(values, weight, bias):
    """The product in FP64, rounded once."""
    return (values.double() @ weight.double().T + (0 if bias is None else bias.double())).to(values.dtype)


def ulps_apart(one, other):
    """Places apart among the numbers of a 16-bit format."""

    def place(values):
        bits = values.view(torch.int16).int()
        return torch.where(bits < 0, -32768 - bits, bits)

    return (place(one) - place(other)).abs()


@pytest.mark.parametrize("precision", FORMATS)
@pytest.mark.parametrize("way", [nn.functional.linear, wide_linear])
@pytest.mark.parametrize("has_bias", [True, False])
def test_both_ways_round_the_exact_result_once(precision, way, has_bias):
    values, weight, bias = operands(FORMATS[precision])
    wanted = exact(values, weight, bias if has_bias else None)
    with torch.inference_mode():
        got = way(values, weight, bias if has_bias else None)
    assert got.dtype == FORMATS[precision]
    near_zero = wanted.abs() < 1e-2
    assert ulps_apart(got, wanted)[~near_zero].max() <= 1
    # where terms cancel the error is that of an FP32 sum: small beside the terms, not beside the result
    assert (got.double() - wanted.double()).abs().max() <= 2.0 ** (-10 if precision == "fp16" else -7) * 8
    assert (got == wanted).float().mean() >= EQUAL_SHARE


def test_a_sum_is_not_rounded_before_the_bias_is_added():
    values, weight = torch.ones(1, 2049, dtype=torch.float16), torch.ones(1, 2049, dtype=torch.float16)
    bias = torch.tensor([1.0], dtype=torch.float16)
    # 2049 is no FP16 number: rounded before the bias it would be 2048, and 2049 again 2048 after it
    assert wide_linear(values, weight, bias).item() == 2050


@pytest.fixture
def slow_native(monkeypatch):
    """A processor on which oneDNN is ten times slower than FP32 products."""
    monkeypatch.setattr(linear, "_measure", lambda dtype: (10.0, 1.0))
    linear._faster.cache_clear()
    yield
    linear._faster.cache_clear()


@pytest.mark.parametrize(
    ("times", "way"), [((10.0, 1.0), "fp32-products"), ((1.4, 1.0), "native"), ((1.0, 1.3), "native")]
)
def test_the_native_kernel_stays_unless_it_is_clearly_slower(monkeypatch, times, way):
    monkeypatch.setattr(linear, "_measure", lambda dtype: times)
    linear._faster.cache_clear()
    choice = choose_linear(plain_plan("fp16"), CPU)
    linear._faster.cache_clear()
    assert choice.way == way
    assert all(f"{fmt.number(milliseconds)} ms" in choice.reason for milliseconds in times)


@pytest.mark.parametrize(
    ("precision", "device"), [("fp32", "cpu"), ("fp64", "cpu"), ("fp16", "cuda"), ("bf16", "cuda")]
)
def test_fp32_and_gpus_have_their_own_kernels(slow_native, precision, device):
    assert choose_linear(plain_plan(precision), torch.device(device)).way == "native"


def test_the_measurement_is_made_once_and_leaves_the_random_state_alone(monkeypatch):
    linear._faster.cache_clear()
    torch.manual_seed(3)
    wanted = torch.rand(2)
    torch.manual_seed(3)
    first = choose_linear(plain_plan("bf16"), CPU)
    assert torch.equal(torch.rand(2), wanted)
    monkeypatch.setattr(linear, "_measure", pytest.fail)
    assert choose_linear(plain_plan("bf16"), CPU) is first


def test_every_plain_linear_of_a_model_is_widened_and_no_other_module(slow_native):
    class Own(nn.Linear):
        """A subclass with a forward of its own."""

    model = nn.Sequential(
        nn.Linear(8, 4), nn.Sequential(nn.Linear(4, 4, bias=False), Own(4, 4)), nn.LayerNorm(4)
    ).half()
    native = copy.deepcopy(model)
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    use_linear(model, plain_plan("fp16"), CPU)
    assert [type(module) for module in model.modules() if isinstance(module, nn.Linear)] == [
        WideLinear,
        WideLinear,
        Own,
    ]
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
    values = torch.randn(5, 8).half()
    assert ulps_apart(model(values), native(values)).max() <= 2


def test_a_loaded_fp16_model_computes_so_and_says_it(slow_native, tiny, load, engine_states):
    loaded = load(tiny, "fp16")
    layers = [module for module in loaded.model.modules() if isinstance(module, nn.Linear)]
    assert layers
    assert all(type(layer) is WideLinear for layer in layers)
    assert choose_linear(plain_plan("fp16"), CPU).reason in loaded.attention_reason


def test_the_reason_of_an_fp32_model_says_native(tiny, load):
    loaded = load(tiny)
    assert not any(type(module) is WideLinear for module in loaded.model.modules())
    assert choose_linear(plain_plan("fp32"), CPU) == LinearChoice(
        way="native", reason="native linear layers in float32"
    )


def test_a_processor_without_16_bit_products_takes_fp32_products():
    code = (
        "import torch; from vp_tui.core.config import plain_plan; from vp_tui.core.models.linear import choose_linear;"
        "print(choose_linear(plain_plan('fp16'), torch.device('cpu')).way)"
    )
    environment = {**os.environ, **OLD_PROCESSOR}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "fp32-products"
