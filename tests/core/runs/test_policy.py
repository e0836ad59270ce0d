"""What production should do, from runs in a real store; the environment of now is a plain mapping."""

import json
import sqlite3
from argparse import Namespace
from contextlib import closing

import numpy as np
import pytest
from stored_runs import ENVIRONMENT, GPU, MODEL, complete, uuid_of, validated

from vp_tui.core.config import PrecisionPlan, built_in_plan, emulated_plan, plan_named
from vp_tui.core.fingerprint import METRICS_VERSION
from vp_tui.core.inputs.source import resolve
from vp_tui.core.runs import policy
from vp_tui.core.store import plans, references
from vp_tui.core.store.reader import Reader
from vp_tui.core.store.references import EmbeddingsFile
from vp_tui.core.workers import env_probe

WEIGHTS = MODEL["weights_sha256"]


@pytest.fixture
def sql(home):
    """sql(statement): on a connection of its own."""

    def execute(statement):
        with closing(sqlite3.connect(home.database)) as connection, connection:
            connection.execute(statement)

    return execute


@pytest.fixture
def decided(home):
    """decided(precision, weights=.., model=.., now=..) -> Policy for what is in the store."""

    def decide(precision="fp16", *, weights=WEIGHTS, model="esm2-8m", now=None):
        with Reader(home) as reader:

            def of(plan):
                found = policy.validations(reader, plan, resolve(model), weights)
                return policy.decide(precision, model, found, ENVIRONMENT | GPU | (now or {}))

            return policy.with_plans(of(plan_named(precision)), (one.plan for one in plans.listed(home)), of)

    return decide


def test_a_run_that_passed_here_lets_production_use_the_precision(home, decided):
    run_id = validated(home)
    found = decided()
    assert (found.precision, found.is_allowed, found.run.id) == ("fp16", True, run_id)
    assert f"run #{run_id}" in found.reason


PLAN = PrecisionPlan(name="run-1", precision="fp16", kept={"layers.3.fc1": "fp32"})


def test_a_plan_that_passed_takes_the_place_of_a_precision_that_failed(home, decided):
    failed = validated(home, end={"verdict": "FAIL", "sentence": "NaN", "exit_code": 4})
    plans.save(home, PLAN)
    assert (decided().precision, decided().run.id) == ("fp32", failed)
    passed = validated(home, plan=PLAN)
    found = decided()
    assert (found.precision, found.run.id, found.plan, found.is_allowed) == ("plan:run-1", passed, PLAN, False)
    assert found.document()["plan"]["kept"] == {"layers.3.fc1": "fp32"}
    # another content under the same name is another plan
    plans.save(home, PLAN.model_copy(update={"kept": {"layers.2.fc1": "fp32"}}))
    assert decided().precision == "fp32"


def test_a_plan_that_is_no_evidence_is_named_with_the_reason(home, decided):
    validated(home, end={"verdict": "FAIL", "sentence": "NaN", "exit_code": 4})
    plans.save(home, PLAN)
    few = validated(home, plan=PLAN, n=20)
    found = decided()
    assert found.precision == "fp32"
    assert "plan:run-1" in found.reason
    assert f"run #{few}" in found.reason


def test_a_run_of_a_plan_says_nothing_about_the_precision_without_it(home, decided):
    validated(home, plan=PLAN)
    assert (decided().precision, decided().run) == ("fp32", None)


def test_a_warning_is_allowed_and_its_reason_is_told(home, decided):
    validated(home, end={"verdict": "WARN", "sentence": "relative error is high"})
    found = decided()
    assert found.is_allowed
    assert "WARN" in found.reason
    assert "relative error is high" in found.reason


FAILED = {"verdict": "FAIL", "sentence": "12 sequences hold NaN", "exit_code": 4}


@pytest.mark.parametrize("verdict", ["FAIL", "INVALID"])
def test_the_newest_run_rolls_back_even_when_older_ones_passed(home, decided, verdict):
    validated(home)
    newest = validated(home, end=FAILED | {"verdict": verdict})
    found = decided()
    assert (found.precision, found.run.id) == ("fp32", newest)
    assert "12 sequences hold NaN" in found.reason


def test_a_newer_pass_of_the_same_size_clears_an_older_failure(home, decided):
    validated(home, end=FAILED)
    validated(home)
    assert decided().is_allowed


@pytest.mark.parametrize("n", [1, 300, {"short": 5000, "medium": 5000, "long": 999}, {"short": 5000}])
def test_a_smaller_pass_does_not_clear_a_failure(home, decided, n):
    failed = validated(home, n=1000, end=FAILED)
    validated(home, n=n)
    found = decided()
    assert (found.is_allowed, found.run.id) == (False, failed)
    assert "1000 short, 1000 medium, 1000 long" in found.reason


def test_a_pass_that_is_no_evidence_does_not_clear_a_failure_either(home, decided):
    failed = validated(home, end=FAILED)
    validated(home, speedup=0.9)
    assert decided().run.id == failed
    validated(home)
    assert decided().is_allowed


def test_a_failure_of_a_tiny_run_holds_until_a_larger_one_passes(home, decided):
    validated(home)
    complete(home, environment=GPU, end=FAILED)
    assert not decided().is_allowed
    validated(home)
    assert decided().is_allowed


NO_EVIDENCE = {
    "few": ({"n": 299}, "299 short, 299 medium, 299 long sequences only: 300"),
    "one short stratum": ({"n": {"short": 300, "medium": 300, "long": 40}}, "40 long sequences only: 300"),
    "one sequence": ({"n": {"short": 1}}, "1 short sequences only: 300"),
    "no sequence": ({"n": {"short": 0}}, "no sequences only: 300"),
    "slower": ({"speedup": 0.97}, "0.97x (tokens/s)"),
    "slower end to end": ({"end_to_end": 0.8}, "0.80x (end to end)"),
    "as fast": ({"speedup": 1.0}, "1.00x (tokens/s)"),
    "speed unknown": ({"speedup": None}, "unknown"),
    "end to end unknown": ({"end_to_end": None}, "unknown"),
    "disturbed": ({"end": {"perf_valid": False, "perf_invalid_reason": "heat"}}, "heat"),
    "looser cosine": ({"thresholds": {"M1.fail": 0.9}}, "M1 0.9 for 0.99"),
}


@pytest.mark.parametrize("case", NO_EVIDENCE)
def test_a_pass_that_is_no_evidence_means_fp32_with_the_reason(home, decided, case):
    changes, words = NO_EVIDENCE[case]
    run_id = validated(home, **changes)
    found = decided()
    assert (found.precision, found.run.id) == ("fp32", run_id)
    assert words in found.reason


def test_a_run_on_the_cpu_switches_nothing_on_although_it_passed_here(home, decided):
    cpu = {"device": "cpu", "device_name": "x86_64", "driver": None, "cuda": None}
    run_id = validated(home, environment=cpu, n=1000)
    found = decided(now=cpu)
    assert (found.precision, found.run.id, found.differing) == ("fp32", run_id, {})
    assert "ran on cpu" in found.reason


def test_a_stratum_that_the_file_does_not_have_asks_for_nothing(home, decided):
    validated(home, n={"short": 300, "medium": 300})
    assert decided().is_allowed


def test_stricter_limits_are_no_objection(home, decided):
    validated(home, thresholds={"M1.fail": 0.999})
    assert decided().is_allowed


def test_a_newer_pass_that_is_no_evidence_leaves_the_older_evidence(home, decided):
    older = validated(home)
    complete(home, environment=GPU)
    found = decided()
    assert (found.is_allowed, found.run.id) == (True, older)


@pytest.fixture
def reference(home):
    """reference(run id) -> path of its reference file, written as a run does."""

    def write(run_id):
        path = home.run_folder(uuid_of(home, run_id)) / "reference.safetensors"
        file = EmbeddingsFile(path, 30, 8)
        file.embeddings_SD[:] = np.random.default_rng(0).normal(size=(30, 8))
        file.finish({"summary": {}, "strata": {}, "run_uuid": "ab"})
        return path

    return write


def test_a_cached_reference_that_fits_its_checksum_is_evidence(home, decided, reference):
    run_id = validated(home, cached=True)
    assert "cannot be verified" in decided().reason, "the file is gone"
    reference(run_id)
    assert decided().is_allowed


@pytest.mark.parametrize("byte", [0, 1 << 16, -1])
def test_one_flipped_bit_in_a_cached_reference_means_fp32(home, decided, reference, byte):
    path = reference(validated(home, cached=True))
    content = bytearray(path.read_bytes())
    content[byte] ^= 64
    path.write_bytes(content)
    found = decided()
    assert not found.is_allowed
    assert "--fp32-compare" in found.reason


def test_a_reference_of_a_version_without_checksums_means_fp32(home, decided, reference, monkeypatch):
    monkeypatch.setattr(references, "CHECKSUM", "another name")
    reference(validated(home, cached=True))
    monkeypatch.undo()
    assert "no checksum" in decided().reason


def test_a_run_that_does_not_say_where_its_reference_came_from_means_fp32(home, decided, sql):
    validated(home)
    sql("""UPDATE run SET arms_json = '{"candidate": {}}'""")
    assert not decided().is_allowed


OTHERS = {
    "precision": {"precision": "bf16"},
    "reference": {"reference": "tf32"},
    "weights": {"checkpoint": {"weights_sha256": "ff" * 32}},
    "status": {"stopped": "failed"},
    "cancelled": {"stopped": "cancelled"},
    "interrupted": {"stopped": "interrupted"},
    "planted fault": {"fault": "tanh-gelu"},
}


@pytest.mark.parametrize("other", OTHERS)
def test_a_run_of_something_else_is_no_validation(home, decided, other):
    validated(home, **OTHERS[other])
    found = decided()
    assert (found.precision, found.run) == ("fp32", None)
    assert "no completed run validates fp16 of esm2-8m" in found.reason


def test_a_run_that_is_not_whole_is_no_validation(home, decided, sql):
    validated(home)
    sql("UPDATE run SET done = 29")
    assert decided().run is None


def test_each_precision_has_its_own_validation(home, decided):
    validated(home, precision="bf16")
    assert decided("bf16").precision == "bf16"
    assert decided("tf32").precision == "fp32"


BUILT_IN = ("fp8", "fp8-ffn", "fp16-acc16")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_plan_is_allowed_by_a_run_of_that_plan_alone(home, decided, name):
    validated(home)
    found = decided(name)
    assert (found.precision, found.run, found.requested) == ("fp32", None, name)
    assert f"--precision {name}`" in found.reason
    run_id = validated(home, plan=built_in_plan(name))
    found = decided(name)
    assert (found.precision, found.run.id, found.is_allowed) == (name, run_id, True)
    told = found.document()
    assert (told["precision"], told["requested"], told["disable"]) == (name, name, False)
    for other in {*BUILT_IN} - {name}:
        assert decided(other).run is None


def test_an_emulated_run_is_no_evidence_for_the_real_format(home, decided):
    validated(home, precision="fp32", plan=emulated_plan("fp8"))
    assert (decided("fp8").precision, decided("fp8").run) == ("fp32", None)


@pytest.mark.parametrize("case", NO_EVIDENCE)
def test_fp8_needs_the_same_evidence_as_fp16(home, decided, case):
    changes, words = NO_EVIDENCE[case]
    validated(home)
    run_id = validated(home, plan=built_in_plan("fp8"), **changes)
    found = decided("fp8")
    assert (found.precision, found.run.id) == ("fp32", run_id)
    assert words in found.reason


def test_a_failure_and_another_environment_mean_fp32_for_fp8_too(home, decided, reference):
    fp8 = built_in_plan("fp8")
    run_id = validated(home, plan=fp8, cached=True)
    assert not decided("fp8").is_allowed, "its reference cannot be checked"
    reference(run_id)
    assert decided("fp8").is_allowed
    assert decided("fp8", now={"driver": "580.2"}).differing.keys() == {"driver"}
    failed = validated(home, plan=fp8, end=FAILED)
    assert (decided("fp8").is_allowed, decided("fp8").run.id) == (False, failed)
    validated(home, plan=fp8, n=20)
    assert decided("fp8").run.id == failed


def test_fp8_is_not_replaced_by_a_stored_plan_or_by_fp16(home, decided):
    plans.save(home, PLAN)
    validated(home, plan=PLAN)
    validated(home)
    validated(home, plan=built_in_plan("fp8"), end=FAILED)
    assert decided("fp8").precision == "fp32"
    assert decided("fp16").precision == "fp16"


CHANGES = {
    "torch": "2.14.0+cpu",
    "driver": "580.2",
    "device_name": "arm64",
    "compute_capability": "9.0",
    "transformers": "5.1",
}


@pytest.mark.parametrize("fact", CHANGES)
def test_a_changed_environment_means_fp32_and_names_the_fact_old_and_new(home, decided, fact):
    run_id = validated(home)
    found = decided(now={fact: CHANGES[fact]})
    old = (ENVIRONMENT | GPU).get(fact)
    assert (found.precision, found.run.id, found.differing) == ("fp32", run_id, {fact: (old, CHANGES[fact])})
    assert f"{fact} was {'unknown' if old is None else old} and is {CHANGES[fact]}" in found.reason
    assert "validate again" in found.reason


def test_another_gpu_driver_is_a_changed_environment(home, decided):
    gpu = {"device": "cuda:0", "device_name": "NVIDIA H200", "driver": "570.1", "cuda": "13.0"}
    validated(home, environment=gpu)
    assert decided(now={**gpu, "device": "cuda:1"}).is_allowed, "the second of two equal GPUs is the same machine"
    assert decided(now={**gpu, "driver": "580.2"}).differing == {"driver": ("570.1", "580.2")}


def test_measures_with_another_meaning_are_a_changed_environment(home, decided, monkeypatch):
    validated(home)
    monkeypatch.setattr(policy, "METRICS_VERSION", METRICS_VERSION + 1)
    assert decided().differing == {"metrics_version": (METRICS_VERSION, METRICS_VERSION + 1)}


def test_an_older_run_of_this_environment_decides_over_a_newer_one_of_another(home, decided):
    here_then = validated(home)
    validated(home, environment={"torch": "2.14.0+cpu"}, end={"verdict": "FAIL", "sentence": "bad", "exit_code": 4})
    found = decided()
    assert (found.run.id, found.is_allowed) == (here_then, True)


def test_of_several_changed_environments_the_newest_is_told(home, decided):
    validated(home, environment={"torch": "2.11.0"})
    newest = validated(home, environment={"torch": "2.12.0"})
    found = decided()
    assert (found.run.id, found.differing) == (newest, {"torch": ("2.12.0", "2.13.0")})


def test_a_checkpoint_of_the_hub_is_known_by_its_name_however_it_is_written(home, decided):
    validated(home, model="facebook/esm2_t6_8M_UR50D")
    assert decided(weights=None, model="esm2-8m").is_allowed
    assert decided(weights=None, model="facebook/esm2_t6_8M_UR50D").is_allowed
    assert decided(weights=None, model="esm2-35m").run is None


def test_a_revision_that_is_asked_for_is_the_one_that_was_validated(home, decided):
    validated(home, model="esm2-8m@main", checkpoint={"revision": "abc123def"})
    assert decided(weights=None, model="esm2-8m").is_allowed
    assert decided(weights=None, model="esm2-8m@abc123").is_allowed
    assert decided(weights=None, model="esm2-8m@main").is_allowed
    assert decided(weights=None, model="esm2-8m@v2").run is None


def test_a_checkpoint_here_is_known_by_its_weights_wherever_it_lay_then(home, decided, tmp_path):
    validated(home, model="/gone/since/then")
    assert decided(model=str(tmp_path)).is_allowed


@pytest.mark.parametrize("asked", [("fp16", "fp16"), ("fp8", "fp16")])
@pytest.mark.parametrize("value", ["1", " Yes ", "TRUE"])
def test_the_switch_in_the_environment_wins(value, asked):
    found = policy.switched_off(*asked, {"VIRNUCPRO_DISABLE_FP16": value})
    assert (found.precision, found.requested, found.is_allowed) == ("fp32", asked[0], False)
    assert "VIRNUCPRO_DISABLE_FP16" in found.reason


@pytest.mark.parametrize("environment", [{}, {"VIRNUCPRO_DISABLE_FP16": "0"}, {"VIRNUCPRO_DISABLE_FP16": ""}])
def test_a_switch_that_is_off_decides_nothing(environment):
    assert policy.switched_off("fp16", "fp16", environment) is None


def test_the_document_is_strict_json_and_says_everything(home, decided):
    run_id = validated(home)
    told = json.loads(json.dumps(decided(now={"driver": "580.2"}).document(), allow_nan=False))
    assert told["run"]["id"] == run_id
    assert told["differences"] == {"driver": ["570.1", "580.2"]}
    assert (told["precision"], told["requested"], told["disable"]) == ("fp32", "fp16", True)


def test_what_is_here_now_is_what_a_run_records(made_checkpoint):
    from vp_tui.core.engine import environment
    from vp_tui.core.models.weight_hash import weights_sha256

    found = env_probe.main(Namespace(model=str(made_checkpoint()), device="auto"))
    device, why = environment.resolve_device("auto")
    assert found["environment"] == environment.facts(device, why)
    assert found["weights_sha256"] == weights_sha256(made_checkpoint())
    assert env_probe.main(Namespace(model="esm2-8m", device="auto"))["weights_sha256"] is None
