"""Results of cases: rates, shares of peak rates, speedups of paired rounds."""

import pytest

from vp_tui.core.bench.cases import Case
from vp_tui.core.bench.ceilings import Matmuls, Rate
from vp_tui.core.bench.interleaved import TimedBlock, Timings
from vp_tui.core.bench.results import Workload, ratios_of, result_of

H200 = "NVIDIA H200"
WORK = Workload(tokens=1000, flops=1e12, device_name=H200)


def case(engine, precision):
    return Case(
        engine=engine,
        precision=precision,
        implementation=lambda tokens: tokens,
        attention="flash",
        ops="fused",
        batch_tokens=9,
    )


def timings(*seconds):
    return Timings(
        blocks=[TimedBlock(round=n, seconds=one, conditions=None, rejected=None) for n, one in enumerate(seconds)]
    )


def matmuls(sustained, burst):
    rate = Rate(sustained=sustained, burst=burst, samples=(sustained,))
    return Matmuls(chain=rate, shapes={}, rows=1)


def test_a_rate_is_compared_with_the_nominal_peak_and_the_measured_matmul_rate():
    found = result_of(case("vp-tui", "fp16"), timings(*[0.002] * 8), WORK, matmuls(625.0, 800.0))
    assert found.tokens_per_s.median == pytest.approx(500_000)
    # 1e12 FLOPs in 2 ms are 500 TFLOP/s; the data sheet has 989.4
    assert found.mfu == pytest.approx(500 / 989.4)
    assert found.of_sustained == pytest.approx(0.8)
    assert found.of_burst == pytest.approx(0.625)


def test_without_blocks_or_ceilings_or_flops_there_are_no_shares():
    nothing = result_of(case("vp-tui", "fp16"), Timings(error="no room"), WORK, matmuls(625.0, 800.0))
    assert (nothing.tokens_per_s, nothing.mfu, nothing.of_sustained, nothing.error) == (None, None, None, "no room")
    bare = result_of(case("vp-tui", "fp16"), timings(1.0), Workload(tokens=1, flops=None, device_name="x"), None)
    assert (bare.mfu, bare.of_sustained) == (None, None)


def test_ratios_are_ours_over_fp32_and_tf32_and_over_every_peer_of_the_same_precision():
    cases = [case(*key) for key in (("vp-tui", "fp32"), ("vp-tui", "tf32"), ("vp-tui", "fp16"))]
    cases += [case("transformers sdpa", "fp32"), case("transformers sdpa", "fp16")]
    found = {one.name: timings(*[seconds] * 8) for one, seconds in zip(cases, (9, 4, 1, 18, 2), strict=True)}
    speedups = {
        (one.precision, one.over_engine, one.over_precision): one.times.median for one in ratios_of(cases, found)
    }
    assert speedups == {
        ("tf32", "vp-tui", "fp32"): 2.25,
        ("fp16", "vp-tui", "fp32"): 9,
        ("fp16", "vp-tui", "tf32"): 4,
        ("fp32", "transformers sdpa", "fp32"): 2,
        ("fp16", "transformers sdpa", "fp16"): 2,
    }


def test_a_built_in_plan_is_also_compared_with_fp16_and_never_with_a_peer():
    cases = [case("vp-tui", name) for name in ("fp32", "fp16", "fp8-ffn", "fp8")] + [case("transformers sdpa", "fp16")]
    found = {one.name: timings(*[seconds] * 8) for one, seconds in zip(cases, (12, 3, 2, 1, 6), strict=True)}
    ratios = ratios_of(cases, found)
    speedups = {(one.over_engine, one.over_precision): one.times.median for one in ratios if one.precision == "fp8"}
    assert speedups == {("vp-tui", "fp32"): 12, ("vp-tui", "fp16"): 3}
    assert {one.precision for one in ratios if one.over_precision == "fp16" and one.over_engine == "vp-tui"} == {
        "fp8-ffn", "fp8",
    }  # fmt: skip
