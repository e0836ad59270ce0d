"""Goals beside numbers: which apply to which model and device, and when they are reached."""

import pytest

from vp_tui.core.bench.ceilings import Products, Rate
from vp_tui.core.bench.contest import Block, Entry
from vp_tui.core.bench.entrants import Entrant
from vp_tui.core.bench.goals import goals
from vp_tui.core.bench.overhead import Overhead
from vp_tui.core.bench.results import Ratio, Workload, ratios_of, result_of
from vp_tui.core.bench.shapes import shape_of
from vp_tui.core.bench.statistics import Estimate

H200, RTX = "NVIDIA H200", "NVIDIA GeForce RTX 4090"
WORK = Workload(tokens=1000, flops=1e12, device_name=H200)


def exactly(value):
    return Estimate(median=value, low=value, high=value, n=8)


def entrant(engine, precision):
    return Entrant(
        engine=engine, precision=precision, way=lambda tokens: tokens, attention="flash", steps="fused", batch_tokens=9
    )


def entry(*seconds):
    return Entry(blocks=[Block(round=n, seconds=one, conditions=None, rejected=None) for n, one in enumerate(seconds)])


def products(sustained, burst):
    rate = Rate(sustained=sustained, burst=burst, samples=(sustained,))
    return Products(chain=rate, shapes={}, rows=1)


def times(precision, engine, over, value):
    return Ratio(precision=precision, over_engine=engine, over_precision=over, times=exactly(value))


def test_a_rate_is_held_against_the_data_sheet_and_the_devices_own_products():
    found = result_of(entrant("vp-tui", "fp16"), entry(*[0.002] * 8), WORK, products(625.0, 800.0))
    assert found.tokens_per_s.median == pytest.approx(500_000)
    # 1e12 FLOPs in 2 ms are 500 TFLOP/s; the data sheet has 989.4
    assert found.mfu == pytest.approx(500 / 989.4)
    assert found.of_sustained == pytest.approx(0.8)
    assert found.of_burst == pytest.approx(0.625)


def test_without_blocks_or_ceilings_or_flops_there_are_no_shares():
    nothing = result_of(entrant("vp-tui", "fp16"), Entry(error="no room"), WORK, products(625.0, 800.0))
    assert (nothing.tokens_per_s, nothing.mfu, nothing.of_sustained, nothing.error) == (None, None, None, "no room")
    bare = result_of(entrant("vp-tui", "fp16"), entry(1.0), Workload(tokens=1, flops=None, device_name="x"), None)
    assert (bare.mfu, bare.of_sustained) == (None, None)


def test_ratios_are_ours_over_fp32_and_tf32_and_over_every_peer_of_the_same_precision():
    entrants = [entrant(*key) for key in (("vp-tui", "fp32"), ("vp-tui", "tf32"), ("vp-tui", "fp16"))]
    entrants += [entrant("transformers sdpa", "fp32"), entrant("transformers sdpa", "fp16")]
    entries = {one.name: entry(*[seconds] * 8) for one, seconds in zip(entrants, (9, 4, 1, 18, 2), strict=True)}
    found = {
        (one.precision, one.over_engine, one.over_precision): one.times.median for one in ratios_of(entrants, entries)
    }
    assert found == {
        ("tf32", "vp-tui", "fp32"): 2.25,
        ("fp16", "vp-tui", "fp32"): 9,
        ("fp16", "vp-tui", "tf32"): 4,
        ("fp32", "transformers sdpa", "fp32"): 2,
        ("fp16", "transformers sdpa", "fp16"): 2,
    }


def of_3b(device, *, rate=0.01, ratio=2.0):
    result = result_of(entrant("vp-tui", "fp16"), entry(*[rate] * 8), WORK, products(125.0, 150.0))
    ratios = [
        times("fp16", "vp-tui", "fp32", 9.5),
        times("fp16", "vp-tui", "tf32", 1.9),
        times("fp16", "transformers sdpa", "fp16", ratio + 1),
        times("fp16", "transformers flash_attention_2", "fp16", ratio),
    ]
    cost = Overhead(what="live measures", ratio=exactly(1.004), on_s=(), off_s=(), reason=None)
    unknown = Overhead(what="telemetry", ratio=None, on_s=(), off_s=(), reason="no GPU")
    found = goals(shape_of("esm2-3b"), device, [result], ratios, [cost, unknown], is_cuda=True)
    return {goal.what: (goal.value, goal.limit, goal.ok) for goal in found}


def test_on_an_h200_all_goals_of_the_3b_apply_that_were_measured():
    found = of_3b(H200)
    assert found == {
        "x transformers' best, fp16": (2.0, 1.75, True),
        "share of the sustained matmul rate, fp16": (pytest.approx(0.8), 0.75, True),
        "x fp32 (IEEE), fp16": (9.5, 9.0, True),
        "x tf32, fp16": (1.9, 2.0, False),
        "tokens/s, fp16": (pytest.approx(100_000), 105_000, False),
        "cost of live measures": (pytest.approx(0.004), 0.01, True),
    }


def test_elsewhere_only_ratios_of_the_same_precision_apply():
    assert set(of_3b(RTX)) == {
        "x transformers' best, fp16", "share of the sustained matmul rate, fp16", "cost of live measures",
    }  # fmt: skip


def test_the_best_of_transformers_is_the_one_that_counts():
    assert of_3b(RTX, ratio=1.5)["x transformers' best, fp16"] == (1.5, 1.75, False)


@pytest.mark.parametrize(("name", "limit"), [("esm2-650m", 390_000), ("dnabert-s", 1_600_000)])
def test_the_other_models_have_a_rate_on_an_h200(name, limit):
    result = result_of(entrant("vp-tui", "fp16"), entry(*[0.001] * 8), WORK, None)
    found = goals(shape_of(name), H200, [result], [], [], is_cuda=True)
    assert [(goal.limit, goal.ok) for goal in found] == [(limit, limit <= 1_000_000)]
    assert goals(shape_of(name), RTX, [result], [], [], is_cuda=True) == []


def test_a_cpu_has_the_goal_over_transformers_in_fp32_with_the_35m_shape():
    ratios = [times("fp32", "transformers sdpa", "fp32", 1.29)]
    found = goals(shape_of("esm2-35m"), "some CPU", [], ratios, [], is_cuda=False)
    assert [(goal.value, goal.limit, goal.ok) for goal in found] == [(1.29, 1.3, False)]
    assert goals(shape_of("esm2-8m"), "some CPU", [], ratios, [], is_cuda=False) == []
