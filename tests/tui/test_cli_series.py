"""`run` with repeats and a baseline, and `calibrate`: in this process, on a real store; runs finish at once."""

import json

import pytest
from stored_runs import complete, slow_down

from vp_tui.core.runs import launch
from vp_tui.core.store.baselines import set_baseline
from vp_tui.core.store.reader import Reader


@pytest.fixture
def finishing(home, monkeypatch):
    """launch makes finished runs: finishing(speed, verdict..) sets how the next ones end. Returns the configs."""
    started = []
    plan = {"tokens_per_s": 1000.0}

    def start(home, config, *, group_id=None, repeat_idx=None, resumed=None, early=None):
        started.append(config)
        asked = config.model_dump(include={"name", "precision", "fp32_compare", "sample"})
        return complete(home, group_id=group_id, repeat_idx=repeat_idx, **asked, **plan)

    monkeypatch.setattr(launch, "create_and_start", start)
    monkeypatch.setattr(launch, "preflight", lambda config: None)

    def how(**changes):
        plan.update(changes)
        return started

    return how


RUN = ("run", "-m", "esm2-8m", "-i", "x.fasta")


def test_repeats_are_fresh_runs_of_one_group_with_their_own_references(call, home, finishing):
    started = finishing()
    code, out, err = call(*RUN, "--repeats", 3, "--json")
    assert code == 0
    found = json.loads(out)
    assert [document["id"] for document in found] == [1, 2, 3]
    assert all(config.fp32_compare for config in started)
    assert "--fp32-compare" in err
    assert "repeat 3 of 3" in err
    with Reader(home) as reader:
        group = reader.group(reader.run(1).group_id)
    assert (group.kind, group.repeats, group.run_ids) == ("validate", 3, (1, 2, 3))


def test_one_run_is_as_before_a_document_without_a_group(call, home, finishing):
    started = finishing()
    found = json.loads(call(*RUN, "--json")[1])
    assert found["id"] == 1
    assert started[0].fp32_compare is False
    with Reader(home) as reader:
        assert reader.run(1).group_id is None


def test_the_table_of_repeats_names_every_run(call, finishing):
    finishing()
    out = call(*RUN, "--repeats", 2)[1]
    assert len([line for line in out.splitlines() if line.split()[:1] in (["1"], ["2"])]) == 2


def test_a_repeat_that_breaks_off_ends_the_series(call, home, finishing):
    finishing(stopped="failed")
    code, _, err = call(*RUN, "--repeats", 4)
    assert code == 7
    assert "3 remaining" in err
    with Reader(home) as reader:
        assert len(reader.runs()) == 1


def test_a_run_is_compared_with_a_baseline_at_its_end(call, home, finishing):
    slow_down(home)
    finishing(tokens_per_s=1000.0)
    code, out, _ = call(*RUN, "--repeats", 5, "--baseline", "default")
    assert code == 0
    assert "'default': accuracy IDENTICAL, performance EQUIVALENT" in out.splitlines()[-3]
    finishing(tokens_per_s=850.0)
    code, out, _ = call(*RUN, "--repeats", 5, "--baseline", "default")
    assert code == 3
    assert "'default': accuracy IDENTICAL, performance REGRESSED" in out.splitlines()[-3]
    code, out, err = call(*RUN, "--repeats", 5, "--baseline", "default", "--json")
    assert code == 3
    assert len(json.loads(out)) == 5
    assert "'default': accuracy IDENTICAL, performance REGRESSED" in err


def test_one_run_with_a_baseline_recomputes_its_reference_too(call, home, finishing):
    set_baseline(home, [complete(home)], reason="x")
    started = finishing()
    code, out, _ = call(*RUN, "--baseline", "default")
    assert (code, started[0].fp32_compare) == (0, True)
    assert "'default': accuracy IDENTICAL, performance EQUIVALENT" in out


def test_a_run_without_a_baseline_for_its_key_ends_with_5(call, home, finishing):
    set_baseline(home, [complete(home, dataset={"sha256": "db" * 32})], reason="x")
    finishing()
    code, out, _ = call(*RUN, "--baseline", "default")
    assert code == 5
    assert "different data" in out


def test_a_name_without_any_baseline_is_told_before_anything_runs(call, home, finishing):
    started = finishing()
    code, _, err = call(*RUN, "--baseline", "nobody")
    assert (code, started) == (5, [])
    assert "'nobody'" in err


def test_a_failed_validation_keeps_its_own_exit_code(call, home, finishing):
    set_baseline(home, [complete(home)], reason="x")
    finishing(end={"verdict": "FAIL", "sentence": "12 with NaN", "exit_code": 4})
    code, _, err = call(*RUN, "--baseline", "default")
    assert code == 4
    assert "not compared" in err


@pytest.mark.parametrize("more", [("--repeats", "2"), ("--baseline", "default")])
def test_detach_leaves_and_cannot_stay_for_repeats_or_a_baseline(call, home, finishing, more):
    started = finishing()
    set_baseline(home, [complete(home)], reason="x")
    code, _, err = call(*RUN, "--detach", *more)
    assert (code, started) == (2, [])
    assert "--detach" in err


def test_a_calibration_prints_the_noise_of_every_metric_and_is_used_by_comparisons(call, home, finishing):
    finishing(tokens_per_s=1000.0)
    code, out, _ = call("calibrate", "-m", "esm2-8m", "-i", "x.fasta", "--repeats", 3, "--json")
    assert code == 0
    found = json.loads(out)
    with Reader(home) as reader:
        group = reader.group(found["group"])
        assert reader.newest_calibration(reader.run(1).perf_key) == found["group"]
    assert (group.kind, group.repeats, len(group.run_ids)) == ("aa_calibration", 6, 6)
    assert sorted(group.order) == ["A"] * 3 + ["A'"] * 3
    metrics = {one["name"]: one for one in found["metrics"]}
    # equal speeds: no noise, so the smallest effect that matters is the tolerance
    assert metrics["tokens_per_s"]["cv"] == pytest.approx(0.0, abs=1e-12)
    assert metrics["tokens_per_s"]["tau"] == 0.05
    assert [name for name, one in metrics.items() if one["is_primary"]] == ["end_to_end_tokens_per_s"]
    table = call("calibrate", "-m", "esm2-8m", "-i", "x.fasta", "--repeats", 3)[1]
    assert "end-to-end tokens/s (decides)" in table
    assert "5%" in table


def test_a_calibration_that_breaks_off_has_no_noise_floor(call, finishing):
    finishing(stopped="failed")
    code, out, err = call("calibrate", "-m", "esm2-8m", "-i", "x.fasta")
    assert (code, out) == (7, "")
    assert "9 remaining" in err
