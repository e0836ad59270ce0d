"""Ratios per sequence, averaged as logarithms."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vp_tui.core.config import PrecisionPlan
from vp_tui.core.engine.encode import Encoder
from vp_tui.core.engine.probe import oracle
from vp_tui.core.engine.probe.ratio_numbers import module_ratios
from vp_tui.core.engine.probe.ratios import Ratio, SequenceRatio, ratios, sequence_ratio
from vp_tui.core.engine.probe.stage import look_inside
from vp_tui.core.models.loading import load


def test_one_sensitive_sequence_does_not_rule_the_ratio():
    error_P, floor_P = np.ones(12), np.ones(12)
    error_P[3], floor_P[3] = 300.0, 100.0
    found = sequence_ratio(error_P, floor_P, 0.0)
    assert found.mean == pytest.approx(3 ** (1 / 12))
    assert (found.worst, found.worst_place, found.sequences) == (pytest.approx(3), 3, 12)
    # the ratio of root mean squares would be 3
    assert np.sqrt(np.square(error_P).mean() / np.square(floor_P).mean()) == pytest.approx(3, rel=0.01)


def test_a_factor_of_all_sequences_is_the_ratio():
    floor_P = np.geomspace(1e-6, 1, 20)
    assert sequence_ratio(1.8 * floor_P, floor_P, 0.0).mean == pytest.approx(1.8)


def test_sequences_without_one_of_the_errors_are_left_out():
    nan = np.nan
    error_P, floor_P = np.array([2.0, nan, 2, 2, 0, np.inf]), np.array([1.0, 1, nan, 1e-9, 1, 1])
    found = sequence_ratio(error_P, floor_P, 1e-6)
    assert (found.mean, found.sequences, found.worst_place) == (2.0, 1, 0)
    assert sequence_ratio(error_P[1:], floor_P[1:], 1e-6) is None


@pytest.mark.parametrize("stream", ["fp16", "fp32"])
def test_a_norm_that_takes_what_it_reads_in_its_own_format_errs_as_its_twin_whatever_the_stream_has(case, stream):
    """A sound precision plan with an FP32 residual stream had 1.5 at the norms behind it."""
    found, cpu = case("esm2"), torch.device("cpu")
    kept = {f"layers.{index}.residual": stream for index in range(2)} | {"final_norm": stream}
    plan = PrecisionPlan(name="own", precision="fp16", kept={} if stream == "fp16" else kept)
    encoder = Encoder(load(found.source, plan, cpu), plan, cpu)
    answer = oracle.ask(
        oracle.OracleRequest(source=found.source, spec=found.spec, sample=found.sample, plan=plan, device=cpu)
    )
    traced, _ = look_inside(encoder, found.sample, None)
    by_name = {ratio.name: ratio.by_sequence.mean for ratio in ratios(traced, answer) if ratio.by_sequence is not None}
    assert {f"layers.{index}.ffn_norm" for index in range(2)} <= set(by_name)
    assert max(by_name.values()) < 1.3, by_name


def test_the_worst_module_is_judged_from_eight_sequences_on():
    def at(num):
        one = SequenceRatio(mean=1.31, sequences=num, worst=1.4, worst_place=0)
        found = Ratio(name="layers.0", rms=1.1, shared=None, by_sequence=one)
        answer = SimpleNamespace(output_floor=1.0, floors={"layers.0": None})
        return module_ratios(1.0, answer, [found], "fp16", reasons)["rounding_ratio"]

    reasons = {}
    assert at(8) == 1.31
    assert reasons == {}
    assert at(7) is None
    assert "8 sequences" in reasons["R4"]
