"""Random weights: the shapes of real checkpoints, sane activations, the same numbers in every format."""

import math

import numpy as np
import pytest
import torch

from vp_tui.core.bench.implementations import Models, packed, weights_of
from vp_tui.core.bench.mixes import drawer
from vp_tui.core.bench.random_weights import SHAPES, dnabert_s, esm2, random_model, shape_of
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.errors import ModelError, UsageError
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.models.loading import load
from vp_tui.core.models.precision import EXACT, round_to_fp16

CPU = torch.device("cpu")
FP32 = plain_plan("fp32")
MILLIONS = {"esm2-8m": 7.5, "esm2-35m": 33.5, "esm2-150m": 148, "esm2-650m": 651, "esm2-3b": 2839, "dnabert-s": 117}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_the_parameters_of_the_published_model(name):
    # published counts include the language-model head, about one D x D
    assert shape_of(name).num_parameters / 1e6 == pytest.approx(MILLIONS[name], rel=0.02)
    assert shape_of(name).head_dim in {16, 24, 32, 64}


def test_a_name_without_a_shape_is_refused_with_the_names_there_are():
    with pytest.raises(UsageError, match="esm2-3b"):
        weights_of("esm2-4b", is_random=True)
    with pytest.raises(ModelError):
        weights_of("esm2-4b", is_random=False)


def test_random_esm2_has_the_tensors_of_a_loaded_checkpoint(made_checkpoint):
    real = load(resolve(str(made_checkpoint())), FP32, CPU)
    made = random_model(esm2("tiny", 2, 128, 2), FP32, CPU)
    assert _shapes(made.model) == _shapes(real.model)
    assert made.parameter_bytes == real.parameter_bytes
    assert made.spec.num_parameters == real.spec.num_parameters


def test_random_dnabert_has_the_tensors_of_a_loaded_checkpoint(made_dnabert):
    real = load(resolve(str(made_dnabert)), FP32, CPU)
    made = random_model(dnabert_s("tiny", 2, 128, 4), FP32, CPU)
    assert _shapes(made.model) == _shapes(real.model)
    assert torch.equal(made.model.get_buffer("slopes_H"), real.model.get_buffer("slopes_H"))
    assert read_spec(made_dnabert).num_parameters == made.spec.num_parameters


def _shapes(model):
    return {name: (tensor.shape, tensor.dtype) for name, tensor in model.state_dict().items()}


def test_rotary_frequencies_are_those_of_the_paper():
    made = random_model(esm2("tiny", 1, 128, 2), FP32, CPU)
    wanted = [10_000 ** (-2 * i / 64) for i in range(32)]
    # FP32 has 24 bits
    assert made.model.get_buffer("inv_freq").tolist() == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize("spec", [esm2("deep", 12, 64, 4), dnabert_s("deep", 6, 64, 4)], ids=["esm2", "dnabert-s"])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_a_random_forward_is_finite_and_of_the_size_that_the_last_norm_gives(spec, precision):
    plan = plain_plan(precision)
    encoder = Encoder(random_model(spec, plan, CPU), plan, CPU)
    found_SD = packed(encoder, 512)(drawer("virnucpro", spec, None)(400))()
    assert np.isfinite(found_SD).all()
    # the mean of normed tokens: not zero, and not above 1 per dimension
    assert 0.05 < math.sqrt(float(np.square(found_SD).mean())) <= 1.01


def test_every_weight_is_an_fp16_number_and_the_seed_decides_them_in_every_format():
    spec = esm2("tiny", 2, 64, 4)
    single, double = (random_model(spec, plan, CPU).model.state_dict() for plan in (FP32, EXACT))
    half = random_model(spec, plain_plan("fp16"), CPU).model.state_dict()
    other = random_model(spec, FP32, CPU, seed=1).model.state_dict()
    for name, weight in single.items():
        if name == "inv_freq":
            continue
        assert torch.equal(weight, round_to_fp16(weight)), name
        assert torch.equal(weight, half[name].float()), name
        assert torch.equal(weight.double(), double[name]), name
    assert not torch.equal(single["layers.0.qkv.weight"], other["layers.0.qkv.weight"])


def test_linear_layers_keep_the_size_of_what_goes_through_them():
    made = random_model(esm2("wide", 1, 512, 8), FP32, CPU).model
    weight = made.get_submodule("layers.0.fc2").weight
    # 2048 inputs; a million draws
    assert float(weight.std()) == pytest.approx(2048**-0.5, rel=0.01)
    assert torch.equal(made.get_submodule("final_norm").weight, torch.ones(512))


def test_tf32_and_fp32_share_one_model_and_other_formats_do_not():
    weights = weights_of("esm2-8m", is_random=True)
    models = Models(weights, CPU)
    assert models.get(FP32) is models.get(plain_plan("tf32"))
    assert models.get(FP32) is not models.get(plain_plan("bf16"))
