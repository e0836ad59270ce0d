from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from vp_tui.core.config import PrecisionPlan, built_in_plan, emulated_plan, plain_plan
from vp_tui.core.engine.encode import place
from vp_tui.core.engine.probe import oracle, oracle_file
from vp_tui.core.engine.probe.point import rms
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.engine.probe.trace import tokens_error, trace
from vp_tui.core.engine.probe.twin import Rounding, round_weights, rounding_of
from vp_tui.core.errors import ResourceError
from vp_tui.core.models.kernels.sdpa import SdpaAttention
from vp_tui.core.models.loading import load
from vp_tui.core.models.operands import ROUNDING
from vp_tui.core.models.precision import matmul_mode, round_to_tf32, storage_dtype

CPU = torch.device("cpu")
CACHE = Path("cache")
FACTS = {"weights": "abc", "letters": "def"}


def request(found, name="fp16"):
    return oracle.OracleRequest(
        source=found.source, spec=found.spec, sample=found.sample, plan=plain_plan(name), device=CPU
    )


def pooled_by_hand(found, tokens_ND):
    sample = found.sample
    rows = [tokens_ND[(sample.sequence_N == place) & sample.pooled_N] for place in range(len(sample.indices_P))]
    return np.stack([row.astype(np.float64).mean(0) for row in rows])


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s", "ProtBERT"])
def test_pooled_embeddings_are_the_means_that_the_spec_names(case, kind):
    found = case(kind)
    made = oracle.ask(request(found, "fp32"))
    assert made.exact.embeddings_PD.dtype == np.float64
    # tokens are kept in FP32
    assert np.abs(made.exact.embeddings_PD - pooled_by_hand(found, made.exact.tokens_ND)).max() < 1e-6


def test_fp32_has_no_twin(case):
    made = oracle.ask(request(case("esm2"), "fp32"))
    assert (dict(made.floors), made.output_floor) == ({}, None)
    assert rounding_of(plain_plan("fp32"), "esm2") is None


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s", "ProtBERT", "ProtT5"])
@pytest.mark.parametrize(("name", "unit"), [("fp16", 2.0**-11), ("bf16", 2.0**-8)])
def test_the_twin_errs_by_the_rounding_of_its_format(case, kind, name, unit):
    made = oracle.ask(request(case(kind), name))
    relative = [made.floors[point].rms / rms(made.exact.points[point]) for point in made.exact.blocks]
    # one rounding is unit / sqrt(3) at most on average; a few dozen add up in a tiny model
    assert all(unit / 10 < error < 20 * unit for error in relative)
    assert made.output_floor > 0


def test_tf32_rounds_what_enters_products_and_nothing_else(case):
    made = oracle.ask(request(case("dnabert-s"), "tf32"))
    exact = made.exact.points
    assert made.floors["embedding"].rms == 0
    assert made.floors["embedding_norm"].rms < 1e-6 * rms(exact["embedding_norm"])
    assert 1e-5 < made.floors["layers.0.qkv"].rms / rms(exact["layers.0.qkv"]) < 1e-3


def test_every_value_of_the_twin_is_a_number_of_the_format(case):
    found = case("esm2")
    model = found.encoder("fp32").loaded.model
    rounding = Rounding(plain_plan("fp16"), "esm2")
    round_weights(model, rounding.weight)
    seen, entered = [], []

    def look(name, value):
        rounded = rounding.value(name, value)
        seen.append(rounded.clone())
        return rounded

    for norm in (model.final_norm, model.layers[0].ffn_norm):
        # behind the rounding hook, which is registered below
        norm.register_forward_hook(lambda _, inputs, output: entered.append(inputs[0].clone()))
    with rounding.inside(model), looking(model, look):
        pack = place(found.sample.tokens, found.sample.packs(4096)[0], CPU)
        model(pack.ids_N, pack.layout)
    assert len(seen) == 24
    assert len(entered) == 2
    for value in (*seen, *entered, *model.parameters()):
        assert torch.equal(value, value.to(storage_dtype("fp16")).float())


class Recording(SdpaAttention):
    """A kernel that keeps what it was given, and the format that products had on a GPU then."""

    given, products = [], []

    def __call__(self, call):
        self.given.append(call)
        self.products.append(torch.backends.cuda.matmul.fp32_precision)
        return super().__call__(call)


def recorded(found, model, plan):
    """The kernel of a model after one packed batch within the rounding of `plan`."""
    kernel = model.attention = Recording()
    kernel.given.clear()
    kernel.products.clear()
    rounding = Rounding(plan, "esm2")
    round_weights(model, rounding.weight)
    with matmul_mode(rounding.math), rounding.inside(model), looking(model, rounding.value):
        pack = place(found.sample.tokens, found.sample.packs(4096)[0], CPU)
        model(pack.ids_N, pack.layout)
    return kernel


@pytest.mark.parametrize(
    ("plan", "products"),
    [
        (plain_plan("fp16"), ["ieee", "ieee"]),
        (plain_plan("tf32"), ["tf32", "tf32"]),
        (PrecisionPlan(name="mixed", precision="tf32", kept={"layers.1.attention": "fp32"}), ["tf32", "ieee"]),
    ],
)
def test_the_products_of_attention_run_in_the_format_of_the_candidate(case, plan, products):
    found = case("esm2")
    model = found.encoder("fp32").loaded.model
    assert recorded(found, model, plan).products == products


@pytest.mark.parametrize(("name", "calls_are_rounded"), [("fp16", True), ("tf32", False)])
def test_q_and_k_are_stored_again_after_the_rotary_rotation(case, name, calls_are_rounded):
    found = case("esm2")
    model = found.encoder("fp32").loaded.model
    kernel = recorded(found, model, plain_plan(name))
    assert model.attention is kernel
    assert len(kernel.given) == 2
    for call in kernel.given:
        for states in (call.q_NHK, call.k_NHK):
            assert torch.equal(states, states.half().float()) is calls_are_rounded


def test_tf32_has_ten_bits_of_mantissa():
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 10.0 ** torch.arange(-20, 20).repeat(25)
    rounded = round_to_tf32(values)
    mantissa, exponent = torch.frexp(values.double())
    # torch.round goes to even on ties, as the format does
    assert torch.equal(rounded.double(), torch.ldexp((mantissa * 2**11).round() / 2**11, exponent))
    special = torch.tensor([torch.inf, -torch.inf, 0.0, 1.0 + 2**-11, 1.0 + 3 * 2**-11, torch.nan])
    assert round_to_tf32(special)[:5].tolist() == [torch.inf, -torch.inf, 0.0, 1.0, 1.0 + 2**-9]
    assert round_to_tf32(special)[5].isnan()


def same(one, other):
    assert list(one.exact.points) == list(other.exact.points)
    for name, point in one.exact.points.items():
        again = other.exact.points[name]
        assert np.array_equal(point.sum_D, again.sum_D)
        assert np.array_equal(point.sketch_RK, again.sketch_RK)
        for key in (
            "rows",
            "values",
            "max_abs",
            "nonfinite",
            "saturated",
            "subnormal",
            "flushed",
            "square_sum",
            "subnormal_error_share",
        ):
            assert getattr(point, key) == getattr(again, key)
    assert np.array_equal(one.exact.tokens_ND, other.exact.tokens_ND)
    assert np.array_equal(one.exact.embeddings_PD, other.exact.embeddings_PD)
    assert one.floors.keys() == other.floors.keys()
    for name, floor in one.floors.items():
        again = other.floors[name]
        assert (floor.rms, floor.shared) == (again.rms, again.shared)
        assert np.array_equal(floor.error_P, again.error_P, equal_nan=True)
    assert np.array_equal(one.embedding_floor_P, other.embedding_floor_P, equal_nan=True)
    assert (one.output_floor, one.seconds) == (other.output_floor, other.seconds)
    for key in ("row_R", "sequence_R", "weight_R"):
        assert np.array_equal(getattr(one.exact.sketched, key), getattr(other.exact.sketched, key))
    assert one.exact.sketched.rows == other.exact.sketched.rows
    assert one.exact.blocks == other.exact.blocks
    return True


def test_an_answer_is_kept_and_comes_back_as_it_was(case, tmp_path):
    asked = request(case("dnabert-s"))
    made = oracle.obtain(asked, tmp_path, FACTS)
    again = oracle.obtain(asked, tmp_path, FACTS)
    assert (made.cached, again.cached) == (False, True)
    assert same(made, again)
    assert [path.suffix for path in (tmp_path / "oracles").iterdir()] == [".safetensors"]


def test_other_facts_formats_and_samples_are_other_answers(case):
    found, other = case("esm2").sample, case("dnabert-s").sample

    def path(facts=FACTS, sample=found, name="fp16", *, is_padded=False):
        return oracle_file.path_of(CACHE, facts, sample, plain_plan(name), is_padded=is_padded)

    paths = {
        path(),
        path({"weights": "x"}),
        path(name="bf16"),
        path(name="tf32"),
        path(sample=other),
        path(is_padded=True),
    }
    assert len(paths) == 6
    assert path() == path(dict(reversed(FACTS.items())))


def test_the_budget_matters_only_to_padded_batches(case):
    found = case("esm2").sample
    smaller = replace(found, budget=1100)
    for is_padded in (False, True):
        one, other = (
            oracle_file.path_of(CACHE, FACTS, sample, plain_plan("fp16"), is_padded=is_padded)
            for sample in (found, smaller)
        )
        assert (one == other) is not is_padded


def test_native_rows_are_the_same_in_packs_of_another_budget(case):
    """So one file serves a CPU and a GPU."""
    found = case("esm2")
    asked = request(found, "fp32")
    one, other = oracle.ask(asked), oracle.ask(replace(asked, sample=replace(found.sample, budget=1100)))
    for name, point in one.exact.points.items():
        # products of other sizes round otherwise, in FP64; sketches are kept in FP32
        assert np.allclose(point.sketch_RK, other.exact.points[name].sketch_RK, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("damage", ["cut", "empty", "other rows", "no facts"])
def test_a_damaged_file_is_said_and_made_anew(case, tmp_path, damage):
    from safetensors.numpy import save_file

    asked = request(case("dnabert-s"), "fp32")
    made = oracle.obtain(asked, tmp_path, FACTS)
    (path,) = (tmp_path / "oracles").iterdir()
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:1000])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "no facts":
        save_file({"tokens": np.zeros(3)}, path)
    else:
        fewer = oracle.ask(request(case("esm2"), "fp32"))
        oracle_file.write(path, fewer)
    again = oracle.obtain(asked, tmp_path, FACTS)
    assert not again.cached
    assert len(again.notes) == 1
    assert "is corrupt" in again.notes[0]
    assert np.array_equal(again.exact.tokens_ND, made.exact.tokens_ND)
    assert oracle.obtain(asked, tmp_path, FACTS).cached


def test_a_cache_that_cannot_be_written_costs_a_note_only(case, tmp_path):
    (tmp_path / "oracles").write_text("a file where the folder should be")
    made = oracle.obtain(request(case("dnabert-s"), "fp32"), tmp_path, FACTS)
    assert "could not be kept" in made.notes[-1]


def test_a_model_of_transformers_that_does_not_fit_is_an_error_with_numbers(case, monkeypatch):
    monkeypatch.setattr(oracle, "free_memory", lambda device: 2**20)
    with pytest.raises(ResourceError, match=r"in fp64 needs \S+ MiB, "):
        oracle.ask(request(case("ProtBERT")))


@pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])
@pytest.mark.parametrize("name", ["fp8", "int8"])
def test_the_twin_of_an_emulated_plan_is_the_emulation(case, kind, name):
    """Or a sound FP8 engine would be accused of its format's own rounding."""
    found, plan = case(kind), emulated_plan(name)
    made = oracle.ask(replace(request(found), plan=plan))
    mine = trace(load(found.source, plan, CPU).model, found.sample, plan, CPU)
    error = tokens_error(mine.tokens_ND, made.exact.tokens_ND)
    assert 0.9 < error / made.output_floor < 1.1
    assert made.output_floor > 5 * oracle.ask(request(found, "fp16")).output_floor


def test_the_twin_rounds_operands_row_by_row_and_what_fp16_stores(case):
    rounding = rounding_of(built_in_plan("fp8-ffn"), "esm2")
    value = torch.randn(5, 64, generator=torch.Generator().manual_seed(0))
    half = value.half().float()
    assert torch.equal(rounding.value("layers.0.fc1.in", value), ROUNDING["fp8"].entering(half))
    for name in ("layers.0.fc1", "layers.0.qkv.in", "layers.0.ffn_norm", "final_norm"):
        assert torch.equal(rounding.value(name, value), half), name
    linear = torch.nn.Linear(64, 5)
    assert torch.equal(rounding.weight("layers.0.fc1", linear, value), ROUNDING["fp8"].weight(half))
    assert torch.equal(rounding.weight("layers.0.qkv", linear, value), half)
    assert torch.equal(rounding.weight("layers.0.fc1", linear, value[0]), half[0]), "a bias"
