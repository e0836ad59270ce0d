"""Where a non-finite value was born, in real models whose weights are made to overflow at a known place."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import hf_checkpoints
from vp_tui.core.config import plain_plan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe.diagnose import Diagnosis, diagnose
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.tokens import VOCABULARY, tokenize
from vp_tui.core.models import loading

CPU = torch.device("cpu")
FP16 = plain_plan("fp16")
TOKENS = tokenize([b"MKTAYIAKQRQISFVKSHFSRQ", b"MKTWAYIAKQRQ", b"MKAYIAKQ"], max_residues=1022)
MEMBERS = np.array([1, 2, 0])


@pytest.fixture
def model_of(made_checkpoint):
    """model_of(fault=None) -> a fresh LoadedModel of two layers in FP16."""
    return lambda fault=None: loading.load(resolve(str(made_checkpoint(fault))), FP16, CPU)


def look_at(loaded, sequence, plan=FP16):
    return diagnose(Encoder(loaded, plan, CPU), TOKENS, MEMBERS, sequence)


def test_the_layer_that_overflows_is_named_with_what_went_into_it(model_of):
    loaded = model_of("overflow")
    seen = []
    loaded.model.layers[1].fc1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    found = look_at(loaded, 1)
    assert found == Diagnosis(transient=False, module="layers.1.fc1", between=False, largest_input=found.largest_input)
    # the pack begins with sequence 1, of 14 tokens
    assert found.largest_input == seen[0][:14].abs().max()
    assert found.text.startswith("first non-finite in layers.1.fc1 (its largest input is ")


def test_only_the_sequence_asked_about_counts_in_its_pack(model_of):
    loaded = model_of()
    loaded.model.embedding.weight.data[VOCABULARY.index("W"), 0] = torch.inf
    with_w, without = look_at(loaded, 1), look_at(loaded, 0)
    assert (with_w.module, with_w.transient) == ("embedding", False)
    assert (without.module, without.transient) == (None, True)


def test_weights_that_are_not_finite_have_token_ids_for_input(model_of):
    loaded = model_of()
    loaded.model.embedding.weight.data[VOCABULARY.index("K"), 0] = torch.nan
    found = look_at(loaded, 2)
    assert found.largest_input is None
    assert found.text == "first non-finite in embedding"


def test_a_residual_sum_inside_a_block_is_on_the_way_into_the_next_module(model_of):
    loaded = model_of()
    loaded.model.layers[0].fc2.bias.data[5] = 60_000
    loaded.model.layers[1].out.bias.data[5] = 40_000
    found = look_at(loaded, 0)
    assert (found.module, found.between) == ("layers.1.ffn_norm", True)
    # what was seen last is the smaller summand, out's output
    assert found.largest_input == pytest.approx(40_000, abs=32)
    assert found.text == "first non-finite on the way into layers.1.ffn_norm (its largest input is 4.0e+04)"


def test_a_sum_at_the_end_of_a_block_is_the_block_s_own(model_of):
    loaded = model_of()
    loaded.model.layers[0].fc2.bias.data[5] = 60_000
    loaded.model.layers[1].fc2.bias.data[5] = 40_000
    found = look_at(loaded, 0)
    assert (found.module, found.between) == ("layers.1", False)
    # FP16 has steps of 32 there
    assert found.largest_input == pytest.approx(60_000, abs=32)


def test_a_value_that_is_finite_the_second_time_is_transient(model_of):
    loaded = model_of()
    broken = [True]

    def once(_, inputs, output):
        del inputs
        return output * torch.nan if broken and broken.pop() else None

    loaded.model.layers[0].register_forward_hook(once)
    first = Encoder(loaded, FP16, CPU).encode(TOKENS, [MEMBERS])
    assert first.nan_count_S.all()
    found = look_at(loaded, 1)
    assert (found.transient, found.module) == (True, None)
    assert "did not repeat" in found.text


def test_looking_leaves_no_hook_and_changes_no_bit(model_of):
    loaded = model_of("overflow")
    encoder = Encoder(loaded, FP16, CPU)
    before = encoder.encode(TOKENS, [MEMBERS]).embeddings_SD
    diagnose(encoder, TOKENS, MEMBERS, 1)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in loaded.model.modules())
    assert np.array_equal(encoder.encode(TOKENS, [MEMBERS]).embeddings_SD, before, equal_nan=True)


def test_a_product_between_two_linear_layers_is_found_in_dnabert_s(made_dnabert):
    loaded = loading.load(resolve(str(made_dnabert)), FP16, CPU)
    gated, ffn = loaded.model.layers[1].gated, loaded.spec.ffn
    gated.weight.data[[0, ffn]] = 0
    gated.weight.data[[0, ffn], 7] = 600
    # GELU would take a negative gate to 0
    loaded.model.layers[1].attention_norm.weight.data[7], loaded.model.layers[1].attention_norm.bias.data[7] = 0, 1
    found = look_at(loaded, 0)
    assert (found.module, found.between, found.transient) == ("layers.1.wo", True, False)
    assert found.largest_input == 600


def test_inside_transformers_any_row_of_the_padded_batches_counts(tmp_path):
    hf_checkpoints.prot_bert(tmp_path)
    loaded = loading.load(resolve(str(tmp_path)), FP16, CPU)
    guilty = "body.encoder.layer.1.intermediate.dense"
    loaded.model.get_submodule(guilty).bias.data[0] = torch.inf
    found = diagnose(Encoder(loaded, FP16, CPU), ids_below(loaded.spec.vocab_size), MEMBERS, 2)
    assert (found.module, found.between, found.transient) == (guilty, False, False)
    assert 0 < found.largest_input < 100


def ids_below(size):
    return replace(TOKENS, ids_N=TOKENS.ids_N % size)
