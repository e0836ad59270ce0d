"""A precision plan gives each unit its own format, without a copy of the forward."""

import numpy as np
import pytest
import torch

from vp_tui.core.config import PrecisionPlan, RunConfig, built_in_plan, emulated_plan, plain_plan
from vp_tui.core.engine.encode import Encoder, place
from vp_tui.core.engine.probe.points import looking
from vp_tui.core.errors import UsageError
from vp_tui.core.fingerprint import plan_hash
from vp_tui.core.inputs.source import resolve
from vp_tui.core.inputs.spec import read_spec
from vp_tui.core.inputs.synthetic import random_proteins
from vp_tui.core.inputs.tokens import TokenSet, tokenize
from vp_tui.core.inputs.units import block_of, expand, operation_of, require, unit_of, units_of
from vp_tui.core.models import precision
from vp_tui.core.models.loading import load
from vp_tui.core.workers.demo.checkpoints import make_checkpoint
from vp_tui.core.workers.demo.dnabert import make_dnabert

CPU = torch.device("cpu")
LENGTHS = np.array([20, 33, 64, 90])
PACKS = [np.array([3, 2]), np.array([1, 0])]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("planned")
    make_checkpoint(root / "esm2", num_layers=3, hidden=64)
    make_checkpoint(root / "overflow", num_layers=4, hidden=64, fault="overflow")
    make_dnabert(root / "dnabert-s")
    return root


def tokens_of(kind):
    if kind != "dnabert-s":
        return tokenize(random_proteins(LENGTHS, 3), max_residues=1022)
    ids = [[1, *np.random.default_rng(row).integers(5, 4096, length).tolist(), 2] for row, length in enumerate(LENGTHS)]
    lengths_S = np.array([len(row) for row in ids])
    return TokenSet(
        ids_N=np.concatenate(ids).astype(np.int32), lengths_S=lengths_S, starts_S=np.cumsum(lengths_S) - lengths_S,
        truncated=0, unknown=0, unknown_letters={}, lower_case=0,
    )  # fmt: skip


def embeddings(folder, plan):
    source = resolve(str(folder))
    return Encoder(load(source, plan, CPU), plan, CPU).encode(tokens_of(folder.name), PACKS).embeddings_SD


def spec_of(folder):
    return read_spec(folder, folder.name)


def plan(kept, base="fp16", own="fp32"):
    return PrecisionPlan(name="test", precision=base, kept=dict.fromkeys(kept, own))


KINDS = pytest.mark.parametrize("kind", ["esm2", "dnabert-s"])


@KINDS
def test_a_plan_that_keeps_every_unit_gives_the_kept_format(folders, kind):
    units = units_of(spec_of(folders / kind))
    kept = embeddings(folders / kind, plan(units))
    wanted = embeddings(folders / kind, plain_plan("fp32"))
    half = embeddings(folders / kind, plain_plan("fp16"))
    assert np.abs(kept - wanted).max() < 1e-5
    assert np.abs(half - wanted).max() > 1e-4


@KINDS
def test_a_plan_whose_units_have_the_base_format_changes_no_bit(folders, kind):
    units = units_of(spec_of(folders / kind))
    half = embeddings(folders / kind, plain_plan("fp16"))
    assert np.array_equal(embeddings(folders / kind, plan(units, own="fp16")), half)
    assert plan(units, own="fp16").is_plain


@KINDS
def test_each_unit_alone_is_reached_by_a_plan(folders, kind):
    half = embeddings(folders / kind, plain_plan("fp16"))
    for unit in units_of(spec_of(folders / kind)):
        if block_of(unit) in {None, 1}:
            # BF16 has 3 bits less than what reads the unit, so its rounding is seen; that of FP32 would be rounded away
            one = embeddings(folders / kind, plan([unit], own="bf16"))
            assert 0 < np.abs(one - half).max() < 0.2, unit


def test_a_kept_unit_casts_at_its_entry_and_the_next_one_at_its_own(folders):
    kept = plan(["layers.1.fc1", "layers.1.gelu"])
    model = load(resolve(str(folders / "esm2")), kept, CPU).model
    seen = {}
    with looking(model, lambda name, value: seen.setdefault(name, value.dtype) and None):
        tokens = tokens_of("esm2")
        pack = place(tokens, PACKS[0], CPU)
        model(pack.ids_N, pack.layout)
    assert {name: dtype for name, dtype in seen.items() if dtype == torch.float32} == {
        "layers.1.fc1.in": torch.float32,
        "layers.1.fc1": torch.float32,
    }
    assert seen["layers.1.fc2.in"] == torch.float16
    assert {name for name, parameter in model.named_parameters() if parameter.dtype == torch.float32} == {
        "layers.1.fc1.weight",
        "layers.1.fc1.bias",
    }


def test_the_overflow_of_one_feed_forward_is_cured_by_its_three_units_and_by_no_two(folders):
    culprits = [f"layers.2.{name}" for name in ("fc1", "gelu", "fc2")]
    wanted = embeddings(folders / "overflow", plain_plan("fp32"))
    assert not np.isfinite(embeddings(folders / "overflow", plain_plan("fp16"))).all()
    cured = embeddings(folders / "overflow", plan(culprits))
    assert np.abs(cured - wanted).max() < 0.02
    for left_out in culprits:
        two = [unit for unit in culprits if unit != left_out]
        assert not np.isfinite(embeddings(folders / "overflow", plan(two))).all()


def test_units_are_named_by_patterns_and_unknown_ones_meet_the_nearest_name(folders):
    units = units_of(spec_of(folders / "esm2"))
    assert len(units) == 3 * 9 + 2
    assert expand(["final_norm", "layers.*.gelu"], units) == (
        "layers.0.gelu", "layers.1.gelu", "layers.2.gelu", "final_norm",
    )  # fmt: skip
    with pytest.raises(UsageError, match=r"layers\.2\.fc2"):
        expand(["layers.2.fc_2"], units)
    with pytest.raises(UsageError, match="does not fit"):
        require({"layers.7.fc1": "fp32"}, spec_of(folders / "esm2"), "mine")


def test_points_and_parameters_belong_to_units():
    assert unit_of("layers.3.fc1.in", "esm2") == unit_of("layers.3.fc1.weight", "esm2") == "layers.3.fc1"
    assert unit_of("layers.3", "esm2") == "layers.3.residual"
    assert unit_of("layers.3", "dnabert-s") == "layers.3.ffn_norm"
    assert unit_of("token_type.weight", "dnabert-s") == "embedding"
    assert (operation_of("layers.3.fc1"), block_of("layers.3.fc1"), block_of("final_norm")) == ("fc1", 3, None)


def test_a_plan_is_known_by_its_content_not_by_its_name():
    one = PrecisionPlan(name="a", precision="fp16", kept={"x": "fp32", "b": "fp32"})
    same = PrecisionPlan(name="b", precision="fp16", kept={"b": "fp32", "x": "fp32", "c": "fp16"})
    assert plan_hash(one) == plan_hash(same)
    assert plan_hash(one) != plan_hash(one.model_copy(update={"kept": {"x": "bf16", "b": "fp32"}}))
    assert list(one.kept) == ["b", "x"]


def test_the_rollback_switch_takes_the_place_of_a_plan():
    config = RunConfig(model="m", input="i", plan=PrecisionPlan(name="a", precision="fp16", kept={"x": "fp32"}))
    assert config.candidate_plan.name == "plan:a"
    rolled_back = config.model_copy(update={"precision": "fp32", "precision_reason": "switched off"})
    assert rolled_back.candidate_plan == plain_plan("fp32")


@pytest.fixture
def fp8_on_a_cpu(monkeypatch):
    """The product of a GPU, as it is documented, and a device that is said to have it."""

    def scaled_mm(values, weight, *, scale_a, scale_b, bias, out_dtype, use_fast_accum):
        assert use_fast_accum
        return ((values.float() @ weight.float()) * scale_a * scale_b + bias.float()).to(out_dtype)

    monkeypatch.setattr(torch, "_scaled_mm", scaled_mm)
    monkeypatch.setattr(precision, "multiplies_fp8", lambda device: True)


@KINDS
@pytest.mark.parametrize("name", ["fp8", "fp8-ffn"])
@pytest.mark.usefixtures("fp8_on_a_cpu")
def test_a_model_in_fp8_errs_as_its_emulation_does(folders, kind, name):
    exact = embeddings(folders / kind, plain_plan("fp32"))
    real, emulated, half = (
        np.linalg.norm(embeddings(folders / kind, one) - exact)
        for one in (built_in_plan(name), emulated_plan(name), plain_plan("fp16"))
    )
    assert 0.8 < real / emulated < 1.25
    assert real > 4 * half


@KINDS
def test_an_emulated_plan_without_its_units_is_fp32(folders, kind):
    bare = PrecisionPlan(name="test", precision="fp32", kept={"layers.1.qkv": "emulated-fp8"})
    exact = embeddings(folders / kind, plain_plan("fp32"))
    one = np.abs(embeddings(folders / kind, bare) - exact).max()
    every = np.abs(embeddings(folders / kind, emulated_plan("fp8")) - exact).max()
    assert 0 < one < every


@pytest.mark.usefixtures("fp8_on_a_cpu")
def test_a_look_inside_sees_what_an_fp8_layer_takes_and_gives(folders):
    plan_ = built_in_plan("fp8")
    loaded = load(resolve(str(folders / "esm2")), plan_, CPU)
    seen = {}
    with looking(loaded.model, lambda name, value: seen.update({name: value.dtype})):
        Encoder(loaded, plan_, CPU).encode(tokens_of("esm2"), PACKS)
    assert {seen[f"layers.1.{name}"] for name in ("qkv.in", "qkv", "fc2.in", "fc2")} == {torch.float16}


def test_a_unit_of_every_block_stands_for_an_operation_of_some_model(folders):
    spec = spec_of(folders / "esm2")
    require({"layers.*.fc1": "fp8", "layers.*.gated": "fp8"}, spec, "test")
    with pytest.raises(UsageError, match=r"layers\.\*\.fc3"):
        require({"layers.*.fc3": "fp8"}, spec, "test")


def test_built_in_plans_have_hashes_of_their_own():
    plans = [built_in_plan("fp8"), built_in_plan("fp8-ffn"), *(emulated_plan(name) for name in ("fp8", "int8"))]
    assert len({plan_hash(one) for one in plans}) == 4


def test_sums_in_fp16_are_allowed_in_the_products_of_linear_layers_only(folders, monkeypatch):
    monkeypatch.setattr(precision, "_require_short_sums", lambda plan, device: None)
    plan_, switch = built_in_plan("fp16-acc16"), torch.backends.cuda.matmul
    before, seen = switch.allow_fp16_accumulation, []
    loaded = load(resolve(str(folders / "esm2")), plan_, CPU)
    product, mean = torch.nn.functional.linear, torch.nn.functional.layer_norm

    def noted(operation, name):
        def call(*arguments, **options):
            seen.append((name, switch.allow_fp16_accumulation))
            return operation(*arguments, **options)

        return call

    monkeypatch.setattr(torch.nn.functional, "linear", noted(product, "linear"))
    monkeypatch.setattr(torch.nn.functional, "layer_norm", noted(mean, "norm"))
    Encoder(loaded, plan_, CPU).encode(tokens_of("esm2"), PACKS)
    assert {*seen} == {("linear", True), ("norm", before)}
    assert switch.allow_fp16_accumulation == before
