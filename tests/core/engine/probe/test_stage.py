"""The whole probe on tiny models: what a sound arm measures, and what faults do to it."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vp_tui.core.engine.probe.noise import noise, padded_tokens
from vp_tui.core.engine.probe.ratio_numbers import noise_ratio, pooled_ratios
from vp_tui.core.engine.probe.ratios import ratios
from vp_tui.core.engine.probe.stage import measured
from vp_tui.core.errors import Unavailable
from vp_tui.core.measurements import merged
from vp_tui.core.models.kernels.sdpa import SdpaAttention

CPU = torch.device("cpu")
NAMES = {
    "T1": {"token_min", "token_p001", "centred_min", "centred_p001", "first_min", "last_min"},
    "V2": {"nonfinite_modules", "saturated_values"},
    "V3": {"headroom_bits"},
    "V4": {"subnormal_share", "flushed_share", "subnormal_error_share"},
    "R1": {"reference_error_max", "reference_error_p50", "candidate_error_max", "candidate_error_p50", "ratio_p50"},
    "R2": {"kernel_ratio"},
    "R3": {"reference_noise", "reference_noise_bits", "candidate_noise", "candidate_noise_ratio"},
    "R4": {"rounding_ratio", "output_ratio", "rounding_ratio_max", "systematic_ratio_max"},
    "R5": {"pooled_ratio"},
    "R6": {"semantics_ratio"},
    "R7": {"rotary_mismatch"},
}


def through_bf16(encoder):
    """The fault: one block's output goes through BF16."""
    encoder.loaded.model.layers[0].register_forward_hook(lambda _, inputs, out: out.bfloat16().to(out.dtype))


def all_numbers(found):
    return [number for scopes in found.values.values() for numbers in scopes.values() for number in numbers.values()]


@pytest.mark.parametrize("name", ["fp16", "bf16"])
@pytest.mark.parametrize("kind", ["esm2", "dnabert-s", "ProtBERT", "ModernBERT"])
def test_a_sound_arm_errs_little_more_than_its_twin(probe, kind, name):
    found = measured(probe(kind, name)).values
    assert 0.8 < found["R4"]["all"]["output_ratio"] < 1.5
    assert 0.8 < found["R4"]["all"]["rounding_ratio_max"] < 1.5
    assert 0.9 < found["R4"]["all"]["rounding_ratio"] < 1.3
    assert 0.8 < found["R5"]["all"]["pooled_ratio"] < 1.5
    assert 0.8 < found["R6"]["all"]["semantics_ratio"] < 1.25
    assert found["R7"]["all"]["rotary_mismatch"] == (0 if kind == "esm2" else None)
    assert found["R4"]["all"]["systematic_ratio_max"] < 2.5
    assert found["V2"]["all"] == {"nonfinite_modules": 0, "saturated_values": 0}
    # IEEE FP32 over a few layers
    assert 1e-8 < found["R1"]["all"]["reference_error_max"] < 2e-6
    # a rounding of FP16 is 5e-4, of BF16 4e-3; means over tokens average it
    unit = {"fp16": 2.0**-11, "bf16": 2.0**-8}[name]
    assert unit / 20 < found["R1"]["all"]["candidate_error_p50"] < 5 * unit
    assert found["R3"]["all"]["reference_noise"] < 1e-5


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
def test_one_block_rounded_through_bf16_shows_where_it_is(probe, kind):
    sound, broken = measured(probe(kind, "fp16")), measured(probe(kind, "fp16", through_bf16))
    ratio = broken.values["R4"]["all"]["rounding_ratio"]
    assert ratio > 2
    assert sound.values["R4"]["all"]["rounding_ratio"] < 1.3
    assert broken.values["R4"]["all"]["rounding_ratio_max"] > 2
    assert broken.values["R4"]["all"]["output_ratio"] > 1.3 * sound.values["R4"]["all"]["output_ratio"]
    assert broken.details["rounding"][0]["ratio"] == ratio
    assert not any(row["module"].startswith("layers.0.") for row in broken.details["rounding"])
    first, _ = broken.details["growth"]
    assert first["module"] == "layers.0"
    assert first["error"] > 2 * first["floor"]


def test_ids_names_and_scopes_are_those_of_the_gates(probe):
    found = measured(probe("esm2", "fp16"))
    all_ = {measure: set(scopes["all"]) for measure, scopes in found.values.items()}
    assert all_ == NAMES | {"R1": NAMES["R1"] | {"reference_bits"}}
    assert 18 < found.values["R1"]["all"].pop("reference_bits") < 24, "FP32 is not the yardstick that it says it is"
    for measure in ("T1", "R1"):
        assert list(found.values[measure]) == ["short", "medium", "long", "all"]
        assert {frozenset(numbers) for numbers in found.values[measure].values()} == {frozenset(NAMES[measure])}
    assert list(found.values["R5"]) == ["short", "medium", "long", "all"]
    for measure in set(NAMES) - {"T1", "R1", "R5"}:
        assert list(found.values[measure]) == ["all"]
    assert {"headroom", "subnormal", "rounding", "growth", "oracle", "not_measured"} <= set(found.details)
    assert json.loads(json.dumps(found.details, allow_nan=False)) == found.details
    assert json.dumps(found.values, allow_nan=False)
    assert merged([found]).values == found.values
    assert len(found.details["headroom"]) == len(found.details["rounding"]) == 8
    assert found.details["not_measured"] == {
        "R2": "this run used the padded attention kernel, and there is no other to compare with it"
    }


def test_a_stratum_s_errors_are_those_of_its_sequences(probe, case):
    probed = probe("esm2", "fp16")
    found, sample = measured(probed).values["R1"], case("esm2").sample
    exact_PD = probed.oracle.exact.embeddings_PD
    error_P = np.linalg.norm(probed.candidate_rows_PD - exact_PD, axis=1) / np.linalg.norm(exact_PD, axis=1)
    for index, name in enumerate(("short", "medium", "long")):
        mine_P = error_P[sample.stratum_P == index]
        assert np.isclose(found[name]["candidate_error_max"], mine_P.max(), rtol=1e-9)
        assert np.isclose(found[name]["candidate_error_p50"], np.median(mine_P), rtol=1e-9)
    all_ = found["all"]
    assert np.isclose(all_["ratio_p50"], all_["candidate_error_p50"] / all_["reference_error_p50"], rtol=1e-12)


def test_tokens_are_compared_stratum_by_stratum_and_ends_apart(probe):
    probed = probe("esm2", "fp16")
    sample = probed.sample
    tokens_ND = probed.candidate.trace.tokens_ND.copy()
    # the last token of the first short sequence points the other way
    place = int(np.flatnonzero(sample.stratum_P == 0)[0])
    row = int(np.flatnonzero(sample.sequence_N == place)[-1])
    tokens_ND[row] *= -1
    turned = replace(
        probed, candidate=replace(probed.candidate, trace=replace(probed.candidate.trace, tokens_ND=tokens_ND))
    )
    found = measured(turned).values["T1"]
    assert found["short"]["token_min"] == found["short"]["last_min"] < -0.99
    assert found["short"]["first_min"] > 0.99
    assert found["medium"]["token_min"] > 0.99
    assert found["all"]["last_min"] == found["short"]["last_min"]


def test_pooled_ratios_are_of_a_stratum_s_sequences_and_need_enough_of_them(probe):
    probed = probe("esm2", "fp16")
    sample, exact_PD = probed.sample, probed.oracle.exact.embeddings_PD
    found = measured(probed)
    error_P = np.linalg.norm(probed.candidate_rows_PD - exact_PD, axis=1) / np.linalg.norm(exact_PD, axis=1)
    log_P = np.log(error_P / probed.oracle.embedding_floor_P)
    wanted = {
        scope: np.exp(log_P[sample.stratum_P == index].mean())
        for index, scope in enumerate(("short", "medium", "long"))
    }
    numbers = {scope: numbers["pooled_ratio"] for scope, numbers in found.values["R5"].items()}
    assert numbers == pytest.approx(wanted | {"all": max(wanted.values())})
    assert [row["sequences"] for row in found.details["pooled"]] == [8, 8, 8]
    largest = sample.indices_P[int(log_P.argmax())]
    assert max(found.details["pooled"], key=lambda row: row["sequence_ratio"])["sequence"] == largest
    reasons = {}
    few = pooled_ratios(sample, exact_PD, probed.candidate_rows_PD, probed.oracle.embedding_floor_P[:23], reasons)
    assert few == ({"all": {"pooled_ratio": None}}, [])
    assert "--oracle" in reasons["R5"]


def test_the_most_conspicuous_sequence_of_a_module_is_named(probe):
    """The longest of the sample, whose rows are the first of the first pack."""
    sample = probe("esm2", "fp16").sample

    def change(encoder):
        def spoil(_, inputs, out):
            out = out.clone()
            out[: sample.lengths_P.max()] *= 2
            return out

        encoder.loaded.model.layers[0].out.register_forward_hook(spoil)

    assert len(sample.packs(sample.budget)) == 1
    probed = probe("esm2", "fp16", change)
    ratio = next(ratio for ratio in ratios(probed.candidate.trace, probed.oracle) if ratio.name == "layers.0.out")
    assert ratio.by_sequence.worst_place == sample.order_P[0]
    assert ratio.by_sequence.worst > 100 * ratio.by_sequence.mean
    # one sequence of 24, however wrong, is no fault of all; the root mean square would say so
    assert ratio.by_sequence.mean < 2 < ratio.rms
    rows = measured(probed).details["rounding"]
    assert rows[0]["sequence"] == sample.indices_P[sample.order_P[0]]
    assert [row["ratio"] for row in rows] == sorted((row["ratio"] for row in rows), reverse=True)


def test_headroom_is_the_bits_up_to_the_largest_number_of_the_format(probe):
    for name, largest in (("fp16", 65504.0), ("bf16", torch.finfo(torch.bfloat16).max)):
        probed = probe("dnabert-s", name)
        found = measured(probed)
        top = max(point.max_abs for point in probed.oracle.exact.points.values())
        assert math.isclose(found.values["V3"]["all"]["headroom_bits"], math.log2(largest / top), rel_tol=1e-12)
        assert found.details["headroom"][0]["max_abs"] == top
        bits = [row["bits"] for row in found.details["headroom"]]
        assert bits == sorted(bits)
    assert found.values["V4"]["all"]["subnormal_share"] == 0


def test_every_module_has_its_numbers_in_the_order_of_execution_and_the_worst_are_those_of_the_gates(probe):
    for kind in ("esm2", "dnabert-s"):
        probed = probe(kind, "fp16")
        found = measured(probed)
        rows = found.details["modules"]
        assert [row["module"] for row in rows] == list(probed.candidate.trace.points)
        for field, measure, name, worst in (
            ("ratio", "R4", "rounding_ratio", max),
            ("bits", "V3", "headroom_bits", min),
            ("subnormal_share", "V4", "subnormal_share", max),
        ):
            numbers = [row[field] for row in rows if row[field] is not None]
            assert len(numbers) > 8
            assert worst(numbers) == pytest.approx(found.values[measure]["all"][name], rel=1e-3)


def test_a_broken_module_says_so_in_its_row_and_keeps_its_headroom(probe):
    rows = measured(probe("esm2-overflow", "fp16")).details["modules"]
    broken = [row for row in rows if row["nonfinite"]]
    assert broken[0]["module"].endswith("fc1")
    assert broken[0]["bits"] < 0
    assert {row["ratio"] for row in broken} == {None}


def test_small_values_are_those_of_the_worst_point(probe):
    probed = probe("dnabert-s", "fp16")
    found = measured(probed)
    shares = {name: point.subnormal / point.values for name, point in probed.oracle.exact.points.items()}
    assert found.values["V4"]["all"]["subnormal_share"] == max(shares.values()) > 0
    assert found.details["subnormal"][0]["module"] == max(shares, key=shares.get)


def test_an_overflow_is_counted_and_makes_no_nan_elsewhere(probe):
    found = measured(probe("esm2-overflow", "fp16"))
    # fc1 of the last of two blocks, fc2 that takes it in, the block, and the last norm
    assert found.values["V2"]["all"]["nonfinite_modules"] == 4
    assert found.values["V3"]["all"]["headroom_bits"] < 0
    assert found.details["headroom"][0]["module"].endswith("fc1")
    assert found.details["nonfinite"][0]["module"].endswith("fc1")
    assert all(number is None or math.isfinite(number) for number in all_numbers(found))
    assert json.dumps(found.details, allow_nan=False)
    assert found.values["R4"]["all"]["output_ratio"] is None
    assert "not finite" in found.details["not_measured"]["R4"]
    # what lies before the overflow is still compared
    assert 0.8 < found.values["R4"]["all"]["rounding_ratio_max"] < 2


def test_a_value_that_only_the_candidate_breaks_makes_no_nan(probe):
    """Its twin is finite there."""

    def change(encoder):
        def spoil(_, inputs, out):
            out = out.clone()
            out[5, 7] = torch.nan
            return out

        encoder.loaded.model.layers[0].register_forward_hook(spoil)

    probed = probe("dnabert-s", "fp16", change)
    found = measured(probed)
    assert all(math.isfinite(ratio.rms) for ratio in ratios(probed.candidate.trace, probed.oracle))
    assert found.details["nonfinite"][0]["module"] == "layers.0"
    assert all(number is None or math.isfinite(number) for number in all_numbers(found))
    assert json.dumps(found.details, allow_nan=False)
    assert 0.8 < found.values["R4"]["all"]["rounding_ratio_max"] < 1.5
    assert all(row["module"].startswith(("embedding", "layers.0.")) for row in found.details["rounding"])
    assert found.details["growth"] == []


def test_without_an_oracle_what_needs_none_is_there_and_the_rest_says_why(probe):
    found = measured(replace(probe("esm2", "fp16"), oracle=Unavailable("no room")))
    assert set(found.values) == {"V2", "R3", "R7"}
    assert found.details["not_measured"] == dict.fromkeys(("T1", "V3", "V4", "R1", "R2", "R4", "R5", "R6"), "no room")


def test_a_stored_reference_has_no_noise_and_says_why(probe):
    found = measured(replace(probe("esm2", "fp16"), reference_noise=Unavailable("the reference is a stored one")))
    assert found.values["R3"]["all"]["reference_noise"] is None
    assert found.values["R3"]["all"]["candidate_noise"] is not None
    assert found.details["not_measured"]["R3"] == "the reference is a stored one"


def test_an_fp32_candidate_has_no_twin_and_says_so(probe):
    found = measured(probe("esm2", "fp32"))
    assert set(found.values["R4"]["all"].values()) == {None}
    assert "fp32 has no rounding emulation" in found.details["not_measured"]["R4"]
    assert found.values["R1"]["all"]["candidate_error_max"] < 2e-6
    assert all(row["floor"] is None for row in found.details["growth"])


def test_noise_is_zero_for_the_same_numbers_and_seen_for_others(case):
    found = case("dnabert-s")
    encoder = found.encoder("fp32")
    rows_PD, sample = found.rows(encoder), found.sample
    quiet_P = noise(encoder, sample.tokens, sample.indices_P, rows_PD, sample.budget)
    assert quiet_P.max() < 1e-5
    moved_PD = rows_PD.copy()
    moved_PD[5] *= 1.01
    loud_P = noise(encoder, sample.tokens, sample.indices_P, moved_PD, sample.budget)
    assert np.isclose(loud_P[5], 0.01 / 1.01, rtol=1e-3)
    assert np.delete(loud_P, 5).max() < 1e-5


def test_noise_meets_other_neighbours_in_smaller_packs(case, monkeypatch):
    found = case("esm2")
    encoder, sample = found.encoder("fp32"), found.sample
    rows_PD = found.rows(encoder)
    given = []
    encode = type(encoder).encode
    monkeypatch.setattr(
        type(encoder), "encode", lambda self, tokens, packs: given.append(packs) or encode(self, tokens, packs)
    )
    noise(encoder, sample.tokens, sample.indices_P, rows_PD, sample.budget)
    (packs,) = given
    assert max(sample.tokens.lengths_S[pack].sum() for pack in packs) <= sample.budget // 2
    assert sorted(np.concatenate(packs)) == sample.indices_P.tolist()
    order = np.concatenate(packs)
    assert not np.array_equal(order, sample.indices_P[sample.order_P])


class Sloppy:
    """A kernel of its own that errs by 1 %."""

    name = "sloppy"

    def __call__(self, call):
        return SdpaAttention()(call) * 1.01


def test_another_kernel_is_compared_with_the_padded_one_and_stays(probe, case):
    own = Sloppy()

    def change(encoder):
        encoder.loaded.model.attention = own
        change.model = encoder.loaded.model

    found = measured(probe("dnabert-s", "fp16", change))
    assert change.model.attention is own
    assert found.values["R2"]["all"]["kernel_ratio"] > 1.3
    assert "R2" not in found.details["not_measured"]


def test_transformers_has_no_other_kernel(case):
    found = case("ProtBERT")
    assert isinstance(padded_tokens(found.encoder("fp16"), found.sample), Unavailable)


def test_the_noise_of_a_candidate_is_judged_by_rounding():
    floor_P = np.full(30, 2e-4)
    assert noise_ratio(np.full(30, 6e-4), floor_P) == pytest.approx(3.0)
    assert noise_ratio(np.zeros(30), floor_P) == 0
    # one sequence that differs, and one without an embedding, are not the noise of all
    assert noise_ratio(np.array([1.0, np.nan, *[2e-4] * 28]), floor_P) == pytest.approx(1.0)
    assert noise_ratio(np.full(12, 6e-4), floor_P[:12]) is None
    assert noise_ratio(np.full(30, 6e-4), None) is None
