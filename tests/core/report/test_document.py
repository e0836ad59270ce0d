import json
from dataclasses import replace

import pytest
from records import alert, empty_stats, encoded, finding, four_strata, gpu_sample

from vp_tui.core.report.document import run_document, short_document
from vp_tui.core.store.snapshot import RunRow, RunSnapshot

ROW = RunRow(
    id=7,
    uuid="0123abcd",
    name="nightly",
    status="completed",
    status_reason="fp16 is safe here",
    phase="done",
    verdict="PASS",
    sentence="fp16 is safe here",
    speed_verdict="NOT JUDGED",
    model="esm2-8m",
    input="/data/reads.faa",
    precision="fp16",
    precision_reason=None,
    reference="fp32",
    device="cpu",
    done=30,
    total=30,
    eta_s=None,
    created_at_us=1_700_000_000_000_000,
    started_at_us=1_700_000_001_500_000,
    ended_at_us=None,
    heartbeat_at_us=None,
    pid=None,
    speedup=2.0,
    end_to_end_speedup=1.9,
    cosine_min=0.9999,
    exit_code=0,
    num_alerts=1,
    tags={"gpu": "h200"},
)
ARM = {"precision": "fp32", "tokens_per_s": 1000.0, "cached": False}


@pytest.fixture
def snapshot():
    return RunSnapshot(
        run=ROW,
        config={"precision": "fp16"},
        dataset={"n": 30},
        model={"name": "esm2"},
        environment={"torch": "2.13.0"},
        arms={"candidate": ARM | {"precision": "fp16"}, "reference": ARM},
        speedup={"tokens_per_s": 2.0, "end_to_end": 1.9, "ci95": [1.8, 2.2]},
        measures={"M1": {"all": {"min": 0.9999}}},
        findings=(finding(value=0.98, limit=0.99),),
        strata=(*four_strata()[:2], empty_stats("long"), four_strata()[3]),
        blocks=(encoded(),),
        similarity=(),
        gpu=(gpu_sample(utilization=80.0, throttle_reasons=4), gpu_sample(utilization=100.0, throttle_reasons=8)),
        alerts=(alert(sequence_id="p1"),),
        folder="/home/runs/0123abcd",
        step_seconds={"encoding": 0.9, "oracle": 2.2},
    )


def strict(document):
    """The document after a way through JSON that refuses NaN and Infinity."""
    return json.loads(json.dumps(document, allow_nan=False))


def test_the_document_has_the_keys_of_the_contract(snapshot):
    found = strict(run_document(snapshot))
    assert {
        *("schema_version", "id", "uuid", "name", "status", "verdict", "findings", "model", "dataset", "config"),
        *("environment", "arms", "speedup", "strata", "measures", "gpu", "step_seconds", "alerts"),
    } <= found.keys()
    assert found["schema_version"] == 2
    assert list(found["arms"]) == ["reference", "candidate"]
    assert list(found["strata"]) == ["short", "medium", "long", "all"]
    assert {"n", "tokens", "cosine_min", "cosine_p01", "cosine_mean", "below", "nan", "inf"} <= found["strata"][
        "all"
    ].keys()
    assert found["findings"] == [
        {"gate": "M1", "severity": "fail", "stratum": "long", "text": "too low", "value": 0.98, "limit": 0.99}
    ]
    assert found["speedup"] == {"tokens_per_s": 2.0, "end_to_end": 1.9, "ci95": [1.8, 2.2]}
    assert found["step_seconds"] == {"encoding": 0.9, "oracle": 2.2}


def test_a_number_that_does_not_exist_is_null_beside_its_count(snapshot):
    long = strict(run_document(snapshot))["strata"]["long"]
    assert (long["planned"], long["n"], long["cosine_min"], long["cosine_mean"]) == (0, 0, None, None)


def test_nan_in_a_record_becomes_null(snapshot):
    broken = replace(snapshot, findings=(finding(value=float("nan"), limit=float("inf")),))
    assert strict(run_document(broken))["findings"][0]["value"] is None
    assert strict(run_document(broken))["findings"][0]["limit"] is None


def test_gpu_samples_are_summed_up_and_their_throttle_reasons_joined(snapshot):
    found = strict(run_document(snapshot))["gpu"]
    assert (found["samples"], found["utilization"]) == (2, {"mean": 90.0, "max": 100.0})
    assert found["throttle_reasons"] == 4 | 8


def test_what_the_gpu_did_is_summed_up_over_the_timed_blocks_alone_without_the_pauses_between_them(snapshot):
    at_work = {"sm_active": 90.0, "tensor_active": 60.0, "dram_active": 30.0, "other_processes": 0}
    samples = (
        gpu_sample(at_us=999_999, utilization=1.0),
        gpu_sample(at_us=1_000_000, utilization=90.0, **at_work),
        gpu_sample(at_us=2_000_000, utilization=3.0, **at_work),
        gpu_sample(at_us=3_000_000, utilization=100.0, **at_work | {"tensor_active": 62.0, "dram_active": None}),
        gpu_sample(at_us=3_000_001, utilization=2.0, **at_work | {"other_processes": 3}),
    )
    blocks = (
        encoded(at_us=900_000, wall_s=0.9, is_warmup=True),
        encoded(at_us=1_500_000, wall_s=0.5),
        encoded(at_us=3_000_000, wall_s=0.2, arm="candidate"),
    )
    found = strict(run_document(replace(snapshot, gpu=samples, blocks=blocks)))["gpu"]
    assert found["encoding"] == {
        "samples": 2,
        "utilization": {"mean": 95.0, "max": 100.0},
        "sm_active": {"mean": 90.0, "max": 90.0},
        "tensor_active": {"mean": 61.0, "max": 62.0},
        "dram_active": {"mean": 30.0, "max": 30.0},
        "other_processes": {"mean": 0.0, "max": 0},
    }
    assert found["samples"] == 5


def test_before_a_block_is_timed_and_without_gpm_there_are_nulls(snapshot):
    warming = replace(snapshot, blocks=(encoded(is_warmup=True),))
    assert strict(run_document(warming))["gpu"]["encoding"]["samples"] == 0
    assert strict(run_document(warming))["gpu"]["encoding"]["utilization"] is None
    older = replace(snapshot, blocks=(encoded(at_us=3),))
    found = strict(run_document(older))["gpu"]["encoding"]
    assert (found["samples"], found["utilization"]["mean"], found["sm_active"]) == (2, 90.0, None)


def test_what_spoiled_the_clocks_is_in_the_document(snapshot):
    found = strict(run_document(snapshot))
    assert (found["perf_valid"], found["perf_invalid_reason"]) == (None, None)
    words = "1 other process computed on the GPU in 3 of 40 samples"
    spoiled = replace(snapshot, run=replace(ROW, perf_valid=False, perf_invalid_reason=words))
    found = strict(run_document(spoiled))
    assert (found["perf_valid"], found["perf_invalid_reason"]) == (False, words)


def test_without_a_gpu_the_summary_is_null_and_zero_samples(snapshot):
    found = strict(run_document(replace(snapshot, gpu=())))["gpu"]
    assert (found["samples"], found["utilization"], found["throttle_reasons"]) == (0, None, 0)


def test_what_one_gpu_does_not_report_is_null_and_the_rest_stays(snapshot):
    samples = (gpu_sample(power_w=None), gpu_sample(power_w=None, temperature_c=60.0))
    found = strict(run_document(replace(snapshot, gpu=samples)))["gpu"]
    assert found["power_w"] is None
    assert found["temperature_c"] == {"mean": 57.5, "max": 60.0}


def test_a_run_that_has_only_begun_has_a_document_too(snapshot):
    begun = replace(
        snapshot,
        run=replace(ROW, status="queued", verdict=None, cosine_min=None, started_at_us=None),
        arms={},
        speedup={},
        strata=(),
        findings=(),
    )
    found = strict(run_document(begun))
    assert (found["status"], found["verdict"], found["started_at"]) == ("queued", None, None)
    assert (found["arms"], found["strata"], found["findings"]) == ({}, {}, [])


def test_the_short_form_is_the_head_of_the_long_one(snapshot):
    short, long = strict(short_document(ROW)), strict(run_document(snapshot))
    assert short.items() <= long.items()
    assert short["tags"] == {"gpu": "h200"}


def test_times_are_iso_utc(snapshot):
    found = short_document(ROW)
    assert found["created_at"] == "2023-11-14T22:13:20.000+00:00"
    assert found["started_at"] == "2023-11-14T22:13:21.500+00:00"
    assert found["ended_at"] is None
