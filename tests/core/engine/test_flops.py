"""FLOPs of a forward, held against counts by hand and by torch, peaks of GPUs, and the share of them in a run."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from vp_tui.core.config import plain_plan
from vp_tui.core.engine import footprint
from vp_tui.core.engine.gpu import peaks
from vp_tui.core.inputs.spec import DnabertSSpec, Esm2Spec, HfSpec
from vp_tui.core.workers.validate.outcome import Outcome, Usage


def esm2(layers=36, hidden=2560, **changes):
    return Esm2Spec(
        **{
            "name": "esm2",
            "num_layers": layers,
            "hidden": hidden,
            "num_heads": hidden // 64,
            "ffn": 4 * hidden,
            "vocab_size": 33,
            "num_parameters": 0,
            "layer_norm_eps": 1e-5,
            "token_dropout": True,
        }
        | changes
    )


def dnabert():
    return DnabertSSpec(
        name="dnabert-s", num_layers=12, hidden=768, num_heads=12, ffn=3072, vocab_size=4096, num_parameters=0,
        layer_norm_eps=1e-12,
    )  # fmt: skip


def hf(**changes):
    """BERT base: 12 layers of 768, 85 million weights in matrices, 110 million in all."""
    return HfSpec(
        **{
            "name": "bert",
            "num_layers": 12,
            "hidden": 768,
            "num_heads": 12,
            "ffn": 3072,
            "vocab_size": 30522,
            "num_parameters": 109_482_240,
            "max_tokens": 512,
        }
        | changes
    )


@pytest.mark.parametrize(
    ("spec", "millions", "linear", "per_100"),
    [(esm2(), 2831, 5.662, 0.0369), (esm2(33, 1280), 649, 1.298, 0.0169), (dnabert(), 113.2, 0.2265, 0.0037)],
    ids=["ESM-2 3B", "ESM-2 650M", "DNABERT-S"],
)
def test_the_published_shapes_have_the_flops_of_their_arithmetic(spec, millions, linear, per_100):
    assert footprint.matrix_weights(spec) / 1e6 == pytest.approx(millions, rel=5e-4), "rounded to four digits"
    assert 2 * footprint.matrix_weights(spec) / 1e9 == pytest.approx(linear, rel=5e-4)
    rise = (per_token(spec, 100) - 2 * footprint.matrix_weights(spec)) / 1e9
    assert rise == pytest.approx(per_100, abs=5e-5), "rounded to four decimals"


def per_token(spec, length):
    return footprint.total_flops(spec, np.array([length])) / length


def test_the_total_weighs_each_token_with_the_length_of_its_own_sequence():
    spec, lengths = esm2(2, 64), [3, 100, 1024]
    by_hand = sum(length * per_token(spec, length) for length in lengths)
    assert footprint.total_flops(spec, np.array(lengths)) == pytest.approx(by_hand, rel=1e-12)
    assert footprint.total_flops(spec, np.full(4, 100)) == 4 * 100 * per_token(spec, 100)


def test_a_total_beyond_64_bits_is_still_a_number():
    lengths_S = np.full(200_000, 2**18, np.int32)
    assert footprint.total_flops(esm2(), lengths_S) == pytest.approx(2**18 * 2e5 * per_token(esm2(), 2**18), rel=1e-9)


def test_torchs_own_count_of_an_esm2_layer_agrees():
    """FlopCounterMode counts a multiply-add as two, as we do; the embedding is a look-up and costs none."""
    from transformers import EsmConfig, EsmModel

    config = EsmConfig(
        vocab_size=33, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=256,
        position_embedding_type="rotary", token_dropout=False, pad_token_id=1, mask_token_id=32,
        attn_implementation="eager",
    )  # fmt: skip
    model = EsmModel(config, add_pooling_layer=False).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.full((1, 50), 5))
    expected = footprint.total_flops(esm2(2, 64), np.array([50]))
    # rotary makes its angles by an outer product of 50 positions and 8 frequencies, which is no work of the model
    assert expected <= counter.get_total_flops() <= expected + 2 * 2 * 2 * 50 * 16


def test_an_encoder_whose_weights_agree_with_its_config_is_known():
    assert footprint.matrix_weights(hf()) == 12 * 12 * 768**2


@pytest.mark.parametrize(
    "changes",
    [
        {"ffn": 0},
        {"num_layers": 0},
        {"num_parameters": 0},
        {"num_parameters": 109_482_240 + 12 * 768 * 3072},
        {"num_parameters": 70_000_000},
    ],
    ids=["no ffn", "no layers", "no weights", "gated", "shared heads"],
)
def test_an_encoder_that_is_built_otherwise_has_no_flops_rather_than_wrong_ones(changes):
    assert footprint.matrix_weights(hf(**changes)) is None
    assert footprint.total_flops(hf(**changes), np.array([100])) is None


@pytest.mark.parametrize(
    ("name", "precision", "tera"),
    [
        ("NVIDIA H200", "fp16", 989.4),
        ("NVIDIA H100 80GB HBM3", "bf16", 989.4),
        ("NVIDIA H200", "tf32", 494.7),
        ("NVIDIA H200", "fp32", 66.9),
        ("NVIDIA A100-SXM4-80GB", "fp16", 312.0),
        ("NVIDIA A100-PCIE-40GB", "fp32", 19.5),
        ("NVIDIA GeForce RTX 4090", "bf16", 165.2),
        ("NVIDIA GeForce RTX 4090", "tf32", 82.6),
    ],
)
def test_a_known_gpu_has_the_peak_of_its_data_sheet(name, precision, tera):
    assert peaks.nominal(name, precision) == pytest.approx(tera * 1e12)


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        (None, "fp16"),
        ("AMD EPYC 7B13", "fp32"),
        ("NVIDIA H100 80GB HBM3 MIG 1g.10gb", "fp16"),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", "fp16"),
        ("NVIDIA A10G", "fp16"),
        ("NVIDIA H200", "fp64"),
    ],
)
def test_an_unknown_gpu_or_format_has_no_peak(name, precision):
    assert peaks.nominal(name, precision) is None


@pytest.mark.parametrize("name", peaks.PEAKS)
def test_a_peak_is_lower_in_a_wider_format(name):
    fp16, tf32, fp32 = peaks.PEAKS[name]
    assert fp16 > tf32 >= fp32


def test_the_predecessors_rate_is_the_share_that_was_derived_from_it():
    """16,474 tokens/s of ESM-2 3B at about 51 tokens each on an RTX 4090: 56.7 % of the FP16 peak."""
    done, peak = footprint.total_flops(esm2(), np.full(16_474, 51)), peaks.nominal("NVIDIA GeForce RTX 4090", "fp16")
    assert peaks.mfu(done, 51.0, peak) == pytest.approx(0.567, abs=2e-3)


@pytest.mark.parametrize(("done", "seconds", "peak"), [(None, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, None)])
def test_without_work_time_or_peak_there_is_no_share(done, seconds, peak):
    assert peaks.mfu(done, seconds, peak) is None


class ArmForLackOfAGpu:
    """What an arm that ran on a GPU leaves behind."""

    kernel, kernel_reason, wall_s, load_s, weights = "flash", "auto", {0: 3.0}, 1.0, None

    def __init__(self, arm, precision, encode_s):
        self.arm, self.plan, self.encode_s = arm, plain_plan(precision), encode_s


def summaries(*, encode_s=None, found=None, spec=None, gpu_name="NVIDIA H200"):
    """The end of a run of three sequences in two blocks, of which the reference took ten times as long."""
    blocks = (SimpleNamespace(index=0, indices_S=np.array([2, 0])), SimpleNamespace(index=1, indices_S=np.array([1])))
    data = SimpleNamespace(
        blocks=blocks, tokens=SimpleNamespace(lengths_S=np.array([100, 1024, 50], np.int32)), seconds=1.0
    )
    times = encode_s or {0: 0.001, 1: 0.003}
    return Outcome(
        setting=SimpleNamespace(several=None),
        **dict.fromkeys(("tally", "inspected")),
        plan=SimpleNamespace(data=data, spec=spec or esm2(33, 1280), stored=SimpleNamespace(found=found)),
        arms=SimpleNamespace(
            reference=ArmForLackOfAGpu("reference", "fp32", {index: 10 * seconds for index, seconds in times.items()}),
            candidate=ArmForLackOfAGpu("candidate", "fp16", times),
        ),
        throughput=SimpleNamespace(rates=lambda: {"reference": {"all": 1.0}, "candidate": {"all": 2.0}}),
        usage=Usage(utilization=None, peak_memory_mib=None, gpu_name=gpu_name, disturbed=None),
        clock_jump_s=0.0,
    ).summaries(storing_s=0.0)


def test_the_arms_of_a_run_have_their_share_of_the_peak_of_their_own_precision():
    arms, done = summaries(), footprint.total_flops(esm2(33, 1280), np.array([100, 1024, 50]))
    assert arms["candidate"].mfu == pytest.approx(done / 0.004 / 989.4e12)
    assert arms["reference"].mfu == pytest.approx(done / 0.04 / 66.9e12)


def test_only_blocks_that_were_timed_count():
    done = footprint.total_flops(esm2(33, 1280), np.array([100, 50]))
    assert summaries(encode_s={0: 0.002})["candidate"].mfu == pytest.approx(done / 0.002 / 989.4e12)


@pytest.mark.parametrize("changes", [{"gpu_name": None}, {"gpu_name": "NVIDIA Next"}, {"spec": hf(ffn=0)}])
def test_on_a_cpu_an_unknown_gpu_or_an_unknown_encoder_there_is_no_share(changes):
    assert [arm.mfu for arm in summaries(**changes).values()] == [None, None]


def test_a_stored_reference_keeps_the_share_it_was_stored_with_and_an_old_one_has_none():
    old = {"precision": "fp32", "attention_kernel": "sdpa", "attention_reason": "", "tokens_per_s": 1.0, "seconds": 1.0,
           "end_to_end_seconds": 2.0, "load_seconds": 0.1, "peak_memory_mib": None, "cached": False}  # fmt: skip
    assert summaries(found=SimpleNamespace(summary=old))["reference"].mfu is None
    kept = summaries(found=SimpleNamespace(summary={**old, "mfu": 0.7}))["reference"]
    assert (kept.mfu, kept.cached) == (0.7, True)
