import numpy as np
import pytest
import torch
from torch import nn

from vp_tui.core.config import PrecisionPlan, plain_plan
from vp_tui.core.engine.encode import OutOfMemoryError, place
from vp_tui.core.engine.probe.point import Point, rms, rms_error, sequence_errors, shared_error
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.engine.probe.sketch import Sketched, signs
from vp_tui.core.engine.probe.trace import trace
from vp_tui.core.models.loading import load
from vp_tui.core.models.precision import EXACT, stored_as

FP16 = plain_plan("fp16")
CPU = torch.device("cpu")


def one_point(values_RD, *, target=FP16, parts=1, step=1, name="point"):
    """The trace of a point that saw these rows in `parts` calls."""
    point = Point(name, values_RD, target, torch.arange(0, len(values_RD), step)[:2048])
    for part_RD in values_RD.chunk(parts):
        point.add(part_RD)
    return point.finished()


def rows(count, width, seed=0):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_a_point_counts_what_is_not_finite_saturated_subnormal_and_flushed():
    smallest = 2.0**-24
    row = [
        1.0,
        -65504.0,
        torch.nan,
        torch.inf,
        -torch.inf,
        2.0**-14,
        2.0**-15,
        smallest,
        smallest / 2,
        -1e-30,
        0.0,
        65536,
    ]
    exact = one_point(torch.tensor([row], dtype=torch.float64))
    # 2^-15, the smallest number, half of it (a tie, to 0) and 1e-30 are below 2^-14, the last two become 0
    assert (exact.nonfinite, exact.subnormal, exact.flushed, exact.max_abs) == (3, 4, 2, 65536)
    assert exact.saturated == 0
    half = torch.tensor([row], dtype=torch.float16)
    found = one_point(half)
    assert (found.nonfinite, found.saturated, found.max_abs) == (4, 1, 65504)
    assert found.flushed == 0
    flushed = ((torch.tensor([row]) != 0) & (half == 0)).sum()
    assert exact.flushed == flushed


def test_bf16_has_a_range_of_its_own():
    row = torch.tensor([[1e-30, 1e-39, 1e-41, 3e38]], dtype=torch.float64)
    found = one_point(row, target=plain_plan("bf16"))
    assert (found.subnormal, found.flushed) == (2, 1)
    assert one_point(row.bfloat16() * 0 + torch.finfo(torch.bfloat16).max).saturated == 4


def test_sums_are_over_all_rows_and_in_fp64():
    values_RD = rows(5000, 24) + 1000
    found = one_point(values_RD, parts=7, step=3)
    assert np.allclose(found.sum_D, values_RD.sum(0), rtol=1e-14)
    assert np.isclose(rms(found), values_RD.square().sum(1).mean().sqrt(), rtol=1e-14)
    assert (found.rows, found.values) == (5000, 5000 * 24)


def test_the_rounding_error_is_that_of_every_fourth_sketched_row_whatever_the_calls():
    values_RD = rows(101, 8)
    chosen_RD = values_RD[::3][::4]
    wanted = float((chosen_RD - stored_as(chosen_RD, FP16)).square().sum())
    for parts in (1, 7, 101):
        assert np.isclose(one_point(values_RD, parts=parts, step=3).rounding_square, wanted, rtol=1e-12)


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_the_sketched_rows_do_not_depend_on_the_calls(step):
    values_RD = rows(100, 8)
    wanted = (values_RD[::step] @ signs("point", 8).double()).float()
    for parts in (1, 3, 100):
        found = one_point(values_RD, parts=parts, step=step)
        assert np.allclose(found.sketch_RK, wanted, rtol=1e-6)


def of_sequences(sizes):
    """Sketched rows of sequences of these many rows, all of them."""
    rows = sum(sizes)
    return Sketched(
        rows=rows, row_R=np.arange(rows), sequence_R=np.repeat(np.arange(len(sizes)), sizes), weight_R=np.ones(rows)
    )


def test_errors_of_sequences_are_those_of_their_own_rows():
    values_RD = rows(60, 256)
    other_RD = values_RD.clone()
    # one dimension is seen exactly by any signs
    other_RD[:20, 3] += 0.1
    other_RD[20:50, 3] += 0.7
    one, other = one_point(values_RD), one_point(other_RD)
    assert np.allclose(sequence_errors(one, other, of_sequences([20, 30, 10]), 3), [0.1, 0.7, 0], rtol=1e-5)
    assert np.isnan(sequence_errors(one, other, of_sequences([20, 30]), 2)).all(), "rows of another kind"


def test_the_error_over_all_tokens_counts_a_row_for_those_it_stands_for():
    values_RD = rows(4, 256)
    other_RD = values_RD.clone()
    other_RD[2:, 3] += 1.0
    one, other = one_point(values_RD), one_point(other_RD)
    even = of_sequences([2, 2])
    long = Sketched(rows=4, row_R=even.row_R, sequence_R=even.sequence_R, weight_R=np.array([1.0, 1, 7, 7]))
    assert np.isclose(rms_error(one, other, even), 0.5**0.5, rtol=1e-5)
    assert np.isclose(rms_error(one, other, long), (14 / 16) ** 0.5, rtol=1e-5)


def test_subnormal_values_carry_their_share_of_the_rounding_error():
    """Numbers of FP16 plus a known part of their spacing, which rounding takes away again."""
    normal, small = 1 + 0.25 * 2.0**-10, 2.0**-15 + 0.25 * 2.0**-24
    found = one_point(torch.tensor([[normal, small, 0.0, 1e6]], dtype=torch.float64))
    lost, lost_small = (0.25 * 2.0**-10) ** 2, (0.25 * 2.0**-24) ** 2
    assert np.isclose(found.rounding_square, lost + lost_small, rtol=1e-12)
    assert np.isclose(found.subnormal_error_share, lost_small / (lost + lost_small), rtol=1e-9)
    assert one_point(torch.tensor([[small, 0.0]], dtype=torch.float64)).subnormal_error_share == 1
    assert one_point(torch.tensor([[1.0, 2.0**-15]], dtype=torch.float64)).subnormal_error_share == 0


def test_the_sketch_gives_the_rms_error_within_its_standard_error():
    """Relative variance of the mean square over R rows of independent errors: 2 / (16 R); 3 standard errors."""
    values_RD, errors_RD = rows(2000, 320), 1e-3 * rows(2000, 320, seed=1)
    found = rms_error(one_point(values_RD + errors_RD), one_point(values_RD))
    true = errors_RD.square().sum(1).mean().sqrt().item()
    assert abs(found / true - 1) < 3 * 0.5 * (2 / (16 * 2000)) ** 0.5


def test_the_sketch_of_one_error_in_all_rows_is_right_to_18_percent():
    """Here one draw of 16 signs is all there is: relative variance of the square 2 / 16, over 60 points."""
    squares = []
    for number in range(60):
        error_D = rows(1, 256, seed=number)
        values_RD = rows(50, 256)
        found = rms_error(one_point(values_RD + error_D, name=f"p{number}"), one_point(values_RD, name=f"p{number}"))
        squares.append(found**2 / error_D.square().sum().item())
    # the mean of 60 squares has a standard error of 4.6 %; one square of 35 %
    assert abs(np.mean(squares) - 1) < 3 * 0.046
    assert 0.2 < np.std(squares) < 0.5


def test_an_error_in_one_dimension_is_seen_exactly():
    values_RD = rows(200, 256)
    other_RD = values_RD.clone()
    other_RD[:, 17] += 0.25
    # sketches are kept in FP32
    assert np.isclose(rms_error(one_point(other_RD), one_point(values_RD)), 0.25, rtol=1e-5)
    assert np.isclose(shared_error(one_point(other_RD), one_point(values_RD)), 0.25, rtol=1e-12)


def test_errors_that_cancel_over_the_rows_are_not_shared():
    values_RD, errors_RD = rows(400, 64), rows(400, 64, seed=1)
    errors_RD -= errors_RD.mean(0)
    assert shared_error(one_point(values_RD + errors_RD), one_point(values_RD)) < 1e-14


def test_the_signs_are_those_of_every_machine():
    signs_DK = signs("layers.0", 64)
    assert set(signs_DK.unique().tolist()) == {-1, 1}
    # the first 16 bits of SHAKE-256(layers.0)
    assert signs_DK[0].tolist() == [int(bit) * 2 - 1 for bit in format(0xCC09, "016b")]
    assert not torch.equal(signs_DK, signs("layers.1", 64))


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s", "ProtBERT", "ModernBERT"])
def test_a_trace_has_what_a_look_at_everything_gives(case, kind):
    found = case(kind)
    encoder = found.encoder("fp16")
    seen = {}
    with looking(
        encoder.loaded.model, lambda name, value: seen.setdefault(name, []).append(value.flatten(0, -2).clone())
    ):
        for pack_S in found.sample.packs(found.sample.budget):
            placed = place(found.sample.tokens, pack_S, CPU)
            encoder.loaded.model(placed.ids_N, placed.layout)
    got = trace(encoder.loaded.model, found.sample, encoder.plan, CPU, target=FP16)
    assert list(got.points) == list(seen)
    for name, parts in seen.items():
        whole_RD = torch.cat(parts)
        assert (got.points[name].rows, got.points[name].values) == (len(whole_RD), whole_RD.numel())
        assert np.allclose(got.points[name].sum_D, whole_RD.double().sum(0), rtol=1e-9, atol=1e-9)
        assert got.points[name].max_abs == whole_RD.abs().max()
    assert 2 <= len(got.blocks) <= 3
    assert set(got.blocks) <= set(got.points)


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
def test_pooled_in_fp64_is_what_the_run_pools(case, kind):
    found = case(kind)
    encoder = found.encoder("fp32")
    got = trace(encoder.loaded.model, found.sample, encoder.plan, CPU, target=FP16)
    # FP32 sums of up to 512 tokens
    assert np.abs(got.embeddings_PD - found.rows(encoder)).max() < 1e-5


def test_a_replaced_value_is_what_the_model_goes_on_with_and_what_is_seen(case):
    found = case("esm2")
    encoder = found.encoder("fp32")
    got = trace(
        encoder.loaded.model,
        found.sample,
        encoder.plan,
        CPU,
        target=FP16,
        replaced=lambda name, value: value * 0 if name == "layers.0" else None,
    )
    assert got.points["layers.0"].max_abs == 0
    plain = trace(encoder.loaded.model, found.sample, encoder.plan, CPU, target=FP16)
    assert not np.array_equal(got.tokens_ND, plain.tokens_ND)


class Tight(nn.Module):
    """A model with room for packs of `tokens` only."""

    def __init__(self, body, tokens):
        super().__init__()
        self.body, self.tokens = body, tokens

    def forward(self, ids_N, layout):
        if len(ids_N) > self.tokens:
            raise torch.OutOfMemoryError("no room")
        return self.body(ids_N, layout)


def test_a_pack_that_does_not_fit_is_halved_and_the_rows_stay_the_same(case):
    found = case("esm2")
    model = found.encoder("fp32").loaded.model
    plan = plain_plan("fp32")
    one, other = (
        trace(body, found.sample, plan, CPU, target=FP16) for body in (Tight(model, 10**6), Tight(model, 1100))
    )
    for name, point in one.points.items():
        # the same rows: products of other sizes may round otherwise in FP32
        assert rms_error(point, other.points[name]) <= 1e-5 * rms(point)
    with pytest.raises(OutOfMemoryError, match="--token-budget"):
        trace(Tight(model, 100), found.sample, plan, CPU, target=FP16)


def test_exact_values_of_fp16_are_not_changed_by_storing_them_as_fp16():
    values_RD = stored_as(rows(10, 10), FP16)
    assert torch.equal(stored_as(values_RD, FP16), values_RD)
    assert values_RD.dtype == torch.float64
    assert EXACT.precision == "fp64"


def test_values_are_counted_as_small_for_the_format_of_their_own_unit(case):
    """A unit kept in FP32 loses nothing where FP16 would."""
    found = case("esm2")
    kept = PrecisionPlan(name="kept", precision="fp16", kept={"layers.0.fc1": "fp32"})
    model = load(found.source, EXACT, CPU).model
    model.layers[0].fc1.weight.data *= 2.0**-18
    model.layers[0].fc1.bias.data *= 2.0**-18
    plain, spared = (trace(model, found.sample, EXACT, CPU, target=plan, kind="esm2").points for plan in (FP16, kept))
    assert plain["layers.0.fc1"].subnormal > 0
    assert spared["layers.0.fc1"].subnormal == 0
    assert spared["layers.0.fc1"].rounding_square < 1e-6 * plain["layers.0.fc1"].rounding_square
    assert spared["layers.1.fc1"].rounding_square == plain["layers.1.fc1"].rounding_square
