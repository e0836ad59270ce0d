"""What a run is made of, and its numbers by name, as rows."""

import json

import pytest
from records import arm, compared, encoded, finished, four_strata, gpu_sample, planned, result, stats

from vp_tui.core.store import lifecycle
from vp_tui.core.store.groups import create_group


def test_a_planned_run_points_to_its_data_checkpoint_and_machine(completed, sql, reader):
    run_id = completed()
    assert sql(
        "SELECT d.sha256, d.n_total, d.n_short, d.cuts_json, m.repo_id, m.revision, m.weights_sha256, m.tokenizer, "
        "e.torch, e.cpu_model, e.gpu_name FROM run JOIN dataset d ON d.id = dataset_id "
        "JOIN model_artifact m ON m.id = model_id JOIN environment e ON e.id = environment_id WHERE run.id = ?",
        run_id,
    ) == [("da" * 32, 30, 10, "[64, 128]", "esm2-8m", "", "ea" * 32, "esm2", "2.13.0+cpu", "x86_64", None)]
    accuracy, perf = reader.key_facts(run_id)
    assert (accuracy["dataset_sha256"], perf["threads"]) == ("da" * 32, 1)
    row = reader.run(run_id)
    assert len(row.accuracy_key) == len(row.perf_key) == 64


def test_equal_facts_are_one_row_and_one_key(completed, sql, reader):
    first, second = completed(), completed({"name": "other", "token_budget": 256, "seed": 5})
    one, other = reader.run(first), reader.run(second)
    assert (one.accuracy_key, one.perf_key) == (other.accuracy_key, other.perf_key)
    for table in ("dataset", "model_artifact", "environment"):
        assert sql(f"SELECT count(*) FROM {table}") == [(1,)]


@pytest.mark.parametrize(
    ("changes", "table", "keys"),
    [
        ({"dataset": {"cuts": [64, 99]}}, "dataset", (False, False)),
        ({"dataset": {"sha256": "db" * 32}}, "dataset", (False, False)),
        ({"model": {"weights_sha256": "eb" * 32}}, "model_artifact", (False, False)),
        ({"environment": {"threads": 2}}, "environment", (True, False)),
        ({"asked": {"precision": "bf16"}}, "run", (False, False)),
    ],
)
def test_other_facts_are_another_row_and_another_key(completed, sql, reader, changes, table, keys):
    one, other = reader.run(completed()), reader.run(completed(**changes))
    assert (one.accuracy_key == other.accuracy_key, one.perf_key == other.perf_key) == keys
    assert sql(f"SELECT count(*) FROM {table}") == [(2,)]


def test_facts_that_nobody_has_told_stay_missing(started, write, reader, sql):
    run_id = started()
    write(run_id, planned(dataset={"n": 30, "cuts": [float("nan"), 1]}, model={}, environment={}))
    assert sql("SELECT dataset_id, model_id, environment_id, accuracy_key, perf_key FROM run") == [(None,) * 5]
    assert reader.run(run_id).status == "running"
    assert reader.key_facts(run_id)[0]["weights_sha256"] is None


def test_a_gpu_is_named_in_the_environment(completed, sql):
    completed(environment={"device": "cuda:0", "device_name": "NVIDIA H200", "driver": "580", "power_limit_w": 700.0})
    assert sql("SELECT gpu_name, driver, power_limit_w, cpu_model FROM environment") == [
        ("NVIDIA H200", "580", 700.0, None)
    ]
    (facts,) = sql("SELECT facts_json FROM environment")[0]
    assert json.loads(facts)["driver"] == "580"
    assert "threads" not in json.loads(facts)


def metrics(sql, run_id):
    rows = sql("SELECT name, scope, value, n, nonfinite, ci_lo, ci_hi FROM metric WHERE run_id = ?", run_id)
    return {(name, scope): rest for name, scope, *rest in rows}


def test_measures_and_speeds_are_rows_by_name_and_scope(completed, sql):
    run_id = completed(
        measures={"M2": {"all": {"min": 0.9, "p01": 0.95}, "short": {"min": 0.91}}, "details": {"M2": {"worst": 3}}},
        arms={"reference": arm(), "candidate": arm(tokens_per_s=2000.0, end_to_end_seconds=1.0, peak_memory_mib=512.0)},
    )
    found = metrics(sql, run_id)
    assert found["M2.min", "all"] == [0.9, 10, 0, None, None]
    assert found["M2.min", "short"][0] == 0.91
    assert found["M1.min", "long"][0] == 0.99999
    assert found["candidate.tokens_per_s", "all"][0] == 2000.0
    assert found["candidate.end_to_end_tokens_per_s", "all"][0] == 500.0
    assert found["reference.end_to_end_seconds", "all"][0] == 2.0
    assert found["candidate.peak_memory_mib", "all"][0] == 512.0
    assert found["speedup.tokens_per_s", "all"] == [2.0, 10, 0, 1.8, 2.2]
    assert found["speedup.end_to_end", "all"][0] == 1.9
    assert ("reference.peak_memory_mib", "all") not in found, "not measured: no row"
    assert not [name for name, _ in found if "cached" in name or "kernel" in name or "details" in name]


def test_a_number_without_a_value_says_how_many_sequences_were_not_finite(completed, sql):
    broken = (stats("all", n=10, nan=2, inf=1, cosine_min=None, speedup=None), stats("short", n=0, planned=0))
    found = metrics(sql, completed(strata=broken, measures={"M2": {"all": {"min": None}, "short": {"min": None}}}))
    assert found["M1.min", "all"] == [None, 10, 3, None, None]
    assert found["M2.min", "all"] == [None, 10, 3, None, None]
    assert found["M1.p01", "all"] == [0.99999, 10, 3, None, None]
    assert ("M2.min", "short") not in found
    assert ("M1.min", "short") not in found
    assert found["candidate.tokens_per_s", "all"][2] == 0, "sequences say nothing about clocks"


def test_the_gpu_is_averaged_over_the_timed_blocks_of_both_runs_without_warm_up_and_pauses(started, write, sql):
    run_id = started()
    seconds = ((5, 0.0), (10, 80.0), (13, 1.0), (20, 90.0), (25, 0.0))
    write(
        run_id,
        planned(),
        encoded(at_us=5_000_000, wall_s=4.0, is_warmup=True),
        encoded(at_us=10_000_000, wall_s=1.0),
        encoded(at_us=20_000_000, wall_s=6.0, arm="candidate"),
        *(gpu_sample(at_us=second * 1_000_000, utilization=value) for second, value in seconds),
        gpu_sample(at_us=15_000_000, utilization=None),
        finished(),
    )
    assert metrics(sql, run_id)["gpu.utilization", "all"][0] == 85.0


def test_layers_clocks_and_the_layer_of_an_alert_are_kept(started, write, reader, sql):
    from records import alert

    run_id = started()
    write(
        run_id,
        planned(),
        alert(layer="layers.3"),
        finished(perf_valid=False, perf_invalid_reason="throttled", clock_suspect=True),
    )
    row = reader.run(run_id)
    assert (row.perf_valid, row.perf_invalid_reason) == (False, "throttled")
    assert sql("SELECT clock_suspect FROM run") == [(1,)]
    assert reader.snapshot(run_id).alerts[0].layer == "layers.3"


def test_a_sequence_keeps_the_hash_of_its_letters(started, write, reader):
    run_id = started()
    rows = (result(0, seq_hash=-(2**63)), result(1, seq_hash=2**63 - 1), result(2))
    write(run_id, planned(), compared(results=rows))
    assert reader.results(run_id) == rows


def test_a_finished_run_can_be_written_twice(started, write, sql):
    run_id = started()
    write(run_id, planned(), finished(measures={}), finished(measures={}, strata=four_strata(cosine_min=0.5)))
    assert metrics(sql, run_id)["M1.min", "all"][0] == 0.5


def test_the_share_of_the_peak_is_a_metric_of_the_arm_that_has_one(completed, sql):
    found = metrics(sql, completed(arms={"reference": arm(), "candidate": arm(mfu=0.61)}))
    assert found["candidate.mfu", "all"][0] == 0.61
    assert ("reference.mfu", "all") not in found, "a run on a CPU has none"


def test_repeats_belong_to_a_group_in_their_order(home, queued, reader):
    from records import config

    group_id = create_group(home, "aa_calibration", 2, label="noise", order=("A", "B", "B", "A"))
    ids = [lifecycle.create_run(home, config(), group_id=group_id, repeat_idx=index) for index in (1, 0)]
    group = reader.group(group_id)
    found = (group.kind, group.label, group.repeats, group.order)
    assert found == ("aa_calibration", "noise", 2, ("A", "B", "B", "A"))
    assert group.run_ids == tuple(reversed(ids))
    assert [row.id for row in reader.history(f"group:{group_id}", sort="id")] == ids
    assert reader.run(ids[0]).repeat_idx == 1
    assert create_group(home, "validate", 1) != group_id
